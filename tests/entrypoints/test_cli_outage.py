import asyncio

import pytest
from msgspec.structs import replace

from domain.identifiers import InstallationId, Secret
from domain.installation import Policies
from domain.outage_scope import OutageId, Source
from entrypoints.outage_form import OutageChange
from tests.entrypoints.fakes import INSTALLATION
from tests.entrypoints.test_cli import Ponte

TELLS = replace(INSTALLATION, policies=Policies(outage_message_enabled=True))


@pytest.fixture
def ponte(capsys: pytest.CaptureFixture[str], restored_logging: None) -> Ponte:
    """It is nine o'clock in the morning there."""
    ponte = Ponte(capsys)
    ponte.keep(TELLS)
    return ponte


def test_an_outage_is_opened_listed_corrected_and_closed(ponte: Ponte) -> None:
    opened = ponte.json("outage", "open", "--scope", "city=Contagem", "--predicted", "18:30", "--cause", "energia")
    assert opened["message_enabled"] is True
    outage = opened["outage"]
    assert (outage["scope"], outage["predicted_at"]) == ("city=Contagem", "2026-11-23T18:30:00-03:00")
    assert ponte.json("outage", "list")["outages"] == [outage]

    corrected = ponte.json("outage", "update", outage["id"], "--predicted", "24/11 02:00", "--protocol", "77")
    assert corrected["outage"] == outage | {
        "predicted_at": "2026-11-24T02:00:00-03:00",
        "protocol": "77",
        "expires_at": corrected["outage"]["expires_at"],
    }
    closed = ponte.json("outage", "close", outage["id"])["outage"]
    assert closed["state"] == "ended"
    assert ponte.json("outage", "list")["outages"] == []
    assert ponte.json("outage", "list", "--all")["outages"] == [closed]


def test_people_read_one_line_for_each_outage(ponte: Ponte) -> None:
    assert ponte("outage", "list") == 0
    assert ponte.out == "Nenhuma falha aberta.\n"
    assert ponte("outage", "list", "--all") == 0
    assert ponte.out == "Nenhuma falha.\n"
    assert ponte("outage", "open", "--scope", "all", "--protocol", "77") == 0
    assert "aberta · em toda a rede · desde 23/11 às 09h00 · previsão: ainda sem previsão" in ponte.out
    assert ponte("outage", "list") == 0
    assert "protocolo 77 · vale até 23/11 às 21h00" in ponte.out


def test_whoever_opens_one_that_nobody_would_be_told_of_is_warned(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    assert ponte("outage", "open", "--scope", "all") == 0
    assert "`ponte installation set inst-1 --set outage_message_enabled=true`" in ponte.out


@pytest.mark.parametrize(
    ("argv", "code", "advice"),
    [
        (("open", "--scope", "bairros"), 2, "--scope: use all, city=Nome"),
        (("open", "--scope", "all", "--predicted", "ontem"), 2, '--predicted: use "18:30"'),
        (("update", "o-9", "--predicted", "ontem"), 2, '--predicted: use "18:30"'),
        (("update", "o-9", "--predicted", "18:30"), 1, "não existe essa falha"),
        (("close", "o-9"), 1, "não existe essa falha"),
        (("list", "--installation", "inst-9"), 1, "não existe a instalação 'inst-9'"),
    ],
)
def test_what_can_not_be_done_is_told_with_what_to_do(
    ponte: Ponte, argv: tuple[str, ...], code: int, advice: str
) -> None:
    assert ponte("outage", *argv) == code
    assert advice in ponte.err


def test_what_the_erp_tells_is_corrected_there(ponte: Ponte) -> None:
    outage = ponte.json("outage", "open", "--scope", "all")["outage"]
    asyncio.run(
        ponte.root.outages.change(
            TELLS.id, OutageId(outage["id"]), lambda kept: kept and replace(kept, source=Source.ERP)
        )
    )
    assert ponte("outage", "update", outage["id"], "--cause", "x") == 1
    assert "quem informa essa falha é o ERP" in ponte.err
    assert ponte("outage", "close", outage["id"]) == 0


def test_every_change_is_noted_once_and_what_changes_nothing_is_not(ponte: Ponte) -> None:
    ident = ponte.json("outage", "open", "--scope", "all")["outage"]["id"]
    ponte.json("outage", "update", ident, "--cause", "energia")
    for _ in range(2):
        ponte.json("outage", "close", ident)
    assert ponte("outage", "update", ident, "--cause", "outra") == 1
    assert ponte("outage", "close", "o-9") == 1
    ponte.json("outage", "list", "--all")

    assert ponte.root.noted_outages == [
        (TELLS.id, OutageChange.OPENED, ident),
        (TELLS.id, OutageChange.CORRECTED, ident),
        (TELLS.id, OutageChange.CLOSED, ident),
    ]


def test_of_several_installations_one_must_be_named(ponte: Ponte) -> None:
    ponte.keep(replace(TELLS, id=InstallationId("inst-2"), webhook_key=Secret(value="other")))
    assert ponte("outage", "open", "--scope", "all") == 2
    assert "diga de qual empresa com --installation ID" in ponte.err
    assert ponte("outage", "open", "--scope", "all", "--installation", "inst-2") == 0
    assert ponte.json("outage", "list", "--installation", "inst-1")["outages"] == []


def test_an_installation_made_before_there_was_the_api_gets_its_key_with_the_next_change(ponte: Ponte) -> None:
    ponte.keep(replace(TELLS, outage_api_key=Secret(value="")))
    ponte.json("installation", "set", "inst-1", "--name", "Outro nome")
    assert ponte.kept().outage_api_key.reveal()

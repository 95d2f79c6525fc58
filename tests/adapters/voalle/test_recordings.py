"""What each recorded answer is read as; the sources are in `tests/recordings/README.md`."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.voalle.invoices import invoices_of_pbx, invoices_of_third_party
from adapters.voalle.outage_signs import read_access_points, read_sign
from adapters.voalle.records import customer_of_pbx, customer_of_third_party
from adapters.voalle.tickets import read_open_tickets, read_ticket
from adapters.voalle.unblocks import read_unblock
from adapters.voalle.verdicts import read_envelope
from adapters.voalle.wire import Fields, decode
from domain.identifiers import ContractId, ProtocolNumber
from domain.ticket import TicketOpen, TicketRefusedByErp
from domain.trust_unblock import Unblocked, UnblockRefusal, UnblockRefused
from tests.adapters.voalle.scripted import CPF, RECORDINGS

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
CONTRACT = ContractId("20743")


def client(answer: object) -> object:
    found = customer_of_pbx(answer, CPF, NOON)
    return found and (found.id, found.name, [contract.id for contract in found.contracts])


def person(answer: object) -> object:
    found = customer_of_third_party(read_envelope(answer).or_none_found(), [], CPF)
    return found and (found.id, found.name, found.phones)


def contracts(answer: object) -> object:
    response = read_envelope(answer).response
    assert isinstance(response, dict)
    someone = {"id": 1, "name": "FULANO", "txId": CPF.digits}
    found = customer_of_third_party(someone, [Fields(row) for row in response["data"]], CPF)
    return found and [(contract.id, contract.number, contract.status.value) for contract in found.contracts]


def titles(answer: object) -> object:
    response = read_envelope(answer).response
    (invoice,) = invoices_of_third_party(response, response, CONTRACT)
    return invoice.id, invoice.due_on, invoice.nominal and invoice.nominal.centavos, invoice.reference


def billets(answer: object) -> object:
    (invoice,) = invoices_of_pbx(answer, CONTRACT)
    return invoice.id, invoice.due_on, invoice.nominal, bool(invoice.link and invoice.digitable_line)


def link(answer: object) -> object:
    response = read_envelope(answer).or_refused()
    assert isinstance(response, dict)
    return Fields(response).text(("link",))


def protocols(answer: object) -> object:
    return [ticket.protocol for ticket in read_open_tickets(answer)]


def hour_of_outage(answer: object) -> object:
    assert isinstance(answer, dict)
    outage = read_sign(Fields(answer).inner(("data",)) or Fields(answer), None, NOON)
    return outage and outage.predicted_at and outage.predicted_at.hour


def is_down(answer: object) -> object:
    return [point.down for point in read_access_points(read_envelope(answer).response)]


def opened(answer: object) -> object:
    return read_ticket(read_envelope(answer).response)


TABLE: dict[str, tuple[Callable[[object], object], object]] = {
    "client_validate": (client, ("12345", "FULANO DE TAL", ["20743"])),
    "client_validate_nobody": (client, None),
    "matrix_outage": (hour_of_outage, 18),
    "matrix_nobody": (hour_of_outage, None),
    "unblock_granted": (read_unblock, Unblocked(protocol=ProtocolNumber("123456"))),
    "unblock_refused": (read_unblock, UnblockRefused(reason=UnblockRefusal.REFUSED_BY_ERP)),
    "open_solicitation": (read_ticket, TicketOpen(protocol=ProtocolNumber("20261123000017"))),
    "open_solicitation_error": (read_ticket, TicketRefusedByErp()),
    "solicitation_list": (protocols, ["20261120001"]),
    "person_by_txid": (person, ("12345", "FULANO DE TAL", ("(11) 98765-4321", "(11) 3003-1000"))),
    "person_unknown": (person, None),
    "contracts_paged": (contracts, [("20743", "0020743", "blocked")]),
    "open_titles": (titles, ("77", date(2026, 8, 10), 9990, "FAT0077")),
    "contract_billets": (billets, ("pbx:77", date(2026, 8, 10), None, True)),
    "billet_link": (
        link,
        "https://portal.provedor.example/financial_receivable_titles/check_bank/abc?validationCode=1",
    ),
    "opensolicitation": (opened, TicketOpen(protocol=ProtocolNumber("20261123000018"))),
    "access_point_down": (is_down, [True]),
    "access_point_up": (is_down, [False]),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_recorded_answer_is_read_as_expected(name: str) -> None:
    read, expected = TABLE[name]
    assert read(decode((RECORDINGS / f"{name}.json").read_bytes())) == expected


def test_every_recording_is_read() -> None:
    assert {path.stem for path in RECORDINGS.iterdir()} == set(TABLE)

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.outages import MemoryOutages
from adapters.memory.world import World, memory_erp
from adapters.web.probe import Layer, Reached
from application.console_ports import Operators
from application.failures import Unavailable
from application.outage_ports import OutageRegistry
from application.ports import Erps, Installations
from domain.identifiers import CompanyId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation
from domain.outage_scope import DeclaredOutage, OutageId
from entrypoints import cli
from entrypoints.cli import Terminal
from entrypoints.cli_installation import NoteChange
from entrypoints.cli_outage import NoteOutage
from entrypoints.connections import TOKEN, AskHuggy, Probe, Tried, Verdict
from entrypoints.outage_form import OutageChange
from entrypoints.reply import CommandFailed
from entrypoints.settings import Settings
from tests.entrypoints.fakes import INSTALLATION

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENVIRON = {"PONTE_SECRET_KEYS": Fernet.generate_key().decode(), "PONTE_PUBLIC_URL": "https://ponte.example"}
NEW = ["installation", "add", "--company-id", "1001", "--erp-url", "ERP.example/"]
OTHER = replace(
    INSTALLATION,
    id=InstallationId("inst-2"),
    company_id=CompanyId("1002"),
    webhook_key=Secret(value="webhook-key-2"),
    flow_api_key=Secret(value="flow-key-2"),
    outage_api_key=Secret(value="outage-key-2"),
)
FLOWS = [argument for key, flow_id in INSTALLATION.flows.items() for argument in ("--flow", f"{key}={flow_id}")]


class MemoryRoot:
    """A composition root over memory, which notes what it was asked to run."""

    def __init__(self) -> None:
        self.installations = MemoryInstallations()
        self.outages = MemoryOutages(clock=SetClock(NOW))
        self.world = World(now=NOW)
        self.ran: list[object] = []
        self.noted: list[tuple[Installation | None, Installation]] = []
        self.noted_outages: list[tuple[InstallationId, OutageChange, OutageId]] = []
        self.problem: str | None = None
        self.error: Exception | None = None

    def run_server(self, settings: Settings, host: str, port: int, worker: bool) -> None:
        self.ran.append((host, port, worker))

    def run_worker(self, settings: Settings) -> None:
        self.ran.append("worker")

    def run_sandbox(self, args: argparse.Namespace) -> int:
        self.ran.append(args.say)
        return 3

    def migrate(self, settings: Settings) -> str:
        if self.error:
            raise self.error
        return "0001"

    def database_problem(self, settings: Settings) -> str | None:
        return self.problem

    async def rotate_keys(self, settings: Settings) -> int:
        return 7

    @asynccontextmanager
    async def open_installations(self, settings: Settings) -> AsyncIterator[Installations]:
        if self.error:
            raise self.error
        yield self.installations

    @asynccontextmanager
    async def open_companies(self, settings: Settings) -> AsyncIterator[tuple[Installations, NoteChange]]:
        async def note(before: Installation | None, after: Installation) -> None:
            self.noted.append((before, after))

        if self.error:
            raise self.error
        yield self.installations, note

    def open_operators(self, settings: Settings) -> AbstractAsyncContextManager[Operators]:
        raise AssertionError("commands on operators are tried over a real file")

    @asynccontextmanager
    async def open_outages(self, settings: Settings) -> AsyncIterator[tuple[Installations, OutageRegistry, NoteOutage]]:
        async def note(installation_id: InstallationId, change: OutageChange, outage: DeclaredOutage) -> None:
            self.noted_outages.append((installation_id, change, outage.id))

        yield self.installations, self.outages, note

    @asynccontextmanager
    async def open_erps(self, settings: Settings) -> AsyncIterator[Erps]:
        yield lambda _: memory_erp(self.world)

    @asynccontextmanager
    async def open_huggy(self, settings: Settings) -> AsyncIterator[AskHuggy]:
        async def ask(_: Installation) -> Sequence[Tried]:
            return [Tried(name=TOKEN, verdict=Verdict.GOOD)]

        yield ask

    async def mail_problem(self, settings: Settings) -> str | None:
        return None

    def erp_probe(self, settings: Settings) -> Probe:
        async def reach(access: ErpAccess) -> Sequence[Reached]:
            return [Reached(layer=Layer.DNS, ms=1)]

        return reach

    def read_erp_address(self, settings: Settings, kind: ErpKind, pasted: str) -> str:
        if " " in pasted:
            raise ValueError("não é um endereço")
        return "https://" + pasted.lower().rstrip("/").removeprefix("https://")

    def erp_settings(self, kind: ErpKind) -> frozenset[str]:
        return frozenset({"client_id", "client_secret", "syndata", "auth_url"})


class Ponte:
    """The command, run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = MemoryRoot()
        self.environ = dict(ENVIRON)
        self.posted: list[httpx.Request] = []
        self.answer = httpx.Response(200, json={"accepted": 1, "duplicates": 0, "ignored": 0})
        self.refuses = False
        self.out = self.err = ""
        self._capsys = capsys

    def __call__(self, *argv: str, stdin: str = "") -> int:
        terminal = Terminal(
            environ=self.environ,
            stdin=io.StringIO(stdin),
            root=lambda: self.root,
            run_sandbox=self.root.run_sandbox,
            new_http=lambda: httpx.AsyncClient(transport=httpx.MockTransport(self._take)),
            clock=SetClock(NOW),
        )
        code = cli.run(argv, terminal)
        self.out, self.err = self._capsys.readouterr()
        return code

    def _take(self, request: httpx.Request) -> httpx.Response:
        if self.refuses:
            raise httpx.ConnectError("refused", request=request)
        self.posted.append(request)
        return self.answer

    def json(self, *argv: str, stdin: str = "") -> Any:
        assert self(*argv, "--json", stdin=stdin) == 0, self.err
        return json.loads(self.out)

    def keep(self, installation: Installation) -> None:
        asyncio.run(self.root.installations.save(installation))

    def kept(self) -> Installation:
        (only,) = asyncio.run(self.root.installations.all())
        return only


@pytest.fixture
def ponte(capsys: pytest.CaptureFixture[str], restored_logging: None) -> Ponte:
    return Ponte(capsys)


# --- installations


def test_adding_an_installation_tells_its_addresses_and_what_it_lacks(ponte: Ponte) -> None:
    told = ponte.json(*NEW)
    kept = ponte.kept()

    addresses = {"webhook_url", "flow_api_url", "outage_api_url", "outage_api_key"}
    assert set(told) == {"installation_id", *addresses, "readiness"}
    assert told["installation_id"] == kept.id
    assert told["webhook_url"] == f"https://ponte.example/webhooks/huggy/{kept.webhook_key.reveal()}"
    assert told["flow_api_url"] == f"https://ponte.example/flow/{kept.flow_api_key.reveal()}"
    assert told["outage_api_url"] == "https://ponte.example/api/outages"
    assert told["outage_api_key"] == kept.outage_api_key.reveal() != ""
    assert {"key": "erp_pbx", "message": "Informe o nome do PBX (Configurações > Parâmetros > Menu PBX > Nome)."} in (
        told["readiness"]
    )
    assert [lack["key"] for lack in told["readiness"] if lack["key"].startswith("flow.")] == [
        f"flow.{key}" for key in FlowKey
    ]


def test_an_installation_with_everything_is_kept_as_it_was_given_and_ready(ponte: Ponte) -> None:
    told = ponte.json(
        *NEW,
        *("--name", "Provedor Exemplo", "--erp", "voalle", "--erp-token", "t-1", "--erp-pbx", "PBX"),
        *("--email", "avisos@provedor.example", "--huggy-token", "h-1", *FLOWS),
        *("--set", "outage_closes_chat=true", "--set", "invoices_max=5", "--set", "boleto_banks=001,237"),
        *("--erp-set", "client_id=c-1", "--erp-set", "client_secret=s-1"),
    )
    kept = ponte.kept()

    assert told["readiness"] == []
    assert (kept.company_id, kept.name, kept.email) == ("1001", "Provedor Exemplo", "avisos@provedor.example")
    assert (kept.erp.kind, kept.erp.url, kept.erp.pbx) == (ErpKind.VOALLE, "https://erp.example", "PBX")
    assert (kept.erp.token, kept.huggy_token) == (Secret(value="t-1"), Secret(value="h-1"))
    assert kept.flows == INSTALLATION.flows
    assert kept.erp.settings == {"client_id": "c-1", "client_secret": "s-1"}
    assert (kept.policies.outage_closes_chat, kept.policies.invoices_max) == (True, 5)
    assert kept.policies.boleto_banks == ("001", "237")


def test_two_installations_never_share_a_key(ponte: Ponte) -> None:
    first, second = ponte.json(*NEW), ponte.json(*NEW, "--company-id", "1002")

    keys = {address.rsplit("/", 1)[1] for told in (first, second) for address in list(told.values())[1:3]}
    assert len(keys) == 4
    assert all(len(key) >= 32 for key in keys)


def test_tokens_may_come_from_the_environment(ponte: Ponte) -> None:
    ponte.environ |= {"PONTE_ERP_TOKEN": "t-1", "PONTE_HUGGY_TOKEN": "h-1"}
    ponte.json(*NEW)

    assert (ponte.kept().erp.token.reveal(), ponte.kept().huggy_token.reveal()) == ("t-1", "h-1")


def test_secrets_may_come_from_standard_input_a_line_each(ponte: Ponte) -> None:
    arguments = ["--huggy-token", "-", "--erp-token", "-", "--erp-set", "client_secret=-", "--erp-set", "syndata=-"]
    ponte.json(*NEW, *arguments, stdin="t-1\nh-1\ns-1\ny-1\n")
    kept = ponte.kept()

    assert (kept.erp.token.reveal(), kept.huggy_token.reveal()) == ("t-1", "h-1")
    assert kept.erp.settings == {"client_secret": "s-1", "syndata": "y-1"}


def test_a_secret_that_never_came_is_wrong_usage(ponte: Ponte) -> None:
    assert ponte(*NEW, "--erp-token", "-", stdin="") == 2
    assert "entrada padrão" in ponte.err


def test_setting_changes_what_is_said_and_nothing_else(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    ponte.json("installation", "set", "inst-1", "--name", "Outro", "--flow", "auxiliary=99", "--set", "paused=true")

    assert ponte.kept() == replace(
        INSTALLATION,
        name="Outro",
        flows={**INSTALLATION.flows, FlowKey.AUXILIARY: FlowId("99")},
        policies=replace(INSTALLATION.policies, paused=True),
    )


def test_every_change_is_noted_as_it_was_made_and_a_refused_one_is_not(ponte: Ponte) -> None:
    ponte.json(*NEW)
    added = ponte.kept()
    ponte.json("installation", "set", added.id, "--name", "Outro")

    assert ponte("installation", "set", added.id, "--email", "nope") == 2
    assert ponte.root.noted == [(None, added), (added, replace(added, name="Outro"))]


def test_a_pinned_webhook_token_is_forgotten_where_that_is_said(ponte: Ponte) -> None:
    ponte.keep(replace(INSTALLATION, webhook_token=Secret(value="pinned")))
    assert ponte("installation", "set", "inst-1", "--name", "Provedor Exemplo") == 0
    assert ponte.kept().webhook_token == Secret(value="pinned")

    assert ponte("installation", "set", "inst-1", "--forget-webhook-token") == 0

    assert ponte.kept() == INSTALLATION
    assert "validar o endereço de novo" in ponte.out.splitlines()[-1]
    assert "pinned" not in ponte.out


def test_an_empty_value_removes_a_flow_or_a_setting_of_the_erp(ponte: Ponte) -> None:
    ponte.keep(replace(INSTALLATION, erp=replace(INSTALLATION.erp, settings={"client_id": "c-1"})))
    told = ponte.json("installation", "set", "inst-1", "--flow", "auxiliary=", "--erp-set", "client_id=")

    assert [lack["key"] for lack in told["readiness"]] == ["flow.auxiliary"]
    assert ponte.kept().erp.settings == {}


def test_tokens_in_the_environment_do_not_reach_an_installation_that_is_only_changed(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    ponte.environ |= {"PONTE_ERP_TOKEN": "of-another-company"}
    ponte.json("installation", "set", "inst-1", "--name", "Outro")

    assert ponte.kept().erp.token == INSTALLATION.erp.token


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "cor=azul"], "reply_deadline_s, timezone"),
        (["--set", "paused=talvez"], "true ou false"),
        (["--set", "paused"], "chave=valor"),
        (["--flow", "welcome=10"], "customer_found, customer_not_found"),
        (["--erp-set", "=x"], "chave=valor"),
        (["--erp-set", "foo=bar"], "auth_url, client_id, client_secret, syndata"),
        (["--flow", "auxiliary=abc"], "--flow auxiliary: Digite só o número do flow"),
        (["--flow", "auxiliary=１２"], "--flow auxiliary: Digite só o número do flow"),
        (["--email", "nope"], "--email: Informe um e-mail válido"),
        (["--company-id", "abc"], "--company-id: Informe o código da empresa, só números"),
        (["--company-id", ""], "--company-id: Informe o código da empresa, só números"),
        (["--company-id", "01001"], "--company-id: Informe o código da empresa, só números"),
        (["--name", "x" * 121], "--name: Use até 120 caracteres"),
        (["--erp-token", "tоken"], "--erp-token: Há um espaço, um caractere invisível"),
        (["--huggy-token", "to ken"], "--huggy-token: Há um espaço, um caractere invisível"),
        (["--erp-url", "not an address"], "não é um endereço"),
    ],
)
def test_what_there_is_not_is_wrong_usage_that_says_what_there_is(
    ponte: Ponte, arguments: list[str], words: str
) -> None:
    ponte.keep(INSTALLATION)

    assert ponte("installation", "set", "inst-1", *arguments) == 2
    assert words in ponte.err
    assert ponte.out == ""
    assert ponte.kept() == INSTALLATION


def test_a_company_has_one_installation(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    ponte.keep(OTHER)

    for command in (NEW, ["installation", "set", "inst-2", "--company-id", " 1001 "]):
        assert ponte(*command) == 1
        assert "a empresa 1001 já tem a instalação inst-1" in ponte.err
    assert ponte("installation", "set", "inst-1", "--company-id", "1001") == 0
    assert list(asyncio.run(ponte.root.installations.all())) == [INSTALLATION, OTHER]


def test_two_installations_that_a_company_had_already_can_still_be_changed(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    ponte.keep(replace(OTHER, company_id=INSTALLATION.company_id))

    assert ponte("installation", "set", "inst-2", "--name", "Outro") == 0


def test_what_is_wrong_from_earlier_can_be_put_right_one_by_one(ponte: Ponte) -> None:
    flows = {**INSTALLATION.flows, FlowKey.AUXILIARY: FlowId("abc")}
    ponte.keep(replace(INSTALLATION, email="nope", flows=flows, erp=replace(INSTALLATION.erp, settings={"foo": "bar"})))

    assert ponte("installation", "set", "inst-1", "--flow", "auxiliary=19") == 0
    assert ponte("installation", "set", "inst-1", "--erp-set", "foo=", "--email", "") == 0
    assert (ponte.kept().flows[FlowKey.AUXILIARY], ponte.kept().email, ponte.kept().erp.settings) == ("19", "", {})


def test_adding_needs_a_company_and_an_erp(ponte: Ponte) -> None:
    assert ponte("installation", "add", "--company-id", "1001") == 2
    assert "--erp-url" in ponte.err


def test_showing_tells_everything_but_the_secrets(ponte: Ponte) -> None:
    settings = {"auth_url": "https://auth.example", "client_secret": "s-1", "syndata": "y-1"}
    ponte.keep(
        replace(
            INSTALLATION,
            webhook_token=Secret(value="pinned-token"),
            erp=replace(INSTALLATION.erp, settings=settings),
        )
    )
    told = ponte.json("installation", "show", "inst-1")

    assert told["name"] == "Provedor Exemplo"
    assert told["erp"]["settings"] == {
        "auth_url": "https://auth.example",
        "client_secret": "definido",
        "syndata": "definido",
    }
    assert (told["erp"]["token_set"], told["huggy_token_set"], told["webhook_token_pinned"]) == (True, True, True)
    assert told["policies"]["reply_deadline_s"] == 20
    assert told["flows"]["customer_found"] == "11"
    for secret in ("erp-token", "huggy-token", "pinned-token", "s-1", "y-1"):
        assert secret not in ponte.out


def test_people_are_told_the_same_in_lines(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    assert ponte("installation", "show", "inst-1") == 0

    assert "erp.url: https://erp.example" in ponte.out.splitlines()
    assert "Pronta para atender." in ponte.out.splitlines()
    assert "erp-token" not in ponte.out


def test_listing_tells_each_installation_and_its_state(ponte: Ponte) -> None:
    ponte.keep(replace(INSTALLATION, flows={}, policies=replace(INSTALLATION.policies, paused=True, shadow=True)))

    assert ponte.json("installation", "list") == {
        "installations": [
            {
                "installation_id": "inst-1",
                "company_id": "1001",
                "name": "Provedor Exemplo",
                "erp": "voalle",
                "ready": False,
                "paused": True,
                "shadow": True,
            }
        ]
    }
    assert ponte("installation", "list") == 0
    assert ponte.out == "inst-1  empresa 1001  Provedor Exemplo  incompleta, pausada, em observação\n"


def test_an_empty_list_says_so(ponte: Ponte) -> None:
    assert ponte.json("installation", "list") == {"installations": []}
    assert ponte("installation", "list") == 0
    assert ponte.out == "Nenhuma instalação.\n"


def test_removing_takes_the_installation_away(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)

    assert ponte.json("installation", "remove", "inst-1") == {"installation_id": "inst-1", "removed": True}
    assert ponte.json("installation", "list") == {"installations": []}


@pytest.mark.parametrize("action", ["set", "show", "remove", "test"])
def test_an_installation_that_there_is_not_is_an_error(ponte: Ponte, action: str) -> None:
    assert ponte("installation", action, "inst-9") == 1
    assert ponte.err == "ponte: não existe a instalação 'inst-9'; veja `ponte installation list`\n"


def test_an_installation_is_tried_with_a_lookup(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    told = ponte.json("installation", "test", "inst-1", "--document", "529.982.247-25")

    assert told["ok"]
    assert [check["check"] for check in told["checks"]] == [
        "Acesso à Huggy",
        "ERP, Nome (DNS)",
        "ERP, Token e PBX",
        "ERP, Resposta do ERP",
    ]


# --- replay


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.json"
    path.write_text('{"time": 1, "token": "recorded", "messages": {}}')
    return path


def test_a_recording_is_posted_as_it_is(ponte: Ponte, recording: Path) -> None:
    ponte.keep(INSTALLATION)
    told = ponte.json("replay", str(recording), "--installation", "inst-1")

    assert told == {"accepted": 1, "duplicates": 0, "ignored": 0}
    (request,) = ponte.posted
    assert str(request.url) == "https://ponte.example/webhooks/huggy/webhook-key"
    assert request.headers["content-type"] == "application/json"
    assert request.content == recording.read_bytes()


def test_the_token_of_a_recorded_envelope_gives_way_to_the_pinned_one(ponte: Ponte, recording: Path) -> None:
    ponte.keep(replace(INSTALLATION, webhook_token=Secret(value="pinned")))
    ponte.json("replay", str(recording), "--installation", "inst-1")

    assert json.loads(ponte.posted[0].content) == {"time": 1, "token": "pinned", "messages": {}}


@pytest.mark.parametrize("body", ["event=CONSULTAR_CLIENTE&cpf=1", '{"event": "CONSULTAR_CLIENTE"}', "[1]", "{"])
def test_a_shape_without_a_token_is_posted_unchanged(ponte: Ponte, body: str) -> None:
    ponte.keep(replace(INSTALLATION, webhook_token=Secret(value="pinned")))
    ponte.json("replay", "-", "--installation", "inst-1", stdin=body)

    assert ponte.posted[0].content == body.encode()
    assert ("form" in ponte.posted[0].headers["content-type"]) == body.startswith("event")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(401), "401"),
        (httpx.Response(200, text="<html>"), "não é do webhook"),
    ],
)
def test_a_replay_that_was_not_taken_fails(ponte: Ponte, recording: Path, answer: httpx.Response, words: str) -> None:
    ponte.keep(INSTALLATION)
    ponte.answer = answer

    assert ponte("replay", str(recording), "--installation", "inst-1") == 1
    assert words in ponte.err
    assert "webhook-key" not in ponte.err


def test_a_server_that_is_down_is_told(ponte: Ponte, recording: Path) -> None:
    ponte.keep(INSTALLATION)
    ponte.refuses = True

    assert ponte("replay", str(recording), "--installation", "inst-1") == 1
    assert "ConnectError" in ponte.err
    assert "webhook-key" not in ponte.err


def test_a_recording_that_is_not_there_is_told(ponte: Ponte, tmp_path: Path) -> None:
    assert ponte("replay", str(tmp_path / "none.json"), "--installation", "inst-1") == 1
    assert "none.json" in ponte.err


# --- running and the rest


def test_serve_listens_where_the_settings_say_and_works(ponte: Ponte) -> None:
    ponte.environ["PONTE_PORT"] = "9000"

    assert ponte("serve") == 0
    assert ponte.root.ran == [("127.0.0.1", 9000, True)]


def test_the_command_line_says_more_than_the_settings(ponte: Ponte) -> None:
    assert ponte("serve", "--host", "0.0.0.0", "--port", "0", "--no-worker") == 0  # noqa: S104
    assert ponte.root.ran == [("0.0.0.0", 0, False)]  # noqa: S104


def test_worker_and_sandbox_are_handed_over(ponte: Ponte) -> None:
    assert ponte("worker") == 0
    assert ponte("sandbox", "--say", "oi", "--say", "2") == 3
    assert ponte.root.ran == ["worker", ["oi", "2"]]


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["installation", "list"], ["keys", "rotate"]])
def test_what_touches_secrets_refuses_to_run_without_keys(ponte: Ponte, command: list[str]) -> None:
    del ponte.environ["PONTE_SECRET_KEYS"]

    assert ponte(*command) == 1
    assert "ponte keys new" in ponte.err
    assert ponte.root.ran == []


def test_wrong_settings_are_told_a_line_each(ponte: Ponte) -> None:
    ponte.environ |= {"PONTE_PORT": "x", "PONTE_LOG_FORMAT": "xml"}

    assert ponte("serve") == 1
    assert [line.split(": ")[1] for line in ponte.err.splitlines()] == ["PONTE_PORT", "PONTE_LOG_FORMAT"]


def test_migrate_tells_the_version(ponte: Ponte) -> None:
    assert ponte("migrate") == 0
    assert ponte.out == "Banco de dados na versão 0001.\n"


def test_doctor_says_a_line_per_check_and_fails_if_one_does(ponte: Ponte) -> None:
    ponte.keep(INSTALLATION)
    assert ponte("doctor") == 0
    assert len(ponte.out.splitlines()) == 7
    assert [str(request.url) for request in ponte.posted] == ["https://api.huggy.app/v3"]

    ponte.root.problem = "rode `ponte migrate`"
    assert ponte("doctor") == 1
    assert "falha  banco de dados: rode `ponte migrate`" in ponte.out.splitlines()


def test_doctor_tells_of_wrong_settings_too(ponte: Ponte) -> None:
    ponte.environ["PONTE_PORT"] = "x"

    assert ponte("doctor", "--json") == 1
    assert json.loads(ponte.out)["checks"][0]["ok"] is False


def test_a_new_key_is_one_that_the_settings_take(ponte: Ponte) -> None:
    assert ponte("keys", "new") == 0
    ponte.environ["PONTE_SECRET_KEYS"] = ponte.out.strip()
    assert ponte("keys", "rotate") == 0
    assert "7" in ponte.out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommandFailed("o banco está em uso"), "ponte: o banco está em uso"),
        (Unavailable("storage.failed", "hunter2"), "ponte: não foi possível agora (storage.failed); tente novamente"),
        (RuntimeError("hunter2"), "ponte: erro interno: RuntimeError em test_cli.py:"),
    ],
)
@pytest.mark.parametrize("command", [["migrate"], ["installation", "list", "--json"]])
def test_what_went_wrong_is_told_on_standard_error_without_data(
    ponte: Ponte, command: list[str], error: Exception, words: str
) -> None:
    ponte.root.error = error

    assert ponte(*command) == 1
    assert ponte.out == ""
    assert ponte.err.startswith(words)
    assert "hunter2" not in ponte.err


def test_a_command_that_there_is_not_is_wrong_usage(ponte: Ponte) -> None:
    with pytest.raises(SystemExit) as ended:
        ponte("dance")

    assert ended.value.code == 2


def test_the_command_runs_as_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "keys", "new"], env=dict(os.environ), capture_output=True, check=True
    )

    Fernet(done.stdout.strip())

"""The composition root over a real file: the commands as an operator types them, and every provider resolves."""

import asyncio
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from dependency_injector import providers
from msgspec.structs import replace

from adapters.clock.system import SystemClock
from domain.identifiers import InstallationId, Secret
from entrypoints import cli
from entrypoints.cli import Terminal
from entrypoints.composition import commands
from entrypoints.composition.container import Container
from entrypoints.composition.serving import serving
from entrypoints.settings import read_settings
from tests.entrypoints.fakes import INSTALLATION

ADD = ["installation", "add", "--company-id", "1001", "--erp-url", "https://erp.example.com.br/", "--erp-pbx", "PBX"]
ERP_TOKEN, HUGGY_TOKEN = "erp-t0ken-5f0c", "huggy-t0ken-77aa"
CLIENT_SECRET, REFRESH_TOKEN = "client-s3cret", "refresh-t0ken-91cd"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db",
        "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
        "PONTE_ERP_TOKEN": ERP_TOKEN,
        "PONTE_HUGGY_TOKEN": HUGGY_TOKEN,
    }


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str], restored_logging: None) -> Run:
    """Exit code, standard output and standard error of a command."""

    def command(*argv: str) -> tuple[int, str, str]:
        terminal = Terminal(
            environ=environ,
            stdin=io.StringIO(),
            root=lambda: commands,
            run_sandbox=lambda _: 0,
            new_http=lambda: httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))),
            clock=SystemClock(),
        )
        code = cli.run(list(argv), terminal)
        return code, *capsys.readouterr()

    return command


def test_an_installation_is_added_changed_shown_and_removed_and_its_secrets_are_never_told(
    run: Run, tmp_path: Path
) -> None:
    assert run("migrate")[0] == 0
    _, out, _ = run(*ADD, "--json")
    added = json.loads(out)
    ident = added["installation_id"]
    assert added["webhook_url"].startswith("http://127.0.0.1:8000/webhooks/huggy/")
    assert run("installation", "set", ident, "--flow", "auxiliary=19", "--set", "invoices_max=2")[0] == 0
    _, shown, _ = run("installation", "show", ident, "--json")
    facts = json.loads(shown)
    assert (facts["flows"]["auxiliary"], facts["policies"]["invoices_max"]) == ("19", 2)
    assert facts["erp"]["url"] == "https://erp.example.com.br"
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for token in (ERP_TOKEN, HUGGY_TOKEN):
        assert token not in shown
        assert token.encode() not in stored
    assert run("installation", "remove", ident)[0] == 0
    assert run("installation", "show", ident)[0] == 1


async def test_what_the_command_line_changed_is_in_the_history_without_a_secret(
    run: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    def by_commands() -> str:
        run("migrate")
        ident = str(json.loads(run(*ADD, "--json")[1])["installation_id"])
        run("installation", "set", ident, "--flow", "auxiliary=19", "--set", "paused=true", "--erp-token", "new-t0ken")
        run("installation", "set", ident, "--set", "paused=true")
        return ident

    ident = InstallationId(await asyncio.to_thread(by_commands))
    with serving(read_settings(environ), works=False) as built:
        changed, added = await built.database().audit.recent(ident)
    assert (added.author, added.by_operator, added.what) == ("linha de comando", False, "Cadastrou a empresa")
    assert (changed.author, changed.what) == ("linha de comando", "Alterou a empresa")
    assert changed.details == {
        "token do ERP": "alterado",
        "flow: flow auxiliar": "de nenhum para 19",
        "Atendimento pausado": "de não para sim",
    }


async def test_what_the_command_line_did_to_outages_is_in_the_history_and_names_no_contract(
    run: Run, environ: dict[str, str]
) -> None:
    def by_commands() -> str:
        run("migrate")
        ident = str(json.loads(run(*ADD, "--json")[1])["installation_id"])
        outage = json.loads(run("outage", "open", "--scope", "contracts=20743,20801", "--json")[1])["outage"]["id"]
        run("outage", "update", outage, "--scope", "city=Contagem", "--cause", "energia")
        run("outage", "close", outage)
        return ident

    ident = InstallationId(await asyncio.to_thread(by_commands))
    with serving(read_settings(environ), works=False) as built:
        *notes, _ = await built.database().audit.recent(ident)
    assert [(note.author, note.by_operator, note.what, note.details) for note in notes] == [
        ("linha de comando", False, "Encerrou uma falha massiva", {"atinge": "na cidade Contagem"}),
        ("linha de comando", False, "Corrigiu uma falha massiva", {"atinge": "na cidade Contagem"}),
        ("linha de comando", False, "Abriu uma falha massiva", {"atinge": "em 2 contratos"}),
    ]


def test_keys_are_rotated_and_the_old_one_may_go(run: Run, environ: dict[str, str]) -> None:
    run("migrate")
    ident = json.loads(run(*ADD, "--json")[1])["installation_id"]
    old, new = environ["PONTE_SECRET_KEYS"], Fernet.generate_key().decode()
    environ["PONTE_SECRET_KEYS"] = f"{new},{old}"
    assert run("keys", "rotate")[0] == 0
    environ["PONTE_SECRET_KEYS"] = new
    assert run("installation", "show", ident)[0] == 0
    environ["PONTE_SECRET_KEYS"] = old
    code, _, complaint = run("installation", "show", ident)
    assert code == 1
    assert "PONTE_SECRET_KEYS" in complaint


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"], ["installation", "list"]])
def test_a_database_that_is_not_of_this_version_is_refused_with_what_to_do(run: Run, command: list[str]) -> None:
    code, _, complaint = run(*command)
    assert code == 1
    assert "ponte migrate" in complaint


class HuggysApi(BaseHTTPRequestHandler):
    """Takes one token, and hands it out for the one refresh token, once, to the one app."""

    def do_GET(self) -> None:
        self._answer(200 if self.headers["authorization"] == f"Bearer {HUGGY_TOKEN}" else 401, b"[]")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good: set[str] = self.server.refresh_tokens  # type: ignore[attr-defined]
        if asked["client_secret"] != CLIENT_SECRET or asked["refresh_token"] not in good:
            self._answer(400, b'{"error": "invalid_request"}')
            return
        good.remove(asked["refresh_token"])
        granted = {"access_token": HUGGY_TOKEN, "refresh_token": "next-refresh-t0ken", "expires_in": 15_638_400}
        self._answer(200, json.dumps(granted).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def huggy(environ: dict[str, str]) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HuggysApi) as server:
        server.refresh_tokens = {REFRESH_TOKEN}  # type: ignore[attr-defined]
        environ["PONTE_HUGGY_API_URL"] = f"http://127.0.0.1:{server.server_port}/v3"
        environ["PONTE_HUGGY_AUTH_URL"] = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield
        server.shutdown()
        serving.join()


@pytest.mark.usefixtures("huggy")
def test_a_token_that_huggy_refuses_fails_the_doctor_and_the_installations_test(
    run: Run, environ: dict[str, str]
) -> None:
    run("migrate")
    environ |= {"PONTE_HUGGY_TOKEN": "expired-t0ken", "PONTE_PRIVATE_HOSTS": "127.0.0.1:1"}
    ident = json.loads(run(*ADD, "--erp-url", "http://127.0.0.1:1", "--json")[1])["installation_id"]

    for command, check in (
        (["doctor"], f"Huggy da instalação {ident}"),
        (["installation", "test", ident], "Acesso à Huggy"),
    ):
        code, out, err = run(*command)
        assert code == 1
        assert f"falha  {check}: A Huggy recusou o acesso: entre de novo com a Huggy, ou cole um token novo" in out
        assert "expired-t0ken" not in out + err


@pytest.mark.usefixtures("huggy")
@pytest.mark.parametrize("command", ["doctor", "test"])
async def test_an_access_that_can_be_renewed_is_renewed_beside_whoever_serves_and_passes(
    run: Run, environ: dict[str, str], command: str
) -> None:
    await asyncio.to_thread(run, "migrate")
    expired = Secret(value="expired-t0ken")
    before = replace(
        INSTALLATION,
        erp=replace(INSTALLATION.erp, url="http://127.0.0.1:1"),
        huggy_token=expired,
        huggy_refresh_token=Secret(value=REFRESH_TOKEN),
    )
    environ |= {"PONTE_PRIVATE_HOSTS": "127.0.0.1:1"}
    argv = ["doctor", "--json"] if command == "doctor" else ["installation", "test", before.id, "--json"]
    check = f"Huggy da instalação {before.id}" if command == "doctor" else "Acesso à Huggy"
    printed: list[str] = []

    async def told() -> dict[str, Any]:
        _, out, err = await asyncio.to_thread(run, *argv)
        printed.append(out + err)
        (found,) = [each for each in json.loads(out)["checks"] if each["check"] == check]
        return dict(found)

    with serving(read_settings(environ), works=True) as serves:
        installations = serves.database().installations
        await installations.save(before)
        without_the_app = await told()
        assert not without_the_app["ok"]
        assert "defina PONTE_HUGGY_CLIENT_ID e PONTE_HUGGY_CLIENT_SECRET" in without_the_app["note"]
        assert await installations.change(before.id, lambda same: same) == before
        environ |= {"PONTE_HUGGY_CLIENT_ID": "app", "PONTE_HUGGY_CLIENT_SECRET": "of another app"}
        assert not (await told())["ok"]
        assert await installations.change(before.id, lambda same: same) == before, (
            "what a command takes for lost is not"
        )

        environ["PONTE_HUGGY_CLIENT_SECRET"] = CLIENT_SECRET
        assert (await told())["ok"]
        kept = await installations.change(before.id, lambda same: same)
        assert kept is not None
        assert kept.huggy_refresh_token is not None
        assert (kept.huggy_token.reveal(), kept.huggy_refresh_token.reveal()) == (HUGGY_TOKEN, "next-refresh-t0ken")
        assert await serves.huggy_tokens().instead_of(before.id, expired) == kept.huggy_token
    for secret in (HUGGY_TOKEN, REFRESH_TOKEN, "next-refresh-t0ken", CLIENT_SECRET, "expired-t0ken", "of another app"):
        assert secret not in "".join(printed)


@pytest.mark.usefixtures("huggy")
def test_the_doctor_finds_what_is_right_and_what_is_not(run: Run, environ: dict[str, str]) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert {check["check"] for check in json.loads(out)["checks"] if not check["ok"]} >= {"banco de dados"}
    run("migrate")
    ident = json.loads(run(*ADD, "--json")[1])["installation_id"]
    with socket.create_server(("127.0.0.1", 0)) as erp:
        port = erp.getsockname()[1]
        environ["PONTE_PRIVATE_HOSTS"] = f"127.0.0.1:{port}"
        run("installation", "set", ident, "--erp-url", f"http://127.0.0.1:{port}")
        code, out, _ = run("doctor", "--json")
    assert [check for check in json.loads(out)["checks"] if not check["ok"]] == []
    assert code == 0
    code, out, _ = run("doctor")
    assert code == 1
    assert f"ERP da instalação {ident}: A porta está fechada" in out


def test_a_bad_erp_address_is_refused_with_its_reason(run: Run) -> None:
    run("migrate")
    for pasted, reason in {
        "http://erp.example.com.br": "https",
        "10.0.0.1": "PONTE_PRIVATE_HOSTS",
        "": "informe",
    }.items():
        code, _, complaint = run("installation", "add", "--company-id", "1", "--erp-url", pasted)
        assert code == 2
        assert reason in complaint


@pytest.fixture
def parts(environ: dict[str, str]) -> Iterator[Container]:
    settings = read_settings(environ)
    commands.migrate(settings)
    with serving(settings, works=True) as built:
        yield built


async def test_every_provider_resolves(parts: Container) -> None:
    for name, provider in parts.providers.items():
        assert isinstance(provider, providers.Provider)
        assert provider() is not None or name == "playground", name  # of a sandbox alone


async def test_one_file_belongs_to_one_serving_process(parts: Container, run: Run) -> None:
    code, _, complaint = run("serve", "--port", "0")
    assert code == 1
    assert "outro processo" in complaint

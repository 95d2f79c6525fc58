"""`ponte operator` over a real file: passwords are never arguments, and never told."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from adapters.clock.system import SystemClock
from domain.identifiers import Secret
from entrypoints import cli
from entrypoints.cli import Terminal
from entrypoints.composition import commands
from entrypoints.doorkeeper import Doorkeeper
from entrypoints.settings import read_settings

PASSWORD, OTHER = "correct horse battery", "another long password"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db",
        "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
    }


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    commands.migrate(read_settings(environ))

    def command(*argv: str, stdin: str = "", **more: str) -> tuple[int, str, str]:
        terminal = Terminal(
            environ=environ | more,
            stdin=io.StringIO(stdin),
            root=lambda: commands,
            run_sandbox=lambda _: 0,
            new_http=httpx.AsyncClient,
            clock=SystemClock(),
        )
        code = cli.run(["operator", *argv], terminal)
        return code, *capsys.readouterr()

    return command


def admitted(environ: dict[str, str], name: str, password: str) -> bool:
    async def ask() -> bool:
        async with commands.open_operators(read_settings(environ)) as operators:
            keeper = Doorkeeper(operators=operators, clock=SystemClock())
            return await keeper.admit(name, Secret(value=password), address="127.0.0.1") is not None

    return asyncio.run(ask())


def test_an_operator_is_added_listed_and_removed(run: Run, environ: dict[str, str]) -> None:
    assert run("list")[1] == "Nenhum operador. Crie um: ponte operator add NOME\n"
    assert run("add", "Rita", stdin=f"{PASSWORD}\n")[0] == 0
    assert [row["operator"] for row in json.loads(run("list", "--json")[1])["operators"]] == ["rita"]
    assert admitted(environ, "rita", PASSWORD)
    assert run("remove", "rita")[0] == 0
    assert not admitted(environ, "rita", PASSWORD)
    assert run("remove", "rita")[0] == 1


def test_a_password_may_come_from_the_environment(run: Run, environ: dict[str, str]) -> None:
    assert run("add", "rita", PONTE_OPERATOR_PASSWORD=PASSWORD)[0] == 0
    assert admitted(environ, "rita", PASSWORD)


def test_a_new_password_takes_the_place_of_the_old_one(run: Run, environ: dict[str, str]) -> None:
    assert run("password", "rita", stdin=OTHER)[0] == 1
    run("add", "rita", stdin=PASSWORD)
    assert run("password", "rita", stdin=OTHER)[0] == 0
    assert admitted(environ, "rita", OTHER)
    assert not admitted(environ, "rita", PASSWORD)


def test_who_is_there_already_stays_as_they_are(run: Run, environ: dict[str, str]) -> None:
    run("add", "rita", stdin=PASSWORD)
    code, _, complaint = run("add", "RITA", stdin=OTHER)
    assert code == 1
    assert "ponte operator password rita" in complaint
    assert admitted(environ, "rita", PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "eleven char", "x" * 1025])
def test_a_password_that_is_too_short_or_no_password_is_refused(run: Run, password: str) -> None:
    code, _, complaint = run("add", "rita", stdin=password)
    assert code == 2
    assert "12" in complaint
    assert json.loads(run("list", "--json")[1])["operators"] == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "ána", "x" * 65])
def test_a_name_that_is_no_name_is_refused(run: Run, name: str) -> None:
    assert run("add", name, stdin=PASSWORD)[0] == 2


def test_a_password_is_no_argument_and_is_told_nowhere(run: Run, tmp_path: Path) -> None:
    said = [
        run("add", "rita", stdin=PASSWORD),
        run("password", "rita", stdin=OTHER, PONTE_OPERATOR_PASSWORD=""),
        run("list"),
    ]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for password in (PASSWORD, OTHER):
        assert password not in repr(said)
        assert password.encode() not in stored
    with pytest.raises(SystemExit):
        run("add", "rita", PASSWORD)


def test_who_types_a_password_types_it_twice(
    run: Run, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = [PASSWORD, PASSWORD, PASSWORD, OTHER]
    monkeypatch.setattr(cli, "getpass", lambda _: typed.pop(0))
    monkeypatch.setattr(io, "StringIO", Keyboard)
    assert run("add", "rita")[0] == 0
    assert admitted(environ, "rita", PASSWORD)
    assert run("add", "ana")[0] == 1

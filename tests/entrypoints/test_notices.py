"""The composition root with a mail server: what is alerted arrives by mail, and the doctor asks the server first."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from entrypoints.composition import commands
from entrypoints.composition import serving as composed
from entrypoints.composition.container import Container
from entrypoints.settings import Settings, read_settings
from tests.adapters.notices.mail_server import PASSWORD, serving
from tests.entrypoints.fakes import INSTALLATION

WAIT_S = 20


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    environ = {
        "PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db",
        "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
        "PONTE_PUBLIC_URL": "https://ponte.example",
    }
    commands.migrate(read_settings(environ))
    return environ


def with_mail(environ: dict[str, str], port: int, user: str = "") -> Settings:
    return read_settings({**environ, "PONTE_SMTP_URL": f"smtp://{user}127.0.0.1:{port}"})


@contextmanager
def built(settings: Settings, *, works: bool = True) -> Iterator[Container]:
    with composed.serving(settings, works=works) as parts:
        yield parts


async def test_an_alert_of_a_working_process_arrives_by_mail(environ: dict[str, str]) -> None:
    async with serving() as server, asyncio.timeout(WAIT_S):
        with built(with_mail(environ, server.port)) as parts:
            await parts.database().installations.save(INSTALLATION)
            await parts.alerts().raise_alert(INSTALLATION.id, "erp.timeout", "")
            await parts.alerts().write(parts.database().problems)
            async with parts.notice_rounds().going():
                await server.arrived.wait()

    (letter,) = server.letters
    assert letter["To"] == INSTALLATION.email
    assert f"https://ponte.example/i/{INSTALLATION.id}/problemas" in letter.get_content()


@pytest.mark.parametrize("works", [True, False])
async def test_what_was_counted_is_written_at_a_stop_by_every_process(environ: dict[str, str], works: bool) -> None:
    with built(read_settings(environ), works=works) as parts:
        problems = parts.database().problems
        await parts.database().installations.save(INSTALLATION)
        async with parts.notice_rounds().going():
            await parts.alerts().raise_alert(INSTALLATION.id, "erp.timeout", "")

        assert [each.occurrences for each in await problems.of(INSTALLATION.id)] == [1]


async def test_the_doctor_is_told_what_the_mail_server_says(environ: dict[str, str]) -> None:
    assert await commands.mail_problem(read_settings(environ)) is None
    async with serving(asks_for_password=True) as server:
        user = f"avisos%40ponte.example:{PASSWORD.replace('/', '%2F')}@"
        assert await commands.mail_problem(with_mail(environ, server.port, user)) is None
        refused = await commands.mail_problem(with_mail(environ, server.port, "avisos:wrong@"))
        assert refused == "O servidor de e-mail recusou usuário ou senha"
        assert server.letters == []
    gone = await commands.mail_problem(with_mail(environ, server.port))
    assert gone == "Não conseguimos conectar ao servidor de e-mail"

"""The sandbox as `make run` starts it: the way in by the simulated Huggy, over real HTTP, without an account."""

import re
from pathlib import Path

import httpx
import pytest

from entrypoints import sandbox_run
from entrypoints.listening import listening, port_of
from entrypoints.reply import CommandFailed
from entrypoints.sandbox.accounts import ADMIN
from entrypoints.settings import read_settings
from tests.entrypoints.sandbox.sign_in import at_huggys_page


@pytest.fixture
def quiet(restored_logging: None) -> None:
    """Logs of the run are not the test's matter."""


async def test_the_whole_way_in_works_without_an_account_and_the_address_to_go_to_is_told_first(
    tmp_path: Path, quiet: None
) -> None:
    async with (
        sandbox_run._everything(tmp_path, read_settings({}), port=0) as (city, url, password),
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
        httpx.AsyncClient(trust_env=False, timeout=20, base_url=url) as browser,
    ):
        told = sandbox_run._welcome(city, url, password)
        assert re.findall(r"http://[\w.:]+", told)[0] == url
        assert "Ctrl+C" in told
        start = await browser.get("/oauth/huggy/start")
        back = await at_huggys_page(http, start.headers["location"], ADMIN)
        assert back.startswith(f"{url}/oauth/huggy/callback?")
        room = await browser.get(back)
        assert (room.status_code, room.headers["location"]) == (303, "/i/sandbox")
        page = await browser.get("/i/sandbox/configurar/huggy")
        assert page.status_code == 200
        assert "Provedor Exemplo" in page.text
        csrf = re.findall(r'name="_csrf" value="(\w+)"', page.text)[0]
        assert (await browser.post("/sair", data={"_csrf": csrf})).status_code == 303
        door = await browser.get("/entrar/operador")
        csrf = re.findall(r'name="_csrf" value="(\w+)"', door.text)[0]
        fields = {"_csrf": csrf, "name": sandbox_run.OPERATOR, "password": password}
        assert (await browser.post("/entrar/operador", data=fields)).headers["location"] == "/"
        assert (await browser.get("/i/sandbox/configurar/erp")).status_code == 200


async def test_a_second_sandbox_in_the_same_folder_is_refused_and_leaves_the_first_one_whole(
    tmp_path: Path, quiet: None
) -> None:
    settings = read_settings({})
    async with (
        sandbox_run._everything(tmp_path, settings, port=0) as (_, url, _),
        httpx.AsyncClient(trust_env=False, timeout=20, base_url=url) as browser,
    ):
        for port, words in (
            (httpx.URL(url).port or 0, "já está em uso: .* PONTE_PORT"),
            (0, "já está em uso por outro"),
        ):
            with pytest.raises(CommandFailed, match=words):
                async with sandbox_run._everything(tmp_path, settings, port=port):
                    pass
        assert (await browser.get("/health/ready")).status_code == 200
        assert (tmp_path / "sandbox.db").exists()


async def test_what_an_earlier_sandbox_left_stays_when_this_one_cannot_start_and_goes_when_it_can(
    tmp_path: Path, quiet: None
) -> None:
    left = tmp_path / "sandbox.db-wal"
    left.write_bytes(b"left")
    with listening("127.0.0.1", 0) as taken, pytest.raises(CommandFailed):
        async with sandbox_run._everything(tmp_path, read_settings({}), port=port_of(taken)):
            pass
    assert left.read_bytes() == b"left"
    async with sandbox_run._everything(tmp_path, read_settings({}), port=0):
        assert left.read_bytes()[:4] != b"left"

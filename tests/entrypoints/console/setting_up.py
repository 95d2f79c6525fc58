"""The pages of setting up over a real file, a simulated Huggy and a simulated ERP, with the connections as wired."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
from litestar import Litestar
from msgspec.structs import replace

from domain.identifiers import CompanyId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, Installation, Policies
from entrypoints.composition import commands
from entrypoints.composition.container import Container
from entrypoints.http.console.routes import console_routes
from entrypoints.http.errors import sign_answer
from entrypoints.sandbox.accounts import CLIENT_ID, CLIENT_SECRET
from entrypoints.sandbox.voalle import Voalle
from entrypoints.settings import read_settings
from tests.adapters.storage.files import KEY
from tests.entrypoints.console.stage import Browser, Stage

NOTHING = Secret(value="")
ROOM = "/i/inst-1/configurar"
CUSTOMER = "529.982.247-25"

BLANK = Installation(
    id=InstallationId("inst-1"),
    company_id=CompanyId("1001"),
    name="Provedor Exemplo",
    erp=ErpAccess(kind=ErpKind.VOALLE, url="", token=NOTHING),
    huggy_token=Secret(value="huggy-t0ken"),
    policies=Policies(paused=True),
    webhook_key=Secret(value="webhook-key"),
    flow_api_key=Secret(value="flow-key"),
)


class SettingUp:
    """An operator at the pages of one installation."""

    def __init__(self, stage: Stage, app: Litestar, voalle: Voalle) -> None:
        self.stage = stage
        self.voalle = voalle
        self._app = app
        self._browsers: list[Browser] = []
        self._csrf = ""
        self.browser = self.another_browser()

    async def enter(self) -> None:
        await self.stage.has_operator()
        await self.browser.as_operator()
        self._csrf = await self.browser.csrf()

    def another_browser(self) -> Browser:
        self._browsers.append(Browser(self._app, self.stage.url, self.stage.huggy))
        return self._browsers[-1]

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.close()

    async def get(self, step: str, **more: Any) -> httpx.Response:
        return await self.browser.get(f"{ROOM}/{step}", **more)

    async def post(self, step: str, **fields: Any) -> httpx.Response:
        return await self.browser.http.post(f"{ROOM}/{step}", data={"_csrf": self._csrf, **fields})

    async def ask(self, step: str, **fields: Any) -> httpx.Response:
        """As htmx does, for a part of a page."""
        data = {"_csrf": self._csrf, **fields}
        return await self.browser.http.post(f"{ROOM}/{step}", data=data, headers={"HX-Request": "true"})

    async def kept(self) -> Installation:
        kept = await self.stage.database.installations.get(BLANK.id)
        assert kept is not None
        return kept

    async def keep(self, installation: Installation) -> None:
        await self.stage.database.installations.save(installation)

    async def audit(self) -> list[tuple[str, dict[str, str]]]:
        return [(note.what, note.details) for note in await self.stage.database.audit.recent(BLANK.id)]

    def erp_fields(self, **changed: str) -> dict[str, str]:
        """What an admin of the simulated ERP types."""
        fields = {
            "erp_url": self.voalle.url,
            "erp_token": self.voalle.token,
            "erp_pbx": self.voalle.pbx,
            "email": "avisos@provedor.com.br",
        }
        return {**fields, **changed}


@asynccontextmanager
async def setting_up(stage: Stage, voalle: Voalle, *more_hosts: str) -> AsyncIterator[SettingUp]:
    hosts = ",".join([urlsplit(url).netloc for url in (voalle.url, voalle.auth_url, voalle.api_url)] + [*more_hosts])
    settings = read_settings(
        {
            "PONTE_HUGGY_API_URL": stage.huggy.api_url,
            "PONTE_HUGGY_AUTH_URL": stage.huggy.url,
            "PONTE_HUGGY_CLIENT_ID": CLIENT_ID,
            "PONTE_HUGGY_CLIENT_SECRET": CLIENT_SECRET,
            "PONTE_PRIVATE_HOSTS": hosts,
            "PONTE_SECRET_KEYS": KEY.reveal(),
        }
    )
    parts = Container(settings=settings, works=False)
    parts.database.override(stage.database)
    parts.work_loop().begin()
    console = replace(
        stage.console,
        connections=parts.connections(),
        carrier=parts.carrier(),
        read_erp_address=lambda kind, pasted: commands.read_erp_address(settings, kind, pasted),
    )
    app = Litestar(console_routes(console), before_send=[sign_answer], openapi_config=None, logging_config=None)
    opened = SettingUp(stage, app, voalle)
    await stage.database.installations.save(replace(BLANK, huggy_token=Secret(value=stage.huggy.token)))
    try:
        await opened.enter()
        yield opened
    finally:
        await opened.close()
        await parts.huggy_http().aclose()


def text_of(page: httpx.Response) -> str:
    """What can be read on the page, its marks aside."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def wrong_fields(page: httpx.Response) -> dict[str, str]:
    """Each field that the page complains of, with its sentence."""
    return {name: unescape(text) for name, text in re.findall(r'<a href="#campo-([\w.]+)">([^<]*)</a>', page.text)}

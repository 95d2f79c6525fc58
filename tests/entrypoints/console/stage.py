"""The console over a real file and the simulated Huggy, and browsers that look at it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
from litestar import Litestar

from adapters.huggy.oauth import HuggyAccounts
from adapters.memory.clock import SetClock
from adapters.storage.database import ServedDatabase
from domain.identifiers import Secret
from entrypoints.doorkeeper import Doorkeeper, Tries, hash_password
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import Pages
from entrypoints.http.console.routes import console_routes
from entrypoints.http.errors import sign_answer
from entrypoints.sandbox.accounts import CLIENT_ID, CLIENT_SECRET, Agent
from entrypoints.sandbox.huggy import Huggy
from entrypoints.work_loop import WorkLoop
from tests.entrypoints.sandbox.sign_in import at_huggys_page

PASSWORD = "correct horse battery"


class Browser:
    """One person's, with its cookies."""

    def __init__(self, app: Litestar, url: str, huggy: Huggy, address: str = "203.0.113.7") -> None:
        self._huggy = huggy
        transport = httpx.ASGITransport(cast("Any", app), client=(address, 50000))
        self.http = httpx.AsyncClient(transport=transport, base_url=url)
        self._beside = httpx.AsyncClient(trust_env=False, timeout=10)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, *, csrf: str | None = None, **fields: str) -> httpx.Response:
        """As a form of ours sends it, unless another token is given."""
        token = await self.csrf() if csrf is None else csrf
        return await self.http.post(path, data={"_csrf": token, **fields})

    async def csrf(self) -> str:
        """As the first form says that there is on a page that this browser may see."""
        for path in ("/entrar/operador", "/empresas", "/instalacoes/nova"):
            page = await self.http.get(path)
            if found := re.search(r'name="_csrf" value="(\w+)"', page.text):
                return found[1]
        raise AssertionError("no form to be seen")

    @property
    def cookie(self) -> str:
        (cookie,) = self.http.cookies.jar
        return str(cookie.value)

    async def as_operator(self, name: str = "rita", password: str = PASSWORD, **fields: str) -> httpx.Response:
        return await self.post("/entrar/operador", name=name, password=password, **fields)

    async def to_huggy(self, agent: Agent, *, decision: str = "allow", **asked: str) -> str:
        """Off to Huggy, and the address that it sends the browser back to."""
        start = await self.get("/oauth/huggy/start", params=asked)
        assert start.status_code == 303, start.text
        return await at_huggys_page(self._beside, start.headers["location"], agent, decision=decision)

    async def as_agent(self, agent: Agent, **asked: str) -> httpx.Response:
        return await self.get(await self.to_huggy(agent, **asked))

    async def close(self) -> None:
        await self.http.aclose()
        await self._beside.aclose()


class Stage:
    def __init__(
        self, database: ServedDatabase, clock: SetClock, huggy: Huggy, http: httpx.AsyncClient, url: str
    ) -> None:
        self.database = database
        self.clock = clock
        self.huggy = huggy
        self.url = url
        self._browsers: list[Browser] = []
        ids = count(1)
        work_loop = WorkLoop()
        work_loop.begin()
        self.accounts = HuggyAccounts(
            http=http,
            auth_url=huggy.url,
            api_url=huggy.api_url,
            client_id=CLIENT_ID,
            client_secret=Secret(value=CLIENT_SECRET),
            clock=clock,
        )
        parts: dict[str, Any] = dict.fromkeys(Console.__struct_fields__)
        parts |= {
            "pages": Pages(clock=clock),
            "public_url": url,
            "clock": clock,
            "installations": database.installations,
            "work_loop": work_loop,
            "sessions": database.sessions,
            "agents": database.agents,
            "audit": database.audit,
            "turns": database.turns,
            "accounts": self.accounts,
            "doorkeeper": Doorkeeper(operators=database.operators, clock=clock),
            "company_tries": Tries(clock),
            "new_id": lambda: f"made-{next(ids)}",
            "new_key": lambda: f"key-{next(ids)}",
        }
        huggy.accounts.redirect_uri = f"{url}/oauth/huggy/callback"
        self.console = Console(**parts)
        self.app = Litestar(
            console_routes(self.console), before_send=[sign_answer], openapi_config=None, logging_config=None
        )

    def browser(self, address: str = "203.0.113.7") -> Browser:
        self._browsers.append(Browser(self.app, self.url, self.huggy, address))
        return self._browsers[-1]

    async def has_operator(self) -> None:
        await self.database.operators.add("rita", hash_password(Secret(value=PASSWORD)))

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.close()


@asynccontextmanager
async def open_stage(
    database: ServedDatabase, clock: SetClock, huggy: Huggy, http: httpx.AsyncClient, url: str = "http://ponte.example"
) -> AsyncIterator[Stage]:
    stage = Stage(database, clock, huggy, http, url)
    try:
        yield stage
    finally:
        await stage.close()


def errors_in(page: httpx.Response) -> str:
    """What the page says of the fields."""
    return " ".join(unescape(text) for text in re.findall(r'<a href="#campo-\w+">([^<]*)</a>', page.text))


def asked_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

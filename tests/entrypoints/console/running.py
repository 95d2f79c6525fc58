"""The pages of every day over a real file: events as the journal keeps them, and an operator who looks at them."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from html import unescape

import httpx
import uvicorn
from litestar import Litestar
from msgspec.structs import replace

from adapters.memory.clock import SetClock
from adapters.messages.catalog import read_catalog
from application.failures import Unavailable
from application.history import EventRow, FenceState
from application.live import Live
from application.ports import Arrival, Conclusion, Entry, Lane
from application.resend import Resend
from application.resend_failed import ResendFailed
from domain.action import Message, Remark, Route, Say, StartFlow
from domain.identifiers import ChatId, EffectKey, FlowId, InstallationId, NotificationKey, ProtocolNumber
from domain.installation import FlowKey, Installation
from domain.notification import BoletoRequested, ChatRef, CustomerLookup, Notification, TicketRequested
from domain.outcome import CustomerFound, Failed, Outcome, TicketOpened
from domain.trail import Ending, Step, Trail
from entrypoints.http.console.carried import Carrier
from entrypoints.http.console.parts import Console
from entrypoints.http.console.routes import console_routes
from entrypoints.http.errors import sign_answer
from entrypoints.http.streams import Streams
from tests.adapters.storage.files import KEY
from tests.entrypoints.console.stage import Browser, Stage
from tests.entrypoints.fakes import INSTALLATION

HERE = INSTALLATION.id
ROOM = f"/i/{HERE}"
CPF = "529.982.247-25"
PHONE = "+55 11 98765-4321"
FOUND = CustomerFound(first_name="Ana", contracts=())
TIMEOUT = Failed(cause="erp.timeout")


def lookup(key: str, chat: str = "55501", document: str = CPF) -> CustomerLookup:
    return CustomerLookup(key=NotificationKey(key), chat=ChatRef(id=ChatId(chat), phone=PHONE), document=document)


def boleto(key: str, chat: str = "55501", document: str = CPF) -> BoletoRequested:
    return BoletoRequested(key=NotificationKey(key), chat=ChatRef(id=ChatId(chat), phone=PHONE), document=document)


def ticket(key: str, chat: str = "55501", description: str = "sem internet") -> TicketRequested:
    return TicketRequested(
        key=NotificationKey(key), chat=ChatRef(id=ChatId(chat), phone=PHONE), document=CPF, description=description
    )


def opened(protocol: str = "2026112300042") -> TicketOpened:
    return TicketOpened(protocol=ProtocolNumber(protocol))


def to(flow: FlowKey, *remarks: Remark) -> Route:
    return Route(remarks=remarks, terminal=StartFlow(flow=flow, flow_id=FlowId("11")))


def say(key: str, **values: str) -> Say:
    return Say(message=Message(key=key, values=values))


class Running:
    """An operator at the pages of one installation, and the journal under them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock: SetClock = stage.clock
        self.database = stage.database
        self.journal = stage.database.journal
        self.history = stage.database.history
        self.woken: list[Lane] = []
        self.fences: list[FenceState] | None = []
        """None: nobody can tell"""
        self.looks = asyncio.Queue[None]()
        """what the live view waits for between two looks"""
        self.streams = Streams(heartbeat_s=60)
        resend = Resend(history=self.history, mailbox=self.journal, engine=self)
        self.resend_failed = ResendFailed(
            history=self.history, resend=resend, clock=self.clock, sleep=self._work_while_waiting
        )
        self.console: Console = replace(
            stage.console,
            history=self.history,
            live=Live(history=self.history, sleep=self._until_next_look),
            streams=self.streams,
            resend=resend,
            resend_failed=self.resend_failed,
            problems=self.database.problems,
            notices=self.database.notices,
            fence_states=self._fence_states,
            render=read_catalog().render,
            sends_mail=False,
            carrier=Carrier([KEY]),
        )
        self.app = Litestar(
            console_routes(self.console), before_send=[sign_answer], openapi_config=None, logging_config=None
        )
        self._browsers: list[Browser] = []
        self._csrf = ""
        self.browser = self.another_browser()

    async def enter(self, *installations: Installation) -> None:
        for installation in installations or (INSTALLATION,):
            await self.database.installations.save(installation)
        await self.stage.has_operator()
        await self.browser.as_operator()
        self._csrf = await self.browser.csrf()

    def another_browser(self) -> Browser:
        self._browsers.append(Browser(self.app, self.stage.url, self.stage.huggy))
        return self._browsers[-1]

    async def close(self) -> None:
        await self.resend_failed.stop()
        for browser in self._browsers:
            await browser.close()

    async def get(self, page: str = "", **parameters: str) -> httpx.Response:
        return await self.browser.get(f"{ROOM}/{page}".rstrip("/"), params=parameters)

    async def post(self, page: str, **fields: str) -> httpx.Response:
        return await self.browser.http.post(f"{ROOM}/{page}", data={"_csrf": self._csrf, **fields})

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text
        return await self.browser.get(answer.headers["location"])

    # --- what happens

    def wake(self, lane: Lane) -> None:
        """This is an engine that only remembers; see `work`."""
        self.woken.append(lane)

    async def accept(
        self, notification: Notification, raw: bytes = b'{"event": "x"}', *, at: InstallationId = HERE
    ) -> Entry:
        await self.journal.accept(at, [Arrival(notification=notification, raw=raw)], window_s=60)
        entry = await self.journal.head(Lane(installation_id=at, chat_id=notification.chat.id))
        assert entry is not None
        return entry

    async def end(
        self,
        entry: Entry,
        outcome: Outcome = FOUND,
        route: Route | None = None,
        *,
        steps: Sequence[Step] = (),
        ending: Ending | None = None,
        said: int = 0,
        after_s: float = 0.5,
    ) -> Entry:
        """`said`: how many of the route's remarks reached the chat."""
        flow = FlowKey.AUXILIARY if isinstance(outcome, Failed) else FlowKey.CUSTOMER_FOUND
        await self.journal.conclude(entry, Conclusion(outcome=outcome, route=route or to(flow)))
        for index in range(said):
            key = EffectKey(f"{entry.notification.key}:{index}")
            await self.journal.begin(entry, key)
            await self.journal.finish(entry, key)
        self.clock.advance(after_s)
        await self.journal.finish_entry(entry, ending=ending, trail=Trail(at=self.clock.now(), steps=tuple(steps)))
        return entry

    async def found(self, key: str, chat: str = "55501", document: str = CPF) -> Entry:
        return await self.end(await self.accept(lookup(key, chat, document)))

    async def failed(self, key: str, chat: str = "55501", *, steps: Sequence[Step] = ()) -> Entry:
        return await self.end(await self.accept(lookup(key, chat)), TIMEOUT, steps=steps)

    async def failed_ticket(self, key: str, chat: str = "55501") -> Entry:
        return await self.end(await self.accept(ticket(key, chat)), TIMEOUT)

    async def work(self, outcome: Outcome = FOUND) -> None:
        """Everything that was woken, to this outcome."""
        while self.woken:
            entry = await self.journal.head(self.woken.pop(0))
            if entry is not None:
                await self.end(entry, outcome)

    async def newest(self) -> EventRow:
        return (await self.history.events(HERE)).rows[0]

    async def _work_while_waiting(self, _: float) -> None:
        await self.work()

    async def _until_next_look(self, _: float) -> None:
        await self.looks.get()

    async def _fence_states(self, _: InstallationId) -> Sequence[FenceState]:
        if self.fences is None:
            raise Unavailable("storage.unavailable")
        return self.fences

    # --- over a real socket

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Served"]:
        """For answers that go on: the same pages, behind the server that the product has."""
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=20
        )
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[assignment,method-assign]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        cookies = dict(self.browser.http.cookies)
        async with httpx.AsyncClient(base_url=url, cookies=cookies, trust_env=False, timeout=30) as http:
            served = Served(http, server, serving)
            try:
                yield served
            finally:
                self.streams.end()
                await served.stop()
                listening.close()


class Served:
    def __init__(self, http: httpx.AsyncClient, server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
        self.http = http
        self._server = server
        self.serving = serving

    async def stop(self) -> None:
        self._server.should_exit = True
        await self.serving


class Stream:
    """A live view: its messages, one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def message(self) -> dict[str, str]:
        """The next one with data or a name; empty at the end of the stream."""
        fields: dict[str, list[str]] = {}
        async for line in self._lines:
            if line.startswith(":"):
                continue
            if not line:
                if fields:
                    return {name: "\n".join(values) for name, values in fields.items()}
                continue
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        return {}


@asynccontextmanager
async def running_on(stage: Stage) -> AsyncIterator[Running]:
    running = Running(stage)
    try:
        yield running
    finally:
        await running.close()


def texts(page: httpx.Response) -> str:
    """What can be read on a page, its tags left out."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())

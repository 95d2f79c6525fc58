"""Events of every kind in one database of either kind, for what the console reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from application.history import EventRow
from application.ports import Arrival, Conclusion, Entry, Lane
from domain.action import Route, StartFlow
from domain.identifiers import ChatId, FlowId, InstallationId, NotificationKey, ProtocolNumber
from domain.installation import FlowKey
from domain.notification import ChatRef, CustomerLookup, Notification, TicketRequested
from domain.outcome import CustomerFound, Failed, Outcome, TicketOpened
from domain.trail import Ending, Step, Trail
from tests.adapters.storage.files import ServedFile
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.contracts.journal import HERE, NOON

CPF = "529.982.247-25"
FOUND = CustomerFound(first_name="Ana", contracts=())
TIMEOUT = Failed(cause="erp.timeout")
TRAIL = Trail(at=NOON, steps=(Step(what="erp.customer", at_ms=1, took_ms=2.5, request="a", answer="b"),))


def to(flow: FlowKey) -> Route:
    return Route(terminal=StartFlow(flow=flow, flow_id=FlowId("1")))


def lookup(key: str, chat: str = "1", document: str = CPF) -> CustomerLookup:
    return CustomerLookup(key=NotificationKey(key), chat=ChatRef(id=ChatId(chat)), document=document)


def ticket(key: str, chat: str = "1") -> TicketRequested:
    return TicketRequested(
        key=NotificationKey(key), chat=ChatRef(id=ChatId(chat)), document=CPF, description="sem internet"
    )


class Kept:
    def __init__(self, served: ServedFile) -> None:
        self.served = served
        self.clock = served.clock
        self.journal = served.journal
        self.history = served.history
        self.woken: list[Lane] = []

    def wake(self, lane: Lane) -> None:
        """This is an engine that only remembers; see `work`."""
        self.woken.append(lane)

    async def accept(self, notification: Notification, at: InstallationId = HERE) -> Entry:
        await self.journal.accept(at, [Arrival(notification=notification, raw=b'{"raw": 1}')], window_s=60)
        entry = await self.journal.head(Lane(installation_id=at, chat_id=notification.chat.id))
        assert entry is not None
        return entry

    async def end(
        self, entry: Entry, outcome: Outcome = FOUND, flow: FlowKey = FlowKey.CUSTOMER_FOUND, *, after_s: float = 0.5
    ) -> Entry:
        await self.journal.conclude(entry, Conclusion(outcome=outcome, route=to(flow)))
        self.clock.advance(after_s)
        await self.journal.finish_entry(entry, trail=TRAIL)
        return entry

    async def found(self, key: str, chat: str = "1", at: InstallationId = HERE, document: str = CPF) -> Entry:
        return await self.end(await self.accept(lookup(key, chat, document), at))

    async def failed(self, key: str, chat: str = "1", outcome: Failed = TIMEOUT) -> Entry:
        return await self.end(await self.accept(lookup(key, chat)), outcome, FlowKey.AUXILIARY)

    async def ticket(self, key: str, chat: str = "1", protocol: str = "20261123") -> Entry:
        opened = TicketOpened(protocol=ProtocolNumber(protocol))
        return await self.end(await self.accept(ticket(key, chat)), opened, FlowKey.TICKET_OPENED)

    async def failed_ticket(self, key: str, chat: str = "1") -> Entry:
        return await self.end(await self.accept(ticket(key, chat)), TIMEOUT, FlowKey.AUXILIARY)

    async def refused_by_huggy(self, key: str) -> Entry:
        entry = await self.accept(lookup(key))
        await self.journal.conclude(entry, Conclusion(outcome=FOUND, route=to(FlowKey.CUSTOMER_FOUND)))
        await self.journal.finish_entry(entry, ending=Ending(flow="auxiliary", cause="huggy.not_found"))
        return entry

    async def work(self, outcome: Outcome = FOUND) -> None:
        """Everything that was woken, to this outcome."""
        while self.woken:
            entry = await self.journal.head(self.woken.pop(0))
            assert entry is not None
            await self.end(entry, outcome)

    def ago(self, **span: float) -> datetime:
        return self.clock.now() - timedelta(**span)


def keys(rows: Sequence[EventRow]) -> list[str]:
    return [row.key for row in rows]


@pytest.fixture(params=["sqlite", "postgres"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    if request.param == "sqlite":
        served = ServedFile(request.getfixturevalue("url"))
    else:
        served = ServedPostgres(request.getfixturevalue("kept_url"))
    yield Kept(served)
    served.close()

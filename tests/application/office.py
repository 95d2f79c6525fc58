"""A provider's office in memory: every port in one place, seeded by tests, worked as the product works it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from adapters.memory.chat import MemoryChat
from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.journal import MemoryJournal
from adapters.memory.notebook import Notebook, PlainWeeks
from adapters.memory.outages import MemoryOutages
from adapters.memory.world import World, memory_erp
from application.conclude import Conclude
from application.handle_notification import HandleNotification
from application.ports import Arrival, Erp, Lane, Operation
from application.work_lane import WorkLane
from domain.action import Say, SayCode, SendFile
from domain.identifiers import ChatId, NotificationKey
from domain.installation import FlowKey, Installation, Policies
from domain.notification import (
    BoletoRequested,
    ChatRef,
    CustomerLookup,
    Notification,
    TicketRequested,
    UnblockRequested,
)
from domain.outcome import Outcome
from tests.domain.builders import installation

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
CHAT = ChatRef(id=ChatId("55501"), phone="+55 11 98765-4321")
CPF = "529.982.247-25"


def lookup(document: str = CPF, key: str = "n-1", chat: ChatRef = CHAT) -> CustomerLookup:
    return CustomerLookup(key=NotificationKey(key), chat=chat, document=document)


def boleto(contract: str = "", document: str = CPF, key: str = "n-1") -> BoletoRequested:
    return BoletoRequested(key=NotificationKey(key), chat=CHAT, document=document, contract=contract)


def unblock(contract: str = "", document: str = CPF, key: str = "n-1") -> UnblockRequested:
    return UnblockRequested(key=NotificationKey(key), chat=CHAT, document=document, contract=contract)


def ticket(
    description: str = "sem internet", document: str = CPF, contract: str = "", key: str = "n-1"
) -> TicketRequested:
    return TicketRequested(
        key=NotificationKey(key), chat=CHAT, document=document, description=description, contract=contract
    )


class Office:
    def __init__(
        self, policies: Policies | None = None, *, offers: frozenset[Operation] = frozenset(Operation)
    ) -> None:
        self.clock = SetClock(NOON)
        self.world = World(now=NOON)
        self.chat = MemoryChat()
        self.notebook = Notebook()
        self.journal = MemoryJournal(clock=self.clock)
        self.installations = MemoryInstallations()
        self.installation = installation(policies)
        self.erp = memory_erp(self.world, offers=offers)
        self.outages = MemoryOutages(clock=self.clock)
        self.conclude_over = partial(
            Conclude,
            erps=self._erp_of,
            outages=self.outages,
            calendar=PlainWeeks(),
            clock=self.clock,
            alerts=self.notebook,
            observer=self.notebook,
        )
        self.conclude = self.conclude_over(self.journal)
        self.handle = HandleNotification(
            installations=self.installations,
            journal=self.journal,
            conclude=self.conclude,
            erps=self._erp_of,
            chats=lambda _: self.chat,
            clock=self.clock,
            alerts=self.notebook,
            observer=self.notebook,
        )
        self.work_lane = WorkLane(journal=self.journal, handle=self.handle)

    def _erp_of(self, installation: Installation) -> Erp:
        return self.erp

    async def accept(self, *notifications: Notification) -> None:
        await self.installations.save(self.installation)
        arrivals = [Arrival(notification=each, raw=b"{}") for each in notifications]
        await self.journal.accept(self.installation.id, arrivals, window_s=60)

    async def work(self, chat_id: ChatId = CHAT.id) -> float | None:
        return await self.work_lane(Lane(installation_id=self.installation.id, chat_id=chat_id))

    async def receive(self, *notifications: Notification) -> Outcome:
        """Accepts and works; the outcome of the last one."""
        await self.accept(*notifications)
        assert await self.work() is None
        return self.notebook.finished_with[-1]

    @property
    def flows(self) -> list[FlowKey]:
        return [start.flow for start in self.chat.flows(CHAT.id)]

    @property
    def heard(self) -> Sequence[Say | SayCode | SendFile]:
        return self.chat.heard(CHAT.id)

    @property
    def said_keys(self) -> list[str]:
        return [action.message.key for action in self.heard if isinstance(action, Say)]

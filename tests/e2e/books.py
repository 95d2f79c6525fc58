"""What a provider's ERP knows, whichever of its APIs is asked, and the ledger of what was written to it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from tests.e2e import documents

ZONE = ZoneInfo("America/Sao_Paulo")


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC).astimezone(ZONE)


def today() -> date:
    return now().date()


@dataclass(kw_only=True)
class Bill:
    """`line` and `pix` default to codes that are right for its amount and due date."""

    number: int
    due_on: date
    amount: Decimal = Decimal("99.90")
    line: str = ""
    pix: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        free = f"{self.number:025d}"
        self.line = self.line or documents.digitable_line(due_on=self.due_on, amount=self.amount, free=free)
        self.pix = self.pix or documents.pix_code(amount=self.amount, reference=f"FAT{self.number}")
        self.link = self.link or f"https://portal.provedor.example/boletos/{self.number:08x}"

    @property
    def title(self) -> str:
        return f"FAT{self.number}"

    @property
    def said_due_on(self) -> str:
        return f"{self.due_on:%d/%m/%Y}"


@dataclass(kw_only=True)
class Agreement:
    """A contract. `status` is the ERP's code: 1 normal, 4 cancelled, 5 suspended, 6 blocked for debt, 7 administrative."""

    number: int
    plan: str = "FIBRA 500 MEGA"
    street: str = "RUA DAS ACACIAS"
    district: str = "JARDIM PRIMAVERA"
    status: int = 1
    unblocks: bool = True
    attempts: int = 0
    bills: list[Bill] = field(default_factory=list)

    @property
    def paper_number(self) -> str:
        return f"{self.number:07d}"


@dataclass(kw_only=True)
class Case:
    """A support ticket that stands in the ERP."""

    protocol: str
    opened_at: datetime
    status: str = "Abertura"
    title: str = "Sem conexão"


@dataclass(kw_only=True)
class Trouble:
    """A mass outage that reaches a subscriber."""

    protocol: str
    predicted_at: datetime

    @property
    def hours_left(self) -> int:
        return max(1, -(-(self.predicted_at - now()) // timedelta(hours=1)))


@dataclass(kw_only=True)
class Subscriber:
    client: int
    tax_id: str
    name: str
    phone: str = "11987654321"
    agreements: list[Agreement] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    trouble: Trouble | None = None
    access_point: str = ""
    """the equipment that serves them; empty: nobody else's"""


@dataclass(frozen=True, kw_only=True)
class Write:
    at: float
    kind: Literal["unblock", "ticket"]
    client: int
    agreement: int | None
    text: str = field(default="", repr=False)


class Books:
    """One ERP's record. Each subscriber added gets ids and a document that nobody else has."""

    def __init__(self, offset: int) -> None:
        self._next = offset
        self.subscribers: dict[str, Subscriber] = {}
        self.writes: list[Write] = []
        self._protocol = 900_000 + offset

    def add(
        self,
        *,
        agreements: Iterable[Agreement] | None = None,
        bills: Iterable[Bill] = (),
        name: str = "",
        trouble: Trouble | None = None,
    ) -> Subscriber:
        """A subscriber with these contracts; without any named, one ordinary contract with these bills."""
        self._next += 1
        n = self._next
        held = list(agreements) if agreements is not None else [Agreement(number=20_000 + n, bills=list(bills))]
        subscriber = Subscriber(
            client=50_000 + n, tax_id=documents.cpf(n), name=name or f"XERAZADE BORBOREMA {n:04d}", agreements=held,
            phone=f"119{81_000_000 + n}", trouble=trouble,
        )  # fmt: skip
        self.subscribers[subscriber.tax_id] = subscriber
        return subscriber

    def number(self) -> int:
        """A contract or invoice number that was not used before."""
        self._next += 1
        return 20_000 + self._next

    def unblock(self, number: str) -> str | None:
        """The protocol of a granted trust unblock; None when the ERP refuses."""
        subscriber, agreement = self.agreement(number)
        self.writes.append(
            Write(at=time.monotonic(), kind="unblock", client=subscriber.client, agreement=agreement.number)
        )
        if not agreement.unblocks:
            return None
        agreement.attempts += 1
        agreement.status = 1
        return self.protocol()

    def open_ticket(self, subscriber: Subscriber, text: str, agreement: int | None = None) -> str:
        self.writes.append(
            Write(at=time.monotonic(), kind="ticket", client=subscriber.client, agreement=agreement, text=text)
        )
        case = Case(protocol=self.protocol(), opened_at=now())
        subscriber.cases.append(case)
        return case.protocol

    def agreement(self, number: str) -> tuple[Subscriber, Agreement]:
        """By id or by the padded number on paper; KeyError for a stranger."""
        for subscriber in self.subscribers.values():
            for agreement in subscriber.agreements:
                if number in {str(agreement.number), agreement.paper_number}:
                    return subscriber, agreement
        raise KeyError(number)

    def by_client(self, client: str) -> Subscriber:
        for subscriber in self.subscribers.values():
            if str(subscriber.client) == client:
                return subscriber
        raise KeyError(client)

    def writes_of(self, subscriber: Subscriber) -> list[Write]:
        return [write for write in tuple(self.writes) if write.client == subscriber.client]

    def protocol(self) -> str:
        self._protocol += 1
        return f"2026{self._protocol}"

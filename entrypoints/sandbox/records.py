"""What the sandbox's ERP knows of its customers, and the two things that can be done to it: unblock, open a ticket."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum


class Status(IntEnum):
    """Contract status. Source: vendor documentation and public code."""

    NORMAL = 1
    CANCELLED = 4
    SUSPENDED = 5
    BLOCKED_FOR_DEBT = 6
    BLOCKED_BY_PROVIDER = 7
    ENDED = 9


STATUS_WORDS = {
    Status.NORMAL: "Normal",
    Status.CANCELLED: "Cancelado",
    Status.SUSPENDED: "Suspenso",
    Status.BLOCKED_FOR_DEBT: "Bloqueio Financeiro",
    Status.BLOCKED_BY_PROVIDER: "Bloqueio Administrativo",
    Status.ENDED: "Encerrado",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Title:
    """An open invoice. `value` is what the codes carry, `final_value` is due today, with fine and interest."""

    id: int
    name: str
    issued_on: date
    due_on: date
    value: Decimal
    fine: Decimal
    interest: Decimal
    barcode: str
    digitable_line: str
    pix_code: str

    @property
    def final_value(self) -> Decimal:
        return self.value + self.fine + self.interest


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """An outage at the access point of a contract."""

    protocol: str
    began_at: datetime
    predicted_at: datetime

    def hours_left(self, now: datetime) -> int:
        """Rounded up; 1 when the prediction has passed. Source: public code of a provider."""
        return max(1, math.ceil((self.predicted_at - now).total_seconds() / 3600))


@dataclass(kw_only=True, repr=False)
class Contract:
    id: int
    number: str
    """on paper, zero-padded; not the id"""
    plan: str
    street: str
    district: str
    monthly: Decimal
    status: Status = Status.NORMAL
    approved_on: date = date(2023, 3, 15)
    unblock_attempts: int = 0
    titles: list[Title] = field(default_factory=list)
    maintenance: Maintenance | None = None

    @property
    def in_operation(self) -> bool:
        return self.status not in (Status.CANCELLED, Status.ENDED)


@dataclass(frozen=True, kw_only=True)
class Ticket:
    id: int
    protocol: str
    title: str
    opened_at: datetime
    contract_id: int | None = None


@dataclass(kw_only=True, repr=False)
class Person:
    id: int
    key: str
    """what tests and the chat call this person"""
    story: str
    """one line in Portuguese: what is special about this person"""
    name: str
    tax_id: str
    """characters only, without punctuation"""
    phone: str
    """area code and number, without the country's 55"""
    born_on: date | None = None
    contracts: list[Contract] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def is_company(self) -> bool:
        return len(self.tax_id) == 14

    @property
    def printed_tax_id(self) -> str:
        t = self.tax_id
        if self.is_company:
            return f"{t[:2]}.{t[2:5]}.{t[5:8]}/{t[8:12]}-{t[12:]}"
        return f"{t[:3]}.{t[3:6]}.{t[6:9]}-{t[9:]}"


class Records:
    """The provider's people, by every key that the APIs look them up with."""

    def __init__(self, people: list[Person], clock: Callable[[], datetime]) -> None:
        self.people = people
        self.clock = clock
        self._protocols = 0

    def person(self, *, tax_id: str = "", client_id: int | None = None) -> Person | None:
        return next((p for p in self.people if p.id == client_id or (tax_id and p.tax_id == tax_id)), None)

    def by_phone(self, phone: str) -> list[Person]:
        return [person for person in self.people if phone and person.phone == phone]

    def contract(self, contract_id: str) -> Contract | None:
        return next((c for _, c in self._contracts() if str(c.id) == contract_id), None)

    def contract_by_number(self, number: str) -> Contract | None:
        return next((c for _, c in self._contracts() if c.number == number), None)

    def owner(self, contract: Contract) -> Person:
        return next(person for person, c in self._contracts() if c is contract)

    def title(self, title_id: str) -> Title | None:
        return next((t for _, c in self._contracts() for t in c.titles if str(t.id) == title_id), None)

    def unblock(self, contract: Contract) -> str | None:
        """The protocol, once per contract and only when it is blocked for debt; None: refused."""
        if contract.status is not Status.BLOCKED_FOR_DEBT or contract.unblock_attempts > 0:
            return None
        contract.status = Status.NORMAL
        contract.unblock_attempts += 1
        return self.next_protocol()

    def open_ticket(self, person: Person, description: str, contract_id: int | None = None) -> Ticket:
        protocol = self.next_protocol()
        ticket = Ticket(
            id=90000 + self._protocols,
            protocol=protocol,
            title=description.splitlines()[0][:60],
            opened_at=self.clock(),
            contract_id=contract_id,
        )
        person.tickets.append(ticket)
        return ticket

    def next_protocol(self) -> str:
        self._protocols += 1
        return f"{self.clock():%Y%m%d}{self._protocols:05}"

    def _contracts(self) -> Iterator[tuple[Person, Contract]]:
        return ((person, contract) for person in self.people for contract in person.contracts)

"""The ports on the way of a notification: what the use cases may rely on. Those of the registry of outages, of notices,
of the console and of what it reads of the past stand in `outage_ports`, `notice_ports`, `console_ports` and `history`.

Any method that leaves the process may raise the failures of `application.failures`, and nothing else. Adapters do not
inherit these protocols; a typed line where they are put together proves that they fit.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from domain.action import Action, Message, Route
from domain.customer import Contract, Customer
from domain.identifiers import ChatId, EffectKey, InstallationId, InvoiceId
from domain.installation import ErpKind, Installation
from domain.invoice import Invoice
from domain.notification import ChatRef, NotForUs, Notification, Situation
from domain.outage import Reported
from domain.outcome import Outcome
from domain.tax_id import TaxId
from domain.ticket import NewTicket, Ticket, TicketAnswer
from domain.trail import Ending, Trail
from domain.trust_unblock import UnblockAnswer

# --- the ERP ----------------------------------------------------------------------------------------------------


class Customers(Protocol):
    async def find(self, tax_id: TaxId) -> Customer | None:
        """The customer who signed with this document, with all contracts; None: the ERP surely has none.

        Records that the ERP keeps twice for one document come as one customer, each contract once and with its own
        `customer_id`. A look-up that failed is a failure, never None.
        """
        ...


class Billing(Protocol):
    async def open_invoices(self, customer: Customer, contract: Contract) -> Sequence[Invoice]:
        """The unpaid invoices of this contract, each once, in any order, codes exactly as the ERP gave them.

        Reads only: no charge is created, re-issued or sent.
        """
        ...

    async def pdf(self, invoice_id: InvoiceId) -> bytes | None:
        """The invoice as a PDF (checked to be one, at most 15 MB, surely of this invoice); None: this ERP, as configured,
        gives none, or the invoice is not `printable`."""
        ...


class Unblocks(Protocol):
    async def unblock(self, contract: Contract) -> UnblockAnswer:
        """Asks the ERP once. `InDoubt` when no answer came: the caller reads back, nobody repeats. One that is cancelled
        tells by `application.unsent` that it sent nothing, where it knows."""
        ...


class Tickets(Protocol):
    async def open_tickets(self, customer: Customer) -> Sequence[Ticket]:
        """The customer's tickets that are not closed, in any order."""
        ...

    async def open(self, ticket: NewTicket) -> TicketAnswer:
        """Asks the ERP once. `InDoubt` when no answer came: the caller reads back, nobody repeats. One that is cancelled
        tells by `application.unsent` that it sent nothing, where it knows."""
        ...


class Outages(Protocol):
    async def affecting(self, customer: Customer) -> Reported:
        """What is known of the outages of this customer now, those of `customer.outages` included, each once.

        What could not be asked is left out, not taken for well; what was asked lately may be told from memory.
        """
        ...


class Operation(StrEnum):
    CUSTOMER = "customer"
    BOLETO = "boleto"
    PDF = "pdf"
    UNBLOCK = "unblock"
    TICKET = "ticket"
    OPEN_TICKETS = "open_tickets"
    OUTAGE = "outage"


class Erp(Struct, frozen=True, kw_only=True):
    """One provider's ERP: the ports of its kind, and which operations it offers with the credentials at hand."""

    kind: ErpKind
    offers: frozenset[Operation]
    customers: Customers
    billing: Billing
    unblocks: Unblocks
    tickets: Tickets
    outages: Outages
    sign_ins: Mapping[str, Callable[[], Awaitable[None]]] = {}
    """what can be signed in to besides, by its name: each returns when its credentials were taken; nothing is read"""


class Erps(Protocol):
    def __call__(self, installation: Installation) -> Erp:
        """The ERP of this installation; cheap to call each time, connections and fences are kept behind it."""
        ...


# --- the chat platform ------------------------------------------------------------------------------------------


class Chat(Protocol):
    """Huggy, for one installation. Each call is one request; the order of calls is the order in the chat."""

    async def situation(self, chat: ChatRef) -> Situation:
        """Where the chat stands now; `UNKNOWN` for a value that we have never seen."""
        ...

    async def perform(self, chat: ChatRef, action: Action) -> None:
        """Does it, and returns when Huggy has taken it. `LeaveToAgent` does nothing.

        `InDoubt` when the request left and no answer came; `Unavailable` when it surely had no effect.
        """
        ...


class Chats(Protocol):
    def __call__(self, installation: Installation) -> Chat: ...


Render = Callable[[Message], str]
"""The words of a message in Brazilian Portuguese; total over the keys of the catalogue."""

# --- what is kept -----------------------------------------------------------------------------------------------


class Arrival(Struct, frozen=True, kw_only=True):
    """One notification as it came in; `raw` is its JSON as sent, kept sealed so that a misreading can be undone."""

    notification: Notification
    raw: bytes


class Receipt(Struct, frozen=True, kw_only=True):
    accepted: int
    duplicates: int


class Lane(Struct, frozen=True, kw_only=True, order=True):
    """What is worked one after the other: the notifications of one chat."""

    installation_id: InstallationId
    chat_id: ChatId


class Entry(Struct, frozen=True, kw_only=True):
    """An accepted notification that is not finished yet."""

    seq: int
    installation_id: InstallationId
    notification: Notification
    accepted_at: datetime
    age_s: float
    """seconds since it was acknowledged, never negative; measured on a clock that does not jump while the process lives"""
    resumed: bool
    """True: another process may have worked on it before, or be at work on it still; the ledger tells what happened"""
    outcome: Outcome | None = None
    route: Route | None = None
    """both set once concluded: what is left is to perform the rest of the route"""

    @property
    def lane(self) -> Lane:
        return Lane(installation_id=self.installation_id, chat_id=self.notification.chat.id)


class EffectState(StrEnum):
    FRESH = "fresh"
    """the intent is recorded now, for the first time: go on"""
    DOUBTFUL = "doubtful"
    """an earlier attempt recorded its intent and no result: it may have happened"""
    DONE = "done"
    """it happened; do not repeat"""


class Begun(Struct, frozen=True, kw_only=True):
    state: EffectState
    note: bytes = b""
    """what was written at `finish` when DONE, at the first `begin` otherwise"""


class Conclusion(Struct, frozen=True, kw_only=True):
    outcome: Outcome
    route: Route


class Mailbox(Protocol):
    """The accepting half of the journal."""

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        """Stores each notification once by its key, durably, before it returns. Keys repeated inside one call or in an
        earlier one are duplicates. `window_s` bounds the keys that start with `~` (made from content alone, because
        the notification had neither id nor time): such a key counts as new again after that many seconds.

        `Unavailable` when it can't store: then nothing was stored.
        """
        ...

    async def keep_unknown(self, installation_id: InstallationId, what: NotForUs, sample: bytes) -> None:
        """Keeps one redacted sample per reason and event, and counts the rest."""
        ...


class Ledger(Protocol):
    """What was begun in the outside world for an entry, and what came of it. Durable when a method returns."""

    async def begin(self, entry: Entry, key: EffectKey, note: bytes = b"") -> Begun:
        """Records the intent of an effect before it is tried. The same key again: DOUBTFUL, or DONE after `finish`."""
        ...

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        """What is known of an effect, without beginning it: DOUBTFUL or DONE; None: it was never begun."""
        ...

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        """Records that the effect happened."""
        ...

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """Takes an intent back: the effect surely did not happen, the next `begin` is FRESH again."""
        ...


class Journal(Mailbox, Ledger, Protocol):
    """What is true of every accepted notification. Every method is durable when it returns."""

    async def unfinished(self) -> Sequence[Lane]:
        """The lanes that hold unfinished entries, oldest entry first."""
        ...

    async def head(self, lane: Lane) -> Entry | None:
        """The oldest unfinished entry of the lane. It stays the head until `finish_entry`."""
        ...

    async def begin(
        self,
        entry: Entry,
        key: EffectKey,
        note: bytes = b"",
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
    ) -> Begun:
        """`Ledger.begin`. By the same commit, if given: `concluded` is kept as by `conclude`, and `happened`, the effect
        before this one, is finished."""
        ...

    async def conclude(self, entry: Entry, concluded: Conclusion) -> None:
        """The last conclusion of an entry counts."""
        ...

    async def finish_entry(
        self,
        entry: Entry,
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
        ending: Ending | None = None,
        trail: Trail | None = None,
    ) -> Entry | None:
        """Nothing is left to do for this notification; what is the head of its lane now. By the same commit, if given:
        `concluded` is kept as by `conclude`, and `happened`, its last effect, is finished; `ending` stands in place of
        what the conclusion planned; `trail` is kept as that of one more attempt."""
        ...

    async def keep_trail(self, entry: Entry, trail: Trail) -> None:
        """Of an attempt that finished nothing. The first ten attempts of an entry are kept, and the last ten."""
        ...

    async def record(self, installation_id: InstallationId, arrival: Arrival, *, window_s: float) -> Entry:
        """Keeps a request that is answered in the same breath: for audit and ledger; it is never among the unfinished.
        `begin`, `finish`, `recall`, `conclude` and `finish_entry` work on its entry as on any other.

        The same key again (within `window_s`, where it starts with `~`): the entry of the first, with its outcome once
        it was concluded.
        """
        ...


class Installations(Protocol):
    async def get(self, installation_id: InstallationId) -> Installation | None: ...

    def at_hand(self, installation_id: InstallationId) -> Installation | None:
        """As it was when any of them was last asked for; asks nobody."""
        ...

    async def by_webhook_key(self, key: str) -> Installation | None:
        """Cheap enough for every delivery; sees what another process changed."""
        ...

    async def by_flow_key(self, key: str) -> Installation | None:
        """The one whose flows ask with this key; None for an empty one."""
        ...

    async def by_outage_key(self, key: str) -> Installation | None:
        """The one whose systems report outages with this key; None for an empty one."""
        ...

    async def all(self) -> Sequence[Installation]: ...

    async def save(self, installation: Installation) -> None:
        """Adds or replaces, secrets encrypted at rest. Webhook key and id are unique."""
        ...

    async def change(
        self, installation_id: InstallationId, change: Callable[[Installation], Installation]
    ) -> Installation | None:
        """Reads it as it stands in the database, changes it and saves it, and nobody else changes it meanwhile: for
        whoever wants to alter a part and keep what others did to the rest. What it is now; None: there is none.

        A `Failure` that `change` raises is raised here, with nothing saved.
        """
        ...

    async def remove(self, installation_id: InstallationId) -> bool:
        """Takes the installation and everything kept for it away; False: there was none."""
        ...

    async def pin_webhook_token(self, installation_id: InstallationId, token: str) -> None:
        """The first token stays, until `change` takes it away: then the next one is the first."""
        ...


# --- the rest of the world --------------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime:
        """With its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        ...


class Calendar(Protocol):
    def next_banking_day(self, day: date) -> date:
        """`day` itself when Brazilian banks serve the public, else the next day on which they do."""
        ...


class Alerts(Protocol):
    async def raise_alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        """Tells the provider's people that something needs them; equal causes are grouped. Never fails, never holds
        personal data."""
        ...


class Observer(Protocol):
    """Metrics and logs. Never fails, never sees personal data in the clear: it is given values that mask themselves."""

    def finished(self, entry: Entry, outcome: Outcome) -> None: ...

    def crashed(self, entry: Entry, fault: Exception) -> None:
        """Our own fault, not the world's: somebody must mend Ponte."""
        ...


class Engine(Protocol):
    """Wakes work up. The truth stays in the journal: a lost wake-up costs time, never a notification."""

    def wake(self, lane: Lane) -> None:
        """Work on this lane soon: never two workers on one lane, lanes of all installations in turn."""
        ...


class Fence(Protocol):
    """What protects one provider's ERP from us, and everybody else from a slow ERP."""

    def turn(self, operation: str) -> AbstractAsyncContextManager[None]:
        """Inside the block the ERP may be asked once. Waits for a place (so many at once, so many a minute), bounded by
        the caller's own deadline; `Unavailable("erp.circuit_open")` at once while this operation keeps failing.

        A block that ends in `Unavailable` counts as a failure of the ERP, any other end as a success.
        """
        ...

"""What the console reads of the past: types for its pages, and the port that gives them.

Lists come from columns that hold nothing personal; what is sealed is opened for one event at a time. All moments are
with their zone, all shares between 0 and 1, all times of the status card in milliseconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from application.ports import EffectState
from domain.action import Route
from domain.identifiers import ChatId, EffectKey, InstallationId, NotificationKey, Personal
from domain.notification import Notification
from domain.outcome import Outcome
from domain.trail import Step


class Group(StrEnum):
    ALL = "all"
    OK = "ok"
    """finished, and nothing failed"""
    FAILED = "failed"
    """it has a cause: the ERP, Huggy or Ponte failed"""
    WAITING = "waiting"


class Filters(Personal, frozen=True, kw_only=True):
    """What is set must all be true of an event."""

    safe = ("since", "until", "group", "outcome", "kind", "shell", "cause", "protocol")

    since: datetime | None = None
    until: datetime | None = None
    """not itself"""
    group: Group = Group.ALL
    outcome: str = ""
    kind: str = ""
    shell: str = ""
    """`chat` or `flow`"""
    cause: str = ""
    chat_id: str = ""
    protocol: str = ""
    document: str = ""
    """a whole CPF or CNPJ as typed, or its last two digits; anything else finds nothing"""


class Cursor(Struct, frozen=True, kw_only=True):
    """A place in a list: just before or after the event that it names."""

    at: int
    """microseconds since 1970"""
    seq: int

    def __str__(self) -> str:
        return f"{self.at}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """As written by `str`; None for anything else."""
        at, _, seq = text.partition("-")
        if not (at.isascii() and at.isdecimal() and seq.isascii() and seq.isdecimal()) or max(len(at), len(seq)) > 18:
            return None
        return cls(at=int(at), seq=int(seq))


class EventRow(Struct, frozen=True, kw_only=True):
    """One event in a list; nothing of it was sealed."""

    seq: int
    key: NotificationKey
    kind: str
    chat_id: ChatId
    shell: str
    accepted_at: datetime
    finished_at: datetime | None
    outcome: str | None
    """its tag; None: not concluded yet"""
    document: str | None
    """masked"""
    protocol: str | None
    flow: str | None
    """the key of the flow that was started, or how else it ended (`domain.trail.Ending`)"""
    cause: str | None
    """why it failed; None: it did not"""
    waiting: bool
    cursor: Cursor

    @property
    def took(self) -> timedelta | None:
        """From acknowledgement to the end."""
        return None if self.finished_at is None else self.finished_at - self.accepted_at


class Page(Struct, frozen=True, kw_only=True):
    """The newest first. `newer` and `older` lead to the pages beside it; None: there is none."""

    rows: tuple[EventRow, ...]
    newer: Cursor | None
    older: Cursor | None


class EffectRow(Struct, frozen=True, kw_only=True):
    key: EffectKey
    state: EffectState
    at: datetime


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at an event, with its steps."""

    number: int
    at: datetime
    steps: tuple[Step, ...]


class Event(Personal, frozen=True, kw_only=True):
    """Everything that is kept of one event."""

    safe = ("row",)

    row: EventRow
    notification: Notification
    raw: bytes
    """as Huggy sent it, with all that it holds of a person"""
    outcome: Outcome | None
    route: Route | None
    effects: tuple[EffectRow, ...]
    attempts: tuple[Attempt, ...]
    chain: tuple[EventRow, ...]
    """the event that was received, and each time it was sent again, in order; this one is among them"""


class Mark(Struct, frozen=True, kw_only=True):
    """Up to where a live view knows what happened; opaque to pages."""

    at: int
    told: tuple[int, ...]
    """of the newest, which may still be joined by others of the same moment"""
    waiting: tuple[int, ...]


class Changes(Struct, frozen=True, kw_only=True):
    """What is new or has gone on since a mark, oldest first; an event may come more than once."""

    rows: tuple[EventRow, ...]
    mark: Mark


class Health(Struct, frozen=True, kw_only=True):
    """An installation's figures for its status card; of the last 24 hours unless it says otherwise."""

    last_event_at: datetime | None
    """ever"""
    events: int
    failed: int
    success: float | None
    """of those that are finished; None: none is"""
    p50_ms: float | None
    p95_ms: float | None
    """from acknowledgement to the end, of the newest two thousand"""
    waiting: int
    """now"""
    oldest_waiting_at: datetime | None


class Glance(Struct, frozen=True, kw_only=True):
    """What of `Health` a card in a list of installations shows."""

    last_event_at: datetime | None
    success: float | None
    waiting: int


class Bucket(Struct, frozen=True, kw_only=True):
    start: datetime
    events: int
    failed: int


class ProblemGroup(Struct, frozen=True, kw_only=True):
    """Failed events of one cause."""

    cause: str
    count: int
    first_at: datetime
    last_at: datetime


class KeptUnknown(Struct, frozen=True, kw_only=True):
    """What Huggy sent and nobody understood: the first sample, redacted, and how often it came."""

    reason: str
    event: str
    occurrences: int
    sample: bytes
    first_at: datetime
    last_at: datetime


class FenceState(Struct, frozen=True, kw_only=True):
    """How one of an ERP's APIs is being asked."""

    api: str
    taken: int
    """calls under way, of all processes"""
    places: int
    open_circuits: tuple[str, ...]
    """operations that are not asked for a while, because they kept failing; as this process sees it"""


class History(Protocol):
    """May be asked on any event loop, and delays nobody who is being answered. `Unavailable`: it can't be read now."""

    async def events(
        self,
        installation_id: InstallationId,
        filters: Filters = Filters(),  # noqa: B008  # frozen
        *,
        older_than: Cursor | None = None,
        newer_than: Cursor | None = None,
        limit: int = 50,
    ) -> Page: ...

    async def event(self, installation_id: InstallationId, seq: int) -> Event | None: ...

    async def chain(self, installation_id: InstallationId, row: EventRow) -> Sequence[EventRow]:
        """As `Event.chain`, opening nothing."""
        ...

    async def changes(self, installation_id: InstallationId, after: Mark | None) -> Changes:
        """None: no rows, and the mark of now. A poll costs two short look-ups."""
        ...

    async def health(self, installation_id: InstallationId, now: datetime) -> Health: ...

    async def glances(
        self, installation_ids: Sequence[InstallationId], now: datetime
    ) -> Mapping[InstallationId, Glance]:
        """Of each of them, for little more than the price of one."""
        ...

    async def series(
        self, installation_id: InstallationId, *, start: datetime, width: timedelta, buckets: int
    ) -> Sequence[Bucket]:
        """So many buckets of equal width from `start` on, empty ones too."""
        ...

    async def problems(self, installation_id: InstallationId) -> Sequence[ProblemGroup]:
        """What failed last comes first."""
        ...

    async def unknown(self, installation_id: InstallationId) -> Sequence[KeptUnknown]:
        """What came last first."""
        ...


class Retention(Protocol):
    async def with_old(self, installation_ids: Sequence[InstallationId], before: datetime) -> Sequence[InstallationId]:
        """Those of them that keep something which one of the next two would take away."""
        ...

    async def forget_events(self, installation_id: InstallationId, before: datetime, *, most: int) -> int:
        """Takes away finished events that were accepted before, with effects and trails, the oldest first; how many."""
        ...

    async def forget_aside(self, installation_id: InstallationId, before: datetime, *, most: int) -> int:
        """Of what is kept besides the events and was over before (notices, problems, outages and whom they were told to,
        samples of what nobody understood): at most so many of each; how many of that of which most went."""
        ...

    async def forget_sessions(self, before: datetime, *, most: int) -> int:
        """Sessions of the console that ended before; how many."""
        ...

"""What the provider's people are told: problems as they are counted, notices as they are kept, and the post."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from domain.identifiers import InstallationId, Personal
from domain.installation import Installation
from domain.notice import Letter, Notice, NoticeKind
from domain.problem import Occurrences, Problem


class NewNotice(Personal, frozen=True, kw_only=True):
    """A notice to be kept."""

    safe: ClassVar[tuple[str, ...]] = ("installation_id", "kind", "cause", "created_at", "next_try_at")

    installation_id: InstallationId
    kind: NoticeKind
    cause: str
    letter: Letter
    created_at: datetime
    next_try_at: datetime | None
    """None: it is shown to those who look, and sent to nobody"""


class KeptNotice(NewNotice, frozen=True, kw_only=True):
    safe = ("id", *NewNotice.safe, "tries", "sent_at", "failure")

    id: int
    tries: int
    """how often sending was begun"""
    sent_at: datetime | None
    failure: str
    """the cause for which the last try failed; empty: none did"""


class Problems(Protocol):
    """What keeps failing, by provider and cause."""

    async def count(self, seen: Sequence[Occurrences]) -> None:
        """Adds what was seen to what is kept, as `domain.problem.recur` says; of installations that are gone, nothing."""
        ...

    async def open(self) -> Sequence[Problem]:
        """Those of all installations that go on."""
        ...

    async def settle(self, before: Problem, after: Problem, notice: NewNotice | None) -> bool:
        """Keeps how a problem stands after a review, and the notice, in one. False: another process was faster, or it
        recurred while it was being closed; then nothing is kept. Occurrences counted meanwhile stay."""
        ...

    async def of(self, installation_id: InstallationId) -> Sequence[Problem]:
        """Those that go on first, in each part the last to recur first."""
        ...

    async def mute(self, installation_id: InstallationId, cause: str, until: datetime | None) -> bool:
        """Until then nobody gets a mail about this cause; None: again from now on. False: it never happened here."""
        ...


class Notices(Protocol):
    """What the provider's people were told, and what still waits to be sent."""

    async def keep(self, notice: NewNotice) -> bool:
        """False: the digest of that day is kept already."""
        ...

    async def take(self, now: datetime, *, lease_s: float) -> KeptNotice | None:
        """One that is due, to be sent by the caller, with its try counted; nobody else gets it for `lease_s` seconds."""
        ...

    async def sent(self, notice: KeptNotice, at: datetime) -> None: ...

    async def failed(self, notice: KeptNotice, cause: str, next_try_at: datetime | None) -> None:
        """None: it is given up."""
        ...

    async def recent(
        self, installation_id: InstallationId, *, before_id: int | None = None, limit: int = 50
    ) -> Sequence[KeptNotice]:
        """The newest first; `before_id` goes on after an earlier page."""
        ...

    async def tally(self, installation_id: InstallationId, start: datetime, end: datetime) -> Mapping[str, int]:
        """How many notifications accepted from `start` until before `end` had which outcome, by its tag; under the
        empty tag those that have none yet."""
        ...


Write = Callable[[Notice, Installation], Letter]
"""A notice in Portuguese for a provider's admin, without personal data; total."""


class Post(Protocol):
    async def send(self, letter: Letter, *, reference: str) -> None:
        """Returns when the mail server has taken it. A second letter of the same reference can be told to be the same.

        `Unavailable` when it may be tried again, `Rejected` when that would change nothing.
        """
        ...

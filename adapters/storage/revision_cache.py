"""What everybody asks for all the time, in memory; a counter in the database tells when another process changed it."""

import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, Engine, Select
from sqlalchemy.exc import DBAPIError

from adapters.storage.waiting import failed_to_read
from application.ports import Clock

REST_S = 0.5
"""after a look that failed, so that those who queue up behind it are told so and do not each try for themselves"""


class Revised(Struct, frozen=True, kw_only=True):
    """What was read at a revision. The first one of a process stands for nothing read yet."""

    revision: int = -1


S = TypeVar("S", bound=Revised)


class _Look(NamedTuple):
    at: float
    after: object
    """the last change by this process that it is sure to have seen"""
    failed: bool


class RevisionCache(Generic[S]):
    """May be asked on any thread. One look at a time is taken, where the caller stands."""

    def __init__(
        self,
        reader: Engine,
        *,
        revision: Select[int],
        first: S,
        read: Callable[[Connection, int, S], S],
        clock: Clock,
        fresh_for_s: float,
    ) -> None:
        """`read` is asked for what stands at another revision, given what stood before. `fresh_for_s`: how long a change
        by another process may go unseen; this process's own are seen at once."""
        self._reader = reader
        self._revision = revision
        self._read = read
        self._clock = clock
        self._fresh_for_s = fresh_for_s
        self._lock = threading.Lock()
        self._kept = first
        self._last_change = object()
        self._last_look: _Look | None = None

    def current(self) -> S:
        """`Unavailable` when the database could not read; and whatever else `read` raises."""
        if (fresh := self.fresh()) is not None:
            return fresh
        with self._lock:
            return self._looked() if (fresh := self.fresh()) is None else fresh

    def fresh(self) -> S | None:
        """`current()` where that asks nobody, at once; else None."""
        look = self._known_look()
        is_fresh = look is not None and not look.failed and self._clock.monotonic() - look.at < self._fresh_for_s
        return self._kept if is_fresh else None

    def at_hand(self) -> S:
        """As last looked at; asks nobody."""
        return self._kept

    def outdated(self) -> None:
        """This process changed something: what is looked at from now on counts, and waits for nobody."""
        self._last_change = object()

    def _looked(self) -> S:
        look, now, change = self._known_look(), self._clock.monotonic(), self._last_change
        if look is not None and look.failed and now - look.at < REST_S:
            raise failed_to_read()
        try:
            with self._reader.connect() as connection:
                revision = int(connection.execute(self._revision).scalar_one())
                if revision != self._kept.revision:
                    self._kept = self._read(connection, revision, self._kept)
        except DBAPIError:
            self._last_look = _Look(self._clock.monotonic(), change, failed=True)
            raise failed_to_read() from None
        self._last_look = _Look(now, change, failed=False)
        return self._kept

    def _known_look(self) -> _Look | None:
        """None too when this process changed something since it began."""
        look = self._last_look
        return look if look is not None and look.after is self._last_change else None

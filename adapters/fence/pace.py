"""So many calls a minute, evenly.

In no span of less than a minute do more calls start than `per_minute`. A tenth of them, and at least one, may start at
once after a quiet time, so that a lone customer is not slowed down; the others follow one after each interval.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct


class Rhythm(Struct, frozen=True, kw_only=True):
    """What a number of calls a minute means."""

    interval_s: float
    ahead_s: float
    """how far the calls may run ahead of one each interval"""


def rhythm(per_minute: int) -> Rhythm:
    """For a number of at least one."""
    at_once = max(1, per_minute // 10)
    interval_s = 60 / (per_minute - at_once + 1)
    return Rhythm(interval_s=interval_s, ahead_s=(at_once - 1) * interval_s)


class Pace:
    """Gives starts in the order in which they are asked for; one that stops waiting uses none up. None: all at once."""

    def __init__(
        self, per_minute: int | None, *, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._line = asyncio.Lock()
        self._due = float("-inf")
        """when the next start is due at one each interval"""
        self.keep_to(per_minute)

    def keep_to(self, per_minute: int | None) -> None:
        """From now on; the starts that were given count, by the new pace."""
        self._rhythm = None if per_minute is None else rhythm(per_minute)
        if self._rhythm is not None:
            self._due = min(self._due, self._monotonic() + self._rhythm.ahead_s + self._rhythm.interval_s)

    async def start(self) -> None:
        """Returns when a call may start. Whoever waits when the pace changes looks at it at the end of that wait."""
        if self._rhythm is None:
            return
        async with self._line:
            while self._rhythm is not None:
                wait_s = self._due - self._rhythm.ahead_s - self._monotonic()
                if wait_s <= 0:
                    self._due = max(self._due, self._monotonic()) + self._rhythm.interval_s
                    return
                await self._sleep(wait_s)

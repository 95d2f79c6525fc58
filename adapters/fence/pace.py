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
    """Gives starts in the order in which they are asked for; one that stops waiting uses none up."""

    def __init__(
        self, per_minute: int, *, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._rhythm = rhythm(per_minute)
        self._monotonic = monotonic
        self._sleep = sleep
        self._line = asyncio.Lock()
        self._due = float("-inf")
        """when the next start is due at one each interval"""

    async def start(self) -> None:
        """Returns when a call may start."""
        async with self._line:
            while (wait_s := self._due - self._rhythm.ahead_s - self._monotonic()) > 0:
                await self._sleep(wait_s)
            self._due = max(self._due, self._monotonic()) + self._rhythm.interval_s

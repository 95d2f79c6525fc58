"""The way to a place at the ERP, past the circuit breaker; and away from it, where that is open.

When a circuit opens, all who wait are refused in the same moment, and everybody who comes after them. What they do then
(tell the customer, start the auxiliary flow) takes the processor from all other providers at once, so a crowd goes
away spread over a few seconds. A few who are refused go at once.
"""

import random
from collections import deque
from collections.abc import Awaitable, Callable

from adapters.fence.breaker import Breaker
from adapters.fence.line import Line
from application.failures import Unavailable

AT_ONCE = 8
"""so many lately are no crowd"""
EACH_S = 0.02
"""of spreading, for each more: fifty a second leave most of a processor to others"""
LATELY_S = 0.5
LONGEST_S = 3.0
"""a customer waits no longer for this"""

Sleep = Callable[[float], Awaitable[None]]


class GoingIn:
    """Of one fence. Used within one event loop."""

    def __init__(self, line: Line, *, monotonic: Callable[[], float], sleep: Sleep) -> None:
        self._line = line
        self._monotonic = monotonic
        self._sleep = sleep
        self._refused_at: deque[float] = deque()

    async def __call__(self, breaker: Breaker) -> None:
        """Returns with a place of the line taken; `Unavailable` without one, where the circuit is open."""
        try:
            breaker.refuse_if_open()
            await self._line.enter()
            self._look_again(breaker)
        except Unavailable:
            await self._spread()
            raise

    def _look_again(self, breaker: Breaker) -> None:
        """It may have opened meanwhile: whoever waited in vain must not hold up the others."""
        try:
            breaker.refuse_if_open()
        except Unavailable:
            self._line.leave()
            raise

    async def _spread(self) -> None:
        now = self._monotonic()
        while self._refused_at and now - self._refused_at[0] > LATELY_S:
            self._refused_at.popleft()
        self._refused_at.append(now)
        crowd = len(self._refused_at) - AT_ONCE
        if crowd > 0:
            await self._sleep(random.uniform(0, min(LONGEST_S, EACH_S * crowd)))  # noqa: S311  # guards nothing

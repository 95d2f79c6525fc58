"""The fence of one of a provider's APIs, within one process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from adapters.fence.breaker import Breakers
from adapters.fence.going_in import GoingIn, Sleep
from adapters.fence.line import Line
from adapters.fence.pace import Pace
from application.history import FenceState
from domain.identifiers import InstallationId


class LocalFence:
    """`application.ports.Fence`: of those who wait, the youngest has the next turn. Used within one event loop."""

    def __init__(
        self,
        *,
        concurrency: int,
        per_minute: int | None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._places = Line(max(1, concurrency))
        self._pace = Pace(_at_least_one(per_minute), monotonic=monotonic, sleep=sleep)
        self._breakers = Breakers(monotonic)
        self._go_in = GoingIn(self._places, monotonic=monotonic, sleep=sleep)

    def keep_to(self, *, concurrency: int, per_minute: int | None) -> None:
        """From now on; what is under way or has started counts."""
        self._places.resize(max(1, concurrency))
        self._pace.keep_to(_at_least_one(per_minute))

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[None]:
        breaker = self._breakers.of(operation)
        await self._go_in(breaker)
        try:
            await self._pace.start()
            with breaker.attempt():
                yield
        finally:
            self._places.leave()

    def state(self, api: str) -> FenceState:
        return FenceState(
            api=api, taken=self._places.taken, places=self._places.places, open_circuits=self._breakers.open_ones()
        )


def _at_least_one(per_minute: int | None) -> int | None:
    return None if per_minute is None else max(1, per_minute)


class LocalFences:
    """The fences of one process, each made when first asked for; the same names as those that processes share."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._made: dict[tuple[InstallationId, str], LocalFence] = {}
        """the one of each API"""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def fence(
        self, installation_id: InstallationId, api: str, *, concurrency: int, per_minute: int | None, call_s: float
    ) -> LocalFence:
        """Asked for again, it keeps to these numbers from then on."""
        made = self._made.get((installation_id, api))
        if made is None:
            made = self._made[installation_id, api] = LocalFence(
                concurrency=concurrency, per_minute=per_minute, monotonic=self._monotonic, sleep=self._sleep
            )
        else:
            made.keep_to(concurrency=concurrency, per_minute=per_minute)
        return made

    async def state(self, installation_id: InstallationId) -> Sequence[FenceState]:
        """Of each API that was asked in this process. May be asked on any event loop."""
        return [fence.state(api) for (of, api), fence in list(self._made.items()) if of == installation_id]

"""What is over goes when its installation has kept it for `keep_days`; sessions of the console when they are over."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from application.history import Retention
from application.ports import Clock, Installations

BATCH = 100
"""events in one transaction: a few milliseconds"""
PAUSE_S = 0.2
"""after each batch: whoever is being answered comes first"""


class ForgetOld:
    """One round over everything that is kept. Cut off anywhere, the next one goes on."""

    def __init__(
        self,
        *,
        installations: Installations,
        retention: Retention,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        batch: int = BATCH,
    ) -> None:
        self._installations = installations
        self._retention = retention
        self._clock = clock
        self._sleep = sleep
        self._batch = batch

    async def __call__(self) -> int:
        """How much went, at least."""
        now, gone = self._clock.now(), 0
        for installation in await self._installations.all():
            before = now - timedelta(days=installation.policies.keep_days)
            gone += await self._batches(partial(self._retention.forget_events, installation.id, before))
            gone += await self._batches(partial(self._retention.forget_aside, installation.id, before))
        return gone + await self._batches(partial(self._retention.forget_sessions, now))

    async def _batches(self, forget: Callable[..., Awaitable[int]]) -> int:
        gone = 0
        while True:
            count = await forget(most=self._batch)
            gone += count
            if count < self._batch:
                return gone
            await self._sleep(PAUSE_S)

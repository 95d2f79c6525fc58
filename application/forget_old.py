"""What is over goes when its installation has kept it for `keep_days`; sessions of the console when they are over."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from application.history import Retention
from application.ports import Clock, Installations
from domain.identifiers import InstallationId
from domain.installation import Installation

BATCH = 100
"""events in one transaction: a few milliseconds"""
LOOKED_AT_TOGETHER = 100
"""installations of which one question tells who keeps something old: mostly nobody does"""
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
        for keep_days, together in _together(await self._installations.all()):
            before = now - timedelta(days=keep_days)
            for installation_id in await self._retention.with_old(together, before):
                gone += await self._batches(partial(self._retention.forget_events, installation_id, before))
                gone += await self._batches(partial(self._retention.forget_aside, installation_id, before))
        return gone + await self._batches(partial(self._retention.forget_sessions, now))

    async def _batches(self, forget: Callable[..., Awaitable[int]]) -> int:
        gone = 0
        while True:
            count = await forget(most=self._batch)
            gone += count
            if count < self._batch:
                return gone
            await self._sleep(PAUSE_S)


def _together(installations: Sequence[Installation]) -> Iterator[tuple[int, Sequence[InstallationId]]]:
    """All of them, some with the same days at a time."""
    by_days: defaultdict[int, list[InstallationId]] = defaultdict(list)
    for installation in installations:
        by_days[installation.policies.keep_days].append(installation.id)
    for keep_days, ids in by_days.items():
        for start in range(0, len(ids), LOOKED_AT_TOGETHER):
            yield keep_days, ids[start : start + LOOKED_AT_TOGETHER]

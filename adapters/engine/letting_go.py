"""Lets those of this worker's installations go who wait in vain: evenly, and beside the work that others wait for."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Final

import structlog

from adapters.engine.claims import Claims, Crowd
from adapters.engine.last_calls import LastCalls
from adapters.engine.pace import GENTLY_S, LET_GO_S, SPREAD_S, Pace
from adapters.engine.steady_jobs import SteadyJobs
from adapters.engine.wake_ups import Claim
from domain.identifiers import InstallationId

LOOK_S: Final = 0.05
"""how often it is looked who waits in vain, while there are some"""
CALM_LOOK_S: Final = 0.25
"""and while others wait"""
STANDS_S: Final = 10.0
"""a line that does not move may only wait for its places: what a dead worker holds is taken over in less"""

log = structlog.get_logger()


def at_a_look(waiting: int, workers: int) -> int:
    """How many of so many who wait one of so many workers lets go at a look: few of a short line, so that others hardly
    notice, and as many as it can of a long one."""
    a_second = max(waiting / SPREAD_S, 1 / GENTLY_S) / workers
    return ceil(LOOK_S * min(a_second, 1 / LET_GO_S))


class LettingGo:
    """`attempt` is a last call of a lane; `ended` is told whose places are free again. Belongs to one event loop."""

    def __init__(
        self,
        *,
        jobs: SteadyJobs,
        claims: Claims,
        last_calls: LastCalls,
        attempt: Callable[[Claim], Awaitable[None]],
        ended: Callable[[InstallationId], None],
    ) -> None:
        self._jobs = jobs
        self._claims = claims
        self._last_calls = last_calls
        self._attempt = attempt
        self._ended = ended
        self._called = asyncio.Event()
        self._watched: set[InstallationId] = set()
        self._paces: dict[InstallationId, Pace] = {}
        """of those where somebody waits"""
        self._served_here: Counter[InstallationId] = Counter()
        self._busy: Counter[InstallationId] = Counter()
        self._at_work: set[asyncio.Task[None]] = set()
        self._done: list[Claim] = []
        """ended, and still recorded as being worked on"""
        self._next_look_at = 0.0
        self._most = at_a_look(0, workers=1)
        """at the next look, as the last one saw the lines"""
        self._stopped = False

    def look_at(self, installations: Collection[InstallationId]) -> None:
        """Something is in the inbox of these."""
        if installations:
            self._watched.update(installations)
            self._called.set()

    @contextmanager
    def serving(self, installation_id: InstallationId) -> Iterator[None]:
        """Ordinary work of this process: the pace of a line is that of the places which are left."""
        self._served_here[installation_id] += 1
        try:
            yield
        finally:
            self._served_here[installation_id] -= 1
            if not self._served_here[installation_id]:
                del self._served_here[installation_id]
            if pace := self._paces.get(installation_id):
                pace.served(time.monotonic())

    async def run(self) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                await self._record_ends()
                await self._look()
            except Exception as fault:  # noqa: BLE001  # who waits is in the inbox: the next sweep calls again
                log.warning("engine.letting_go_failed", error=type(fault.__cause__ or fault).__name__)
            await asyncio.sleep(LOOK_S)

    def stop(self) -> Collection[asyncio.Task[None]]:
        """Begins no more; returns what is at work."""
        self._stopped = True
        return set(self._at_work)

    async def close(self) -> None:
        """Records what ended meanwhile. What can't be recorded is seen to by others."""
        await self._record_ends()

    async def _look(self) -> None:
        """Claims some of those who wait in vain, and begins with them."""
        now = time.monotonic()
        free = min(self._last_calls.places - self._busy.total(), self._most)
        crowds = {each: crowd for each in sorted(self._watched) if (crowd := self._crowd(each, now)).places}
        if self._stopped or free < 1 or not crowds:
            return
        self._called.set()
        if now < self._next_look_at:
            return
        begun: list[Claim] = []

        async def claim(worker_id: int) -> Collection[int]:
            claimed = await self._claims.claim(crowds, most=free, worker_id=worker_id)
            self._watch(claimed.lines, now)
            self._most = at_a_look(sum(claimed.lines.values()), claimed.workers)
            begun.extend(claimed.claims)
            return [each.number for each in begun]

        await self._jobs.begin(claim)
        for each in begun:
            self._begin(each)
        self._next_look_at = now if begun else now + CALM_LOOK_S

    def _crowd(self, installation_id: InstallationId, now: float) -> Crowd:
        pace = self._paces.get(installation_id) if installation_id in self._served_here else None
        return Crowd(
            patience_s=self._last_calls.patience_s(installation_id),
            pace_s=pace.seconds_each(now) if pace else 0.0,
            places=max(self._last_calls.per_installation - self._busy[installation_id], 0),
        )

    def _watch(self, lines: Mapping[InstallationId, int], now: float) -> None:
        for installation_id, length in lines.items():
            if length:
                self._paces.setdefault(installation_id, Pace(now, stands_s=STANDS_S))
            else:
                self._paces.pop(installation_id, None)
                self._watched.discard(installation_id)

    def _begin(self, claim: Claim) -> None:
        self._busy[claim.lane.installation_id] += 1
        task = asyncio.create_task(self._run(claim))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _run(self, claim: Claim) -> None:
        try:
            await self._attempt(claim)
        finally:
            self._done.append(claim)
            self._called.set()

    async def _record_ends(self) -> None:
        done = list(self._done)
        if not done:
            return
        numbers = [each.number for each in done]
        if not await self._jobs.end(numbers):
            self._called.set()
            return
        del self._done[: len(done)]
        for each in done:
            self._busy[each.lane.installation_id] -= 1
            self._ended(each.lane.installation_id)
        self._busy += Counter()

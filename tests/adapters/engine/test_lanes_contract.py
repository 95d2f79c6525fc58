from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.engine.lanes import Lanes
from adapters.engine.last_calls import NEVER, LastCalls
from application.ports import Lane
from tests.contracts.engine import EngineContract, Opened, Work


class NoPost:
    """Lanes are woken by name alone."""

    async def deliver(self, *lanes: Lane, waited_s: float = 0.0) -> None:
        pass


class TestLanes(EngineContract):
    @asynccontextmanager
    async def open(
        self, work: Work, *, concurrency: int, per_installation: int, last_calls: LastCalls = NEVER
    ) -> AsyncIterator[Opened]:
        lanes = Lanes(work=work, last_calls=last_calls, concurrency=concurrency, per_installation=per_installation)
        yield lanes, NoPost()
        await lanes.stop(0)

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.engine.lanes import Lanes
from application.ports import Lane
from tests.contracts.engine import EngineContract, Opened, Work


class NoPost:
    """Lanes are woken by name alone."""

    async def deliver(self, *lanes: Lane) -> None:
        pass


class TestLanes(EngineContract):
    @asynccontextmanager
    async def open(self, work: Work, *, concurrency: int, per_installation: int) -> AsyncIterator[Opened]:
        lanes = Lanes(work=work, concurrency=concurrency, per_installation=per_installation)
        yield lanes, NoPost()
        await lanes.stop(0)

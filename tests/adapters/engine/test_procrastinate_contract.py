from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from adapters.engine.last_calls import NEVER, LastCalls
from adapters.engine.procrastinate_engine import ProcrastinateEngine
from tests.adapters.engine.postgres_post import opened_post
from tests.contracts.engine import EngineContract, Opened, Work


class TestProcrastinate(EngineContract):
    @pytest.fixture(autouse=True)
    def _given(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def open(
        self, work: Work, *, concurrency: int, per_installation: int, last_calls: LastCalls = NEVER
    ) -> AsyncIterator[Opened]:
        async with opened_post(self.url) as post:
            engine = ProcrastinateEngine(
                url=self.url,
                work=post.reading(work),
                last_calls=replace(last_calls, work=post.reading(last_calls.work)),
                concurrency=concurrency,
                per_installation=per_installation,
            )
            yield engine, post
            await engine.stop(0)

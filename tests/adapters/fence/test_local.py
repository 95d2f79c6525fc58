import pytest

from adapters.fence.local import LocalFence, LocalFences
from application.ports import Fence
from domain.identifiers import InstallationId
from tests.adapters.fence.hours import Hours
from tests.contracts.fence import FenceBench, FenceContract


class LocalBench(FenceBench):
    def __init__(self) -> None:
        self._hours = Hours()
        self._fences = LocalFences(monotonic=self._hours.monotonic, sleep=self._hours.sleep)

    def fence(self, *, concurrency: int, per_minute: int | None = None) -> Fence:
        return self._fences.fence(
            InstallationId("inst-1"), "pbx", concurrency=concurrency, per_minute=per_minute, call_s=8
        )

    async def let_pass(self, seconds: float) -> None:
        await self._hours.let_pass(seconds)

    async def until_asleep(self) -> None:
        await self._hours.until_asleep(1)


class TestLocalFence(FenceContract):
    @pytest.fixture
    def bench(self) -> LocalBench:
        return LocalBench()


@pytest.mark.parametrize("number", [0, -3])
async def test_numbers_below_one_let_nobody_wait_for_ever(number: int) -> None:
    fence = LocalFence(concurrency=number, per_minute=number)
    async with fence.turn("people"):
        pass

import asyncio
from collections.abc import Callable

import pytest

from application.failures import Unavailable
from entrypoints.notice_rounds import NoticeRounds
from entrypoints.steady_round import Round

WAIT_S = 10
SOON_S = 0.001


class Laps:
    """A round that says when three have been, and fails as it is told."""

    def __init__(self, *, fails: Callable[[], BaseException] | None = None) -> None:
        self.count = 0
        self.all_there = asyncio.Event()
        self._fails = fails

    async def __call__(self) -> None:
        self.count += 1
        if self.count == 3:
            self.all_there.set()
        if self._fails is not None:
            raise self._fails()


async def nothing() -> None:
    pass


async def test_each_round_comes_again_while_the_block_runs_and_not_after_it() -> None:
    one, other, last = Laps(), Laps(), Laps()
    async with asyncio.timeout(WAIT_S), NoticeRounds([(one, SOON_S), (other, SOON_S)], at_end=last).going():
        await one.all_there.wait()
        await other.all_there.wait()
        assert last.count == 0
    counts = one.count, other.count
    await asyncio.sleep(0)

    assert (one.count, other.count) == counts
    assert last.count == 1


@pytest.mark.parametrize("fails", [lambda: Unavailable("storage.failed"), lambda: ValueError("hunter2")])
async def test_a_round_that_fails_comes_again_and_holds_up_no_other(fails: Callable[[], BaseException]) -> None:
    broken, other = Laps(fails=fails), Laps()
    async with asyncio.timeout(WAIT_S), NoticeRounds([(broken, SOON_S), (other, SOON_S)], at_end=broken).going():
        await broken.all_there.wait()
        await other.all_there.wait()


async def test_at_the_end_a_round_that_runs_may_finish_and_one_that_hangs_is_cut_off() -> None:
    steps: list[str] = []
    begun = asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0)
        steps.append("finished")

    async def hanging() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("cut off")

    async def at_end() -> None:
        steps.append("end")

    rounds: list[tuple[Round, float]] = [(slow, WAIT_S), (hanging, WAIT_S)]
    async with asyncio.timeout(WAIT_S), NoticeRounds(rounds, at_end=at_end, grace_s=SOON_S).going():
        await begun.wait()

    assert steps == ["finished", "cut off", "end"]


async def test_the_rounds_stop_although_the_block_failed() -> None:
    last = Laps()
    with pytest.raises(LookupError):
        async with NoticeRounds([(nothing, WAIT_S)], at_end=last).going():
            raise LookupError

    assert last.count == 1

"""Work on a loop of its own, beside the one that serves."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import uvloop

from adapters.engine.lanes import Lanes
from application.ports import Lane
from domain.identifiers import ChatId, InstallationId
from entrypoints.work_thread import SWITCH_INTERVAL_S, working_in_thread
from entrypoints.worker import working

WAIT_S = 10
LANE = Lane(installation_id=InstallationId("provedor"), chat_id=ChatId("55501"))


class _Diary:
    """What was entered and left, and where."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.thread = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        self.steps.append("in")
        self.thread, self.loop = threading.get_ident(), asyncio.get_running_loop()
        try:
            yield
        finally:
            assert asyncio.get_running_loop() is self.loop
            self.steps.append("out")


async def test_work_is_entered_before_the_block_and_left_after_it() -> None:
    diary = _Diary()
    async with working_in_thread(diary.work, new_loop=asyncio.new_event_loop):
        assert diary.steps == ["in"]
    assert diary.steps == ["in", "out"]


async def test_work_has_a_thread_and_a_loop_of_its_own() -> None:
    diary = _Diary()
    async with working_in_thread(diary.work, new_loop=uvloop.new_event_loop):
        assert diary.thread != threading.get_ident()
        assert isinstance(diary.loop, uvloop.Loop)
        assert diary.loop is not asyncio.get_running_loop()
    assert diary.loop.is_closed()


async def test_a_busy_work_loop_does_not_hold_up_the_serving_one() -> None:
    serving_went_on = threading.Event()
    heard: list[bool] = []

    @asynccontextmanager
    async def busy() -> AsyncIterator[None]:
        asyncio.get_running_loop().call_soon(lambda: heard.append(serving_went_on.wait(WAIT_S)))
        yield

    async with working_in_thread(busy, new_loop=asyncio.new_event_loop):
        serving_went_on.set()
    assert heard == [True]


async def test_work_that_cannot_begin_fails_the_start() -> None:
    def broken() -> AbstractAsyncContextManager[None]:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with working_in_thread(broken, new_loop=asyncio.new_event_loop):
            pytest.fail("the block must not run")


async def test_work_that_cannot_end_in_peace_is_heard() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        yield
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with working_in_thread(broken, new_loop=asyncio.new_event_loop):
            pass


async def test_a_failure_of_the_block_still_ends_the_work() -> None:
    diary = _Diary()
    with pytest.raises(LookupError):
        async with working_in_thread(diary.work, new_loop=asyncio.new_event_loop):
            raise LookupError
    assert diary.steps == ["in", "out"]


async def test_threads_hand_over_quickly_while_there_is_work_and_as_before_afterwards() -> None:
    before = sys.getswitchinterval()
    async with working_in_thread(_Diary().work, new_loop=asyncio.new_event_loop):
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)
    assert sys.getswitchinterval() == before


async def test_lanes_that_the_serving_loop_wakes_are_worked_on_the_work_loop() -> None:
    serving = asyncio.get_running_loop()
    worked: asyncio.Future[int] = serving.create_future()

    async def work(lane: Lane) -> float | None:
        assert lane == LANE
        serving.call_soon_threadsafe(worked.set_result, threading.get_ident())
        return None

    async def unfinished() -> dict[Lane, float]:
        return {}

    lanes = Lanes(work=work)
    async with working_in_thread(lambda: working(unfinished, lanes), new_loop=asyncio.new_event_loop):
        lanes.wake(LANE)
        async with asyncio.timeout(WAIT_S):
            assert await worked != threading.get_ident()

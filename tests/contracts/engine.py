"""What an engine promises, whatever wakes the work up."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

import pytest

from adapters.engine.last_calls import NEVER, LastCalls
from adapters.engine.pace import LEARNS_S, LET_GO_S
from application.ports import Engine, Lane
from domain.identifiers import ChatId, InstallationId

Work = Callable[[Lane], Awaitable[float | None]]
WITHIN_S = 20.0
LONG_S = 3600.0


def lane(installation: str, chat: int = 1) -> Lane:
    return Lane(installation_id=InstallationId(installation), chat_id=ChatId(str(chat)))


async def eventually(condition: Callable[[], bool | Awaitable[bool]], within_s: float = WITHIN_S) -> None:
    """Returns as soon as the condition holds; fails when it does not within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not await _holds(condition):  # noqa: ASYNC110  # what it looks at tells nobody
                await asyncio.sleep(0.01)
    assert await _holds(condition), f"not within {within_s} s"


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer


class Workshop:
    """Work that lasts until the test ends it; remembers who started, in order."""

    def __init__(self) -> None:
        self.started: list[Lane] = []
        self.at_work: dict[Lane, asyncio.Future[float | None]] = {}

    async def work(self, lane: Lane) -> float | None:
        assert lane not in self.at_work, "two at once on one lane"
        self.started.append(lane)
        self.at_work[lane] = asyncio.get_running_loop().create_future()
        try:
            return await self.at_work[lane]
        finally:
            del self.at_work[lane]

    async def end(self, lane: Lane, result: float | BaseException | None = None) -> None:
        await eventually(lambda: lane in self.at_work)
        future = self.at_work[lane]
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
        await eventually(lambda: self.at_work.get(lane) is not future)

    async def end_next(self) -> None:
        await eventually(lambda: bool(self.at_work))
        await self.end(next(iter(self.at_work)))


class RunnableEngine(Engine, Protocol):
    def wake(self, lane: Lane, *, waited_s: float = 0.0) -> None: ...

    def start(self) -> None: ...

    async def stop(self, grace_s: float) -> None: ...


class Post(Protocol):
    """The back door: what `work` is to find is there before anybody is woken."""

    async def deliver(self, *lanes: Lane, waited_s: float = 0.0) -> None: ...


Opened = tuple[RunnableEngine, Post]


class EngineContract:
    """A subclass opens an engine that was not started; it is stopped when the block ends."""

    def open(
        self, work: Work, *, concurrency: int, per_installation: int, last_calls: LastCalls = NEVER
    ) -> AbstractAsyncContextManager[Opened]:
        raise NotImplementedError

    @pytest.fixture
    def shop(self) -> Workshop:
        return Workshop()

    @asynccontextmanager
    async def running(
        self, shop: Workshop, *, concurrency: int = 4, per_installation: int = 4
    ) -> AsyncIterator[Opened]:
        async with self.open(shop.work, concurrency=concurrency, per_installation=per_installation) as (engine, post):
            engine.start()
            yield engine, post

    async def test_a_woken_lane_is_worked_on(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await shop.end(lane("a"))

        assert shop.started == [lane("a")]

    async def test_a_lane_woken_before_the_start_is_worked_on_after_it(self, shop: Workshop) -> None:
        async with self.open(shop.work, concurrency=4, per_installation=4) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            engine.start()
            await shop.end(lane("a"))

        assert shop.started == [lane("a")]

    async def test_what_arrives_during_work_means_one_more_run_after_it(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await eventually(lambda: lane("a") in shop.at_work)
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            engine.wake(lane("a"))
            await post.deliver(lane("b"))
            engine.wake(lane("b"))
            await shop.end(lane("b"))  # so that the wakes of `a` were seen too
            assert shop.started.count(lane("a")) == 1

            await shop.end(lane("a"))
            await shop.end(lane("a"))
            await post.deliver(lane("c"))
            engine.wake(lane("c"))
            await shop.end(lane("c"))
            assert shop.started.count(lane("a")) == 2

    async def test_no_more_lanes_of_one_installation_are_at_work_than_its_places(self, shop: Workshop) -> None:
        async with self.running(shop, concurrency=8, per_installation=2) as (engine, post):
            chats = [lane("storm", chat) for chat in range(9)]
            await post.deliver(*chats)
            for chat in chats:
                engine.wake(chat)
            while len(shop.started) < len(chats):
                await shop.end_next()
                assert len(shop.at_work) <= 2

    async def test_a_storm_of_one_installation_lets_the_others_take_their_turns(self, shop: Workshop) -> None:
        async with self.open(shop.work, concurrency=1, per_installation=3) as (engine, post):
            storm = [lane("storm", chat) for chat in range(40)]
            others = [lane("quiet"), lane("calm")]
            await post.deliver(*storm, *others)
            for each in [*storm, *others]:
                engine.wake(each)
            engine.start()
            while not set(others) <= set(shop.started):
                await shop.end_next()

            assert len(shop.started) <= 3 + len(others) + 1

    async def test_of_the_chats_of_an_installation_that_wait_the_youngest_is_next(self, shop: Workshop) -> None:
        async with self.open(shop.work, concurrency=1, per_installation=1) as (engine, post):
            chats = [lane("a", chat) for chat in (3, 1, 4, 2, 5)]
            await post.deliver(*chats)
            for chat in chats:
                engine.wake(chat)
            engine.start()
            for _ in chats:
                await shop.end_next()

        assert shop.started == chats[::-1]

    async def test_those_who_waited_too_long_get_a_last_call_beside_the_work_oldest_first(self, shop: Workshop) -> None:
        desk = Workshop()
        last_calls = LastCalls(work=desk.work, patience_s=lambda _: LONG_S, places=1, per_installation=1)
        async with self.open(shop.work, concurrency=4, per_installation=1, last_calls=last_calls) as (engine, post):
            overdue = [lane("a", chat) for chat in (3, 1, 2)]
            await post.deliver(*overdue, waited_s=LONG_S)
            await post.deliver(lane("a", 4), lane("a", 5))
            for each in overdue:
                engine.wake(each, waited_s=LONG_S)
            engine.wake(lane("a", 4))
            engine.wake(lane("a", 5))
            engine.start()
            await eventually(lambda: lane("a", 5) in shop.at_work)
            for each in overdue:
                await desk.end(each)
            await shop.end(lane("a", 5))
            await shop.end(lane("a", 4))

        assert desk.started == overdue
        assert shop.started == [lane("a", 5), lane("a", 4)]

    async def test_the_oldest_of_a_line_that_is_too_long_get_last_calls_at_once(self, shop: Workshop) -> None:
        desk = Workshop()
        last_calls = LastCalls(work=desk.work, patience_s=lambda _: WITHIN_S, places=2, per_installation=2)
        async with self.open(shop.work, concurrency=4, per_installation=1, last_calls=last_calls) as (engine, post):
            crowd = [lane("storm", chat) for chat in range(int(WITHIN_S / LET_GO_S) + 10)]
            await post.deliver(*crowd, lane("quiet"))
            for each in [*crowd, lane("quiet")]:
                engine.wake(each)
            engine.start()
            await shop.end(lane("quiet"))
            await eventually(lambda: len(desk.at_work) == 2)

        assert desk.started[:2] == crowd[:2]
        assert shop.started.count(crowd[-1]) == 1

    async def test_the_oldest_of_a_short_line_get_last_calls_when_it_does_not_move(self, shop: Workshop) -> None:
        desk = Workshop()
        waiting = 20
        patience_s = LEARNS_S * (waiting - 2)
        last_calls = LastCalls(work=desk.work, patience_s=lambda _: patience_s, places=2, per_installation=2)
        async with self.open(shop.work, concurrency=4, per_installation=1, last_calls=last_calls) as (engine, post):
            crowd = [lane("storm", chat) for chat in range(1 + waiting)]
            await post.deliver(*crowd)
            for each in crowd:
                engine.wake(each)
            engine.start()
            await eventually(lambda: len(desk.at_work) == 2)

        assert desk.started[:2] == crowd[:2]

    async def test_work_that_asks_for_a_rest_is_woken_again_after_it(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await shop.end(lane("a"), 0.05)
            await shop.end(lane("a"))

        assert shop.started == [lane("a")] * 2

    async def test_a_rest_lasts_while_others_work(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            engine.wake(lane("a", 1))  # before there is anything to find: work that begins before a wake is done again
            await post.deliver(lane("a", 1))
            await shop.end(lane("a", 1), LONG_S)
            await post.deliver(lane("a", 2), lane("b"))
            for other in (lane("a", 2), lane("b")):
                engine.wake(other)
                await shop.end(other)

        assert shop.started.count(lane("a", 1)) == 1

    async def test_who_rests_takes_no_place(self, shop: Workshop) -> None:
        async with self.running(shop, per_installation=1) as (engine, post):
            engine.wake(lane("a", 1))
            await post.deliver(lane("a", 1))
            await shop.end(lane("a", 1), LONG_S)
            await post.deliver(lane("a", 2))
            engine.wake(lane("a", 2))
            await shop.end(lane("a", 2))

    async def test_a_wake_ends_a_rest(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await shop.end(lane("a"), LONG_S)
            engine.wake(lane("a"))
            await shop.end(lane("a"))

    async def test_a_wake_during_work_comes_before_the_rest_that_the_work_asks_for(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await eventually(lambda: lane("a") in shop.at_work)
            engine.wake(lane("a"))
            await post.deliver(lane("b"))
            engine.wake(lane("b"))
            await shop.end(lane("b"))  # so that the wake of `a` was seen too
            await shop.end(lane("a"), LONG_S)
            await shop.end(lane("a"))

    @pytest.mark.parametrize("fault", [RuntimeError(), asyncio.CancelledError()], ids=["fails", "is cancelled"])
    async def test_work_that_ends_badly_is_tried_again(self, shop: Workshop, fault: BaseException) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await shop.end(lane("a"), fault)
            await shop.end(lane("a"))

        assert shop.started == [lane("a")] * 2

    async def test_wakes_from_other_threads_all_arrive(self, shop: Workshop) -> None:
        lanes = [lane(installation, chat) for installation in "abcd" for chat in range(10)]
        async with self.running(shop, concurrency=40, per_installation=10) as (engine, post):
            await post.deliver(*lanes)
            together = threading.Barrier(4)

            def knock(part: list[Lane]) -> None:
                together.wait()
                for each in part:
                    engine.wake(each)

            await asyncio.gather(*(asyncio.to_thread(knock, lanes[start::4]) for start in range(4)))
            await eventually(lambda: set(shop.at_work) == set(lanes))

    async def test_stopping_waits_for_work_within_the_grace(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await eventually(lambda: lane("a") in shop.at_work)
            stopping = asyncio.create_task(engine.stop(60))
            await shop.end(lane("a"))
            await stopping

        assert shop.started == [lane("a")]

    async def test_stopping_cancels_work_that_outlives_the_grace(self, shop: Workshop) -> None:
        async with self.running(shop) as (engine, post):
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await eventually(lambda: lane("a") in shop.at_work)

            await engine.stop(0)

            assert shop.at_work == {}

    async def test_nothing_begins_once_it_stops(self, shop: Workshop) -> None:
        async with self.running(shop, concurrency=1) as (engine, post):
            await post.deliver(lane("runs"), lane("waits"))
            engine.wake(lane("runs"))
            await eventually(lambda: lane("runs") in shop.at_work)
            engine.wake(lane("waits"))
            stopping = asyncio.create_task(engine.stop(60))
            await asyncio.sleep(0)
            await post.deliver(lane("late"))
            engine.wake(lane("late"))
            await shop.end(lane("runs"))
            await stopping

        assert shop.started == [lane("runs")]

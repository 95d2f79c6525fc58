import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.engine.lanes import LET_GO_AT_A_LOOK, LONGEST_RETRY_S, LOOK_S, Lanes
from adapters.engine.last_calls import LastCalls
from application.ports import Engine, Lane
from domain.identifiers import ChatId, InstallationId


def lane(installation: str, chat: int = 1) -> Lane:
    return Lane(installation_id=InstallationId(installation), chat_id=ChatId(str(chat)))


class HandTimer:
    """Rings when the test says so."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], None]]] = []
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Rings once whatever is set."""
        self.now += seconds
        for _ in tuple(self.set):
            self.ring()

    def __call__(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        alarm = (delay_s, call)
        self.set.append(alarm)
        return lambda: self.set.remove(alarm)

    def ring(self) -> float:
        delay_s, call = self.set.pop(0)
        call()
        return delay_s


class Workshop:
    """Work that lasts until the test ends it; remembers who started, in order."""

    def __init__(self) -> None:
        self.started: list[Lane] = []
        self.at_work: dict[Lane, asyncio.Future[float | None]] = {}
        self.most_at_once = 0

    async def work(self, lane: Lane) -> float | None:
        assert lane not in self.at_work, "two at once on one lane"
        self.started.append(lane)
        self.at_work[lane] = asyncio.get_running_loop().create_future()
        self.most_at_once = max(self.most_at_once, len(self.at_work))
        try:
            return await self.at_work[lane]
        finally:
            del self.at_work[lane]

    async def end(self, lane: Lane, result: float | BaseException | None = None) -> None:
        future = self.at_work[lane]
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
        await settle()

    async def end_oldest(self) -> None:
        await self.end(next(iter(self.at_work)))


async def settle() -> None:
    """Lets every callback that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


@pytest.fixture
def timer() -> HandTimer:
    return HandTimer()


@pytest.fixture
async def lanes(shop: Workshop, timer: HandTimer) -> AsyncIterator[Lanes]:
    lanes = Lanes(work=shop.work, concurrency=2, per_installation=2, timer=timer)
    lanes.start()
    yield lanes
    await lanes.stop(0)


def test_lanes_are_an_engine(shop: Workshop) -> None:
    engine: Engine = Lanes(work=shop.work)

    engine.wake(lane("a"))


async def test_a_woken_lane_is_worked_on(lanes: Lanes, shop: Workshop) -> None:
    lanes.wake(lane("a"))
    await settle()

    assert shop.started == [lane("a")]


async def test_a_lane_woken_before_the_start_is_worked_on_after_it(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work)
    lanes.wake(lane("a"))
    lanes.start()
    await settle()

    assert shop.started == [lane("a")]
    await lanes.stop(0)


async def test_wakes_during_work_mean_one_more_run_after_it(lanes: Lanes, shop: Workshop) -> None:
    lanes.wake(lane("a"))
    await settle()
    lanes.wake(lane("a"))
    lanes.wake(lane("a"))
    await settle()
    assert len(shop.started) == 1

    await shop.end(lane("a"))
    assert len(shop.started) == 2

    await shop.end(lane("a"))
    assert len(shop.started) == 2


async def test_a_storm_of_one_installation_lets_the_others_take_their_turns(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work, concurrency=1)
    for chat in range(50):
        lanes.wake(lane("storm", chat))
    lanes.wake(lane("quiet", 1))
    lanes.wake(lane("calm", 1))
    lanes.wake(lane("quiet", 2))
    lanes.start()
    for _ in range(6):
        await settle()
        await shop.end_oldest()

    assert [at.installation_id for at in shop.started[:6]] == ["storm", "quiet", "calm", "storm", "quiet", "storm"]
    await lanes.stop(0)


async def test_one_installation_never_takes_more_than_its_share(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work, concurrency=10, per_installation=3)
    lanes.start()
    for chat in range(8):
        lanes.wake(lane("storm", chat))
    lanes.wake(lane("quiet"))
    await settle()

    assert Counter(at.installation_id for at in shop.at_work) == {"storm": 3, "quiet": 1}

    await shop.end(lane("storm", 0))
    assert lane("storm", 7) in shop.at_work
    await lanes.stop(0)


async def test_work_that_asks_for_a_rest_is_woken_again_after_it(
    lanes: Lanes, shop: Workshop, timer: HandTimer
) -> None:
    lanes.wake(lane("a"))
    await settle()
    await shop.end(lane("a"), 7.5)
    assert len(shop.started) == 1

    assert timer.ring() == 7.5
    await settle()
    assert len(shop.started) == 2


async def test_a_wake_ends_a_rest(lanes: Lanes, shop: Workshop, timer: HandTimer) -> None:
    lanes.wake(lane("a"))
    await settle()
    await shop.end(lane("a"), 7.5)
    lanes.wake(lane("a"))
    await settle()

    assert len(shop.started) == 2
    assert timer.set == []


async def test_failing_work_is_tried_again_ever_later_up_to_a_bound(
    lanes: Lanes, shop: Workshop, timer: HandTimer
) -> None:
    lanes.wake(lane("a"))
    await settle()
    rests: list[float] = []
    for _ in range(9):
        await shop.end(lane("a"), RuntimeError())
        rests.append(timer.ring())
        await settle()

    assert rests[:4] == [1, 2, 4, 8]
    assert rests[-1] == LONGEST_RETRY_S == max(rests)


async def test_success_forgets_earlier_failures(lanes: Lanes, shop: Workshop, timer: HandTimer) -> None:
    lanes.wake(lane("a"))
    await settle()
    for ending in (RuntimeError(), RuntimeError(), 3.0, RuntimeError()):
        await shop.end(lane("a"), ending)
        last = timer.ring()
        await settle()

    assert last == 1


async def test_work_whose_own_task_was_cancelled_is_not_forgotten(
    lanes: Lanes, shop: Workshop, timer: HandTimer
) -> None:
    lanes.wake(lane("a"))
    await settle()
    await shop.end(lane("a"), asyncio.CancelledError())

    timer.ring()
    await settle()
    assert len(shop.started) == 2


async def test_a_failure_is_logged_without_its_words(lanes: Lanes, shop: Workshop) -> None:
    lanes.wake(lane("a"))
    await settle()
    with capture_logs() as logs:
        await shop.end(lane("a"), ValueError("cpf 529.982.247-25"))

    assert logs[0]["error"] == "ValueError"
    assert logs[0]["at"].startswith("test_lanes.py:")
    assert "529" not in repr(logs)


async def test_stopping_waits_for_work_within_the_grace(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work)
    lanes.start()
    lanes.wake(lane("a"))
    await settle()

    stopping = asyncio.create_task(lanes.stop(60))
    await settle()
    assert not stopping.done()
    await shop.end(lane("a"))
    await stopping
    assert shop.at_work == {}


async def test_stopping_cancels_work_that_outlives_the_grace(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work)
    lanes.start()
    lanes.wake(lane("a"))
    await settle()

    await lanes.stop(0)

    assert shop.at_work == {}


async def test_nothing_begins_once_it_stops(shop: Workshop, timer: HandTimer) -> None:
    lanes = Lanes(work=shop.work, concurrency=1, timer=timer)
    lanes.start()
    lanes.wake(lane("rests"))
    await settle()
    await shop.end(lane("rests"), 5)
    lanes.wake(lane("runs"))
    lanes.wake(lane("waits"))
    await settle()
    lanes.wake(lane("runs"))

    stopping = asyncio.create_task(lanes.stop(60))
    await settle()
    lanes.wake(lane("late"))
    await shop.end(lane("runs"))
    await stopping

    assert shop.started == [lane("rests"), lane("runs")]
    assert timer.set == []


async def test_wakes_from_other_threads_all_arrive(shop: Workshop) -> None:
    lanes = Lanes(work=shop.work, concurrency=1000, per_installation=1000)
    lanes.start()
    together = threading.Barrier(4)

    def knock(installation: str) -> None:
        together.wait()
        for chat in range(50):
            lanes.wake(lane(installation, chat))

    await asyncio.gather(*(asyncio.to_thread(knock, name) for name in "abcd"))
    await settle()

    assert len(shop.started) == 200
    await lanes.stop(0)


# --- the line ---------------------------------------------------------------------------------------------------------


class Crowd:
    """One place for work, and last calls."""

    def __init__(self, timer: HandTimer, *, patience_s: float = 2.0, places: int = 1, of_one: int = 1) -> None:
        self.shop, self.last_calls = Workshop(), Workshop()
        self.timer = timer
        self.lanes = Lanes(
            work=self.shop.work,
            last_calls=LastCalls(
                work=self.last_calls.work, patience_s=lambda _: patience_s, places=places, per_installation=of_one
            ),
            concurrency=1,
            timer=timer,
            monotonic=timer.monotonic,
        )
        self.lanes.start()

    async def come(self, *chats: int, installation: str = "storm") -> None:
        for chat in chats:
            self.lanes.wake(lane(installation, chat))
        await settle()

    async def pass_by(self, seconds: float) -> None:
        self.timer.pass_by(seconds)
        await settle()


@pytest.fixture
async def crowd(timer: HandTimer) -> AsyncIterator[Crowd]:
    crowd = Crowd(timer)
    yield crowd
    await crowd.lanes.stop(0)


async def test_a_free_place_goes_to_the_youngest_who_waits(crowd: Crowd) -> None:
    await crowd.come(0, 1, 2, 3)
    for _ in range(4):
        await crowd.shop.end_oldest()

    assert crowd.shop.started == [lane("storm", chat) for chat in (0, 3, 2, 1)]


async def test_those_who_waited_too_long_get_a_last_call_oldest_first(crowd: Crowd) -> None:
    await crowd.come(0, 1, 2, 3)
    await crowd.pass_by(1.9)
    assert crowd.last_calls.started == []

    await crowd.pass_by(0.1)
    assert crowd.last_calls.started == [lane("storm", 1)]
    await crowd.last_calls.end_oldest()
    await crowd.pass_by(LOOK_S)
    assert crowd.last_calls.started == [lane("storm", 1), lane("storm", 2)]
    assert crowd.shop.started == [lane("storm", 0)]


async def test_who_came_later_is_not_let_go_with_those_who_waited_too_long(crowd: Crowd) -> None:
    await crowd.come(0, 1)
    await crowd.pass_by(1)
    await crowd.come(2)
    await crowd.pass_by(1)
    await crowd.last_calls.end_oldest()
    await crowd.pass_by(LOOK_S)
    assert crowd.last_calls.started == [lane("storm", 1)]

    await crowd.shop.end_oldest()
    assert crowd.shop.started == [lane("storm", 0), lane("storm", 2)]


async def test_those_whose_turn_would_come_too_late_are_let_go_before(timer: HandTimer) -> None:
    crowd = Crowd(timer, patience_s=17.0, places=2, of_one=2)
    await crowd.come(*range(40))
    for _ in range(2):  # one a second
        await crowd.pass_by(1)
        await crowd.shop.end_oldest()
    assert crowd.last_calls.started == []

    await crowd.pass_by(1)
    assert crowd.last_calls.started == [lane("storm", 1), lane("storm", 2)]
    await crowd.lanes.stop(0)


async def test_last_calls_are_made_evenly_and_not_in_a_burst(timer: HandTimer) -> None:
    crowd = Crowd(timer, places=1000, of_one=1000)
    await crowd.come(*range(100))
    await crowd.pass_by(2)
    assert len(crowd.last_calls.started) == LET_GO_AT_A_LOOK

    await crowd.pass_by(LOOK_S)
    assert len(crowd.last_calls.started) == 2 * LET_GO_AT_A_LOOK
    await crowd.lanes.stop(0)


async def test_last_calls_take_no_place_from_work_and_work_none_from_them(crowd: Crowd) -> None:
    await crowd.come(0, 1, 2)
    await crowd.pass_by(2)
    await crowd.come(3)
    await crowd.shop.end_oldest()

    assert list(crowd.shop.at_work) == [lane("storm", 3)]
    assert list(crowd.last_calls.at_work) == [lane("storm", 1)]


async def test_last_calls_go_to_the_installations_in_turn(timer: HandTimer) -> None:
    crowd = Crowd(timer, places=3, of_one=2)
    await crowd.come(0, 1, 2, 3)
    await crowd.come(1, 2, installation="squall")
    await crowd.pass_by(2)
    assert list(crowd.last_calls.at_work) == [lane("storm", 1), lane("squall", 1), lane("storm", 2)]

    await crowd.last_calls.end_oldest()
    await crowd.pass_by(LOOK_S)
    assert list(crowd.last_calls.at_work) == [lane("squall", 1), lane("storm", 2), lane("squall", 2)]
    await crowd.lanes.stop(0)


async def test_what_had_waited_before_the_start_is_let_go_as_soon_as_its_time_is_over(crowd: Crowd) -> None:
    await crowd.come(0)
    crowd.lanes.wake(lane("storm", 1), waited_s=1.9)
    await crowd.come(2)
    await crowd.pass_by(0.1)

    assert crowd.last_calls.started == [lane("storm", 1)]


async def test_a_last_call_that_asks_for_a_rest_is_woken_for_work_after_it(crowd: Crowd) -> None:
    await crowd.come(0, 1)
    await crowd.pass_by(2)
    await crowd.last_calls.end(lane("storm", 1), 5.0)
    await crowd.shop.end_oldest()
    await crowd.pass_by(5)

    assert crowd.shop.started == [lane("storm", 0), lane("storm", 1)]


async def test_nothing_is_looked_for_while_nobody_waits(crowd: Crowd) -> None:
    await crowd.come(0)
    assert crowd.timer.set == []

    await crowd.come(1)
    assert len(crowd.timer.set) == 1
    await crowd.shop.end_oldest()
    await crowd.pass_by(LOOK_S)
    assert crowd.timer.set == []


def test_a_bound_below_one_is_refused(shop: Workshop) -> None:
    with pytest.raises(ValueError, match="never work"):
        Lanes(work=shop.work, concurrency=0)


Step = tuple[str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["wake", "wake", "end", "fail", "rest", "ring", "let go"]), st.integers(0, 11)),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps, concurrency=st.integers(1, 4), share=st.integers(1, 3))
def test_whatever_happens_no_lane_runs_twice_at_once_and_none_is_forgotten(
    steps: list[Step], concurrency: int, share: int
) -> None:
    asyncio.run(_play(steps, concurrency, share))


async def _play(steps: list[Step], concurrency: int, share: int) -> None:
    shop, timer = Workshop(), HandTimer()  # the workshop itself fails when a lane runs twice at once
    last_calls = LastCalls(work=shop.work, patience_s=lambda _: 2.5, places=concurrency, per_installation=share)
    lanes = Lanes(
        work=shop.work,
        last_calls=last_calls,
        concurrency=concurrency,
        per_installation=share,
        timer=timer,
        monotonic=timer.monotonic,
    )
    lanes.start()
    owed: set[Lane] = set()
    """lanes that were woken, rested or failed, and have not begun since"""

    def begun(since: int) -> None:
        owed.difference_update(shop.started[since:])

    async def step(what: str, which: int) -> None:
        seen = len(shop.started)
        running = list(shop.at_work)
        at = running[which % len(running)] if running else None
        match what:
            case "let go":
                timer.pass_by(1.0)
            case "wake":
                at = lane("abc"[which % 3], which // 3)
                owed.add(at)
                lanes.wake(at)
            case "ring" if timer.set:
                timer.ring()
            case "rest" | "fail" if at:
                owed.add(at)
                await shop.end(at, 1.0 if what == "rest" else RuntimeError())
            case "end" if at:
                await shop.end(at)
        await settle()
        begun(seen)
        assert len(shop.at_work) <= 2 * concurrency
        assert all(n <= 2 * share for n in Counter(at.installation_id for at in shop.at_work).values())

    with capture_logs():
        for what, which in steps:
            await step(what, which)
        while shop.at_work or timer.set:
            await step("let go" if timer.set else "end", 0)
            await step("end", 0)
    assert owed == set()
    await lanes.stop(0)

"""What `application.ports.Fence` promises. Subclasses bring a `bench` fixture."""

import asyncio
from abc import abstractmethod
from typing import Protocol

import pytest

from adapters.fence.breaker import FAILURES_IN_A_ROW, FIRST_COOL_DOWN_S, HANGS_AFTER_S
from application.failures import InDoubt, Rejected, Unavailable
from application.ports import Fence


class FenceBench(Protocol):
    """Fences whose time passes when the test says so."""

    @abstractmethod
    def fence(self, *, concurrency: int, per_minute: int | None = None) -> Fence:
        """The fence of one API, always the same one: asked for again, it keeps to these numbers from then on."""

    @abstractmethod
    async def let_pass(self, seconds: float) -> None: ...

    @abstractmethod
    async def until_asleep(self) -> None:
        """Somebody waits for time to pass."""


class Visit:
    """One turn, held until it is told how to end."""

    def __init__(self, fence: Fence, operation: str = "people") -> None:
        self._entered = asyncio.Event()
        self._end = asyncio.Event()
        self._failure: Exception | None = None
        self.task = asyncio.create_task(self._run(fence, operation))

    async def _run(self, fence: Fence, operation: str) -> None:
        async with fence.turn(operation):
            self._entered.set()
            await self._end.wait()
            if self._failure is not None:
                raise self._failure

    @property
    def is_inside(self) -> bool:
        return self._entered.is_set()

    async def inside(self) -> None:
        """Returns once it has its turn; raises what kept it out."""
        entered = asyncio.create_task(self._entered.wait())
        await asyncio.wait((entered, self.task), return_when=asyncio.FIRST_COMPLETED)
        if not entered.done():
            entered.cancel()
            await self.task

    async def end(self, failure: Exception | None = None) -> None:
        self._failure = failure
        self._end.set()
        await asyncio.wait((self.task,))

    async def give_up(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))


async def call(fence: Fence, operation: str = "people", failure: Exception | None = None) -> None:
    """One turn that ends as told; raises what kept it out."""
    visit = Visit(fence, operation)
    await visit.inside()
    await visit.end(failure)
    if not visit.task.cancelled():
        visit.task.exception()


async def fail(fence: Fence, times: int, operation: str = "people") -> None:
    for _ in range(times):
        await call(fence, operation, InDoubt("erp.timeout"))


async def refused(fence: Fence, operation: str = "people") -> None:
    with pytest.raises(Unavailable) as caught:
        await call(fence, operation)
    assert (type(caught.value), caught.value.cause) == (Unavailable, "erp.circuit_open")


async def kept_out(visit: Visit) -> None:
    """It has had time enough to get a turn, and did not."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(visit.task), 0.05)
    assert not visit.is_inside


class FenceContract:
    async def test_as_many_as_there_are_places_are_inside_at_once_and_never_more(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=3)
        inside = most = 0
        full = asyncio.Event()

        async def ask(operation: str) -> None:
            nonlocal inside, most
            async with fence.turn(operation):
                inside += 1
                most = max(most, inside)
                if inside == 3:
                    full.set()
                await full.wait()
                inside -= 1

        await asyncio.gather(*(ask(operation) for operation in ("people", "titles", "contracts") for _ in range(5)))
        assert most == 3

    async def test_of_those_who_wait_the_youngest_has_the_next_turn(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        holder = Visit(fence)
        await holder.inside()
        order: list[int] = []

        async def ask(number: int) -> None:
            async with fence.turn(f"operation {number}"):
                order.append(number)

        waiting = [asyncio.create_task(ask(number)) for number in range(12)]
        await asyncio.sleep(0)
        await holder.end()
        await asyncio.gather(*waiting)
        assert order == list(range(12))[::-1]

    async def test_what_was_begun_goes_on_before_what_has_not_begun(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        begun = Visit(fence)
        await begun.inside()
        crowd = [Visit(fence) for _ in range(3)]
        await asyncio.sleep(0)
        second = Visit(fence, "titles")
        await asyncio.sleep(0)
        await begun.end()
        await second.inside()
        assert not any(visit.is_inside for visit in crowd)
        await second.end()
        for visit in crowd[::-1]:
            await visit.inside()
            await visit.end()

    async def test_however_a_turn_ends_its_place_is_free_again(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        for failure in (None, Unavailable("erp.timeout"), Rejected("erp.refused"), ZeroDivisionError()):
            await call(fence, failure=failure)
        visit = Visit(fence)
        await visit.inside()
        await visit.give_up()
        await call(fence)

    async def test_one_that_stops_waiting_takes_no_place_and_fails_nothing(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        holder = Visit(fence)
        await holder.inside()
        waiting = [Visit(fence) for _ in range(2 * FAILURES_IN_A_ROW)]
        last = Visit(fence)
        await bench.let_pass(2 * HANGS_AFTER_S)
        for visit in waiting:
            await visit.give_up()
        assert not last.is_inside
        await holder.end()
        await last.inside()
        await last.end()
        await call(fence)

    async def test_an_operation_that_keeps_failing_is_refused_and_the_others_are_not(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=2)
        await fail(fence, FAILURES_IN_A_ROW - 1)
        await call(fence)
        await fail(fence, FAILURES_IN_A_ROW)
        await refused(fence)
        await call(fence, "titles")

    async def test_a_refusal_comes_at_once_though_all_places_are_taken(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        await fail(fence, FAILURES_IN_A_ROW)
        holder = Visit(fence, "titles")
        await holder.inside()
        await refused(fence)
        await holder.end()

    async def test_those_who_wait_are_sent_away_when_the_circuit_opens(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        await fail(fence, FAILURES_IN_A_ROW - 1)
        last = Visit(fence)
        await last.inside()
        other = Visit(fence, "titles")
        waiting = [Visit(fence) for _ in range(3)]
        await last.end(Unavailable("erp.timeout"))
        for visit in waiting:
            with pytest.raises(Unavailable, match="circuit_open"):
                await visit.inside()
        await other.inside()
        await other.end()

    async def test_an_erp_that_says_no_works(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        for _ in range(2 * FAILURES_IN_A_ROW):
            await call(fence, failure=Rejected("erp.refused"))
        await fail(fence, FAILURES_IN_A_ROW - 1)
        await call(fence, failure=Rejected("erp.refused"))
        await fail(fence, FAILURES_IN_A_ROW - 1)
        await call(fence)

    async def test_a_call_that_its_caller_gives_up_while_the_erp_hangs_is_a_failure(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=FAILURES_IN_A_ROW)
        hanging = [Visit(fence) for _ in range(FAILURES_IN_A_ROW)]
        for visit in hanging:
            await visit.inside()
        await bench.let_pass(HANGS_AFTER_S)
        for visit in hanging:
            await visit.give_up()
        await refused(fence)

    async def test_a_call_whose_caller_had_hardly_any_time_left_is_none(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        for _ in range(2 * FAILURES_IN_A_ROW):
            visit = Visit(fence)
            await visit.inside()
            await visit.give_up()
        await call(fence)

    async def test_after_the_cool_down_one_call_is_let_through_and_its_success_lets_all(
        self, bench: FenceBench
    ) -> None:
        fence = bench.fence(concurrency=2)
        await fail(fence, FAILURES_IN_A_ROW)
        await bench.let_pass(FIRST_COOL_DOWN_S)
        trial = Visit(fence)
        await trial.inside()
        await refused(fence)
        await trial.end()
        await call(fence)

    async def test_a_call_that_fails_after_the_cool_down_doubles_it(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=1)
        await fail(fence, FAILURES_IN_A_ROW)
        await bench.let_pass(FIRST_COOL_DOWN_S)
        await fail(fence, 1)
        await bench.let_pass(FIRST_COOL_DOWN_S)
        await refused(fence)
        await bench.let_pass(FIRST_COOL_DOWN_S)
        await call(fence)

    async def test_no_more_start_in_a_minute_than_allowed(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=5, per_minute=2)
        await call(fence)
        second, third = Visit(fence), Visit(fence)
        await bench.until_asleep()
        assert not second.is_inside
        await bench.let_pass(31)
        await second.inside()
        await bench.until_asleep()
        assert not third.is_inside
        await bench.let_pass(31)
        await third.inside()
        for visit in (second, third):
            await visit.end()

    async def test_one_that_stops_waiting_for_the_pace_uses_nothing_up(self, bench: FenceBench) -> None:
        fence = bench.fence(concurrency=2, per_minute=2)
        await call(fence)
        for _ in range(3):
            waiting = Visit(fence)
            await bench.until_asleep()
            await waiting.give_up()
        await bench.let_pass(31)
        await call(fence)

    async def test_asked_for_again_it_still_counts_the_calls_under_way(self, bench: FenceBench) -> None:
        held = Visit(bench.fence(concurrency=1))
        await held.inside()
        waiting = Visit(bench.fence(concurrency=1))
        await kept_out(waiting)
        await held.end()
        await waiting.inside()
        await waiting.end()

    async def test_with_fewer_places_than_before_the_calls_under_way_count_until_they_end(
        self, bench: FenceBench
    ) -> None:
        before = [Visit(bench.fence(concurrency=3)) for _ in range(3)]
        for visit in before:
            await visit.inside()
        waiting = Visit(bench.fence(concurrency=2))
        for visit in before[:2]:
            await kept_out(waiting)
            await visit.end()
        await waiting.inside()
        other = Visit(bench.fence(concurrency=2))
        await kept_out(other)
        for visit in (before[2], waiting, other):
            await visit.end()

    async def test_with_more_places_than_before_those_who_wait_go_in(self, bench: FenceBench) -> None:
        visits = [Visit(bench.fence(concurrency=1)) for _ in range(3)]
        await visits[0].inside()
        await kept_out(visits[1])
        bench.fence(concurrency=3)
        for visit in visits:
            await visit.inside()
        for visit in visits:
            await visit.end()

    @pytest.mark.parametrize("per_minute", [2, 1])
    async def test_asked_for_again_it_still_counts_the_calls_that_started(
        self, bench: FenceBench, per_minute: int
    ) -> None:
        await call(bench.fence(concurrency=2, per_minute=2))
        waiting = Visit(bench.fence(concurrency=2, per_minute=per_minute))
        await bench.until_asleep()
        assert not waiting.is_inside
        await bench.let_pass(31)
        await waiting.inside()
        await waiting.end()

    async def test_a_pace_that_is_lifted_keeps_nobody_waiting(self, bench: FenceBench) -> None:
        await call(bench.fence(concurrency=2, per_minute=1))
        await call(bench.fence(concurrency=2))

    async def test_a_pace_that_is_raised_does_not_keep_the_next_waiting_as_the_old_one_did(
        self, bench: FenceBench
    ) -> None:
        await call(bench.fence(concurrency=2, per_minute=1))
        waiting = Visit(bench.fence(concurrency=2, per_minute=9))
        await bench.let_pass(60 / 9 + 1)
        await waiting.inside()
        await waiting.end()

    async def test_asked_for_again_it_still_refuses_what_kept_failing(self, bench: FenceBench) -> None:
        await fail(bench.fence(concurrency=1), FAILURES_IN_A_ROW)
        await refused(bench.fence(concurrency=1))
        await refused(bench.fence(concurrency=2, per_minute=600))

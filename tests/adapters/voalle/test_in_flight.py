import asyncio

import pytest

from adapters.voalle.in_flight import InFlight


class Slow:
    """A call that ends when it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.end = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        self.begun.set()
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return number


async def wait_with(in_flight: InFlight[int], call: Slow) -> asyncio.Task[int]:
    task = asyncio.create_task(in_flight.share("key", call))
    await call.begun.wait()
    await asyncio.sleep(0)
    return task


async def give_up(task: asyncio.Task[int]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_all_who_ask_before_it_ends_get_the_result_of_one_call() -> None:
    in_flight, call = InFlight[int](), Slow()
    asked = [await wait_with(in_flight, call) for _ in range(3)]
    call.end.set()
    assert await asyncio.gather(*asked) == [1, 1, 1]


async def test_one_who_asks_later_gets_a_call_of_their_own() -> None:
    in_flight, call = InFlight[int](), Slow()
    call.end.set()
    assert [await in_flight.share("key", call), await in_flight.share("key", call)] == [1, 2]


async def test_different_questions_are_different_calls() -> None:
    in_flight, call = InFlight[int](), Slow()
    call.end.set()
    assert list(await asyncio.gather(in_flight.share("one", call), in_flight.share("two", call))) == [1, 2]


async def test_a_failure_is_that_of_all_who_wait_and_of_nobody_later() -> None:
    in_flight, gate = InFlight[int](), asyncio.Event()

    async def fail() -> int:
        await gate.wait()
        raise ZeroDivisionError

    asked = asyncio.gather(*(in_flight.share("key", fail) for _ in range(2)), return_exceptions=True)
    asyncio.get_running_loop().call_soon(gate.set)
    assert [type(found) for found in await asked] == [ZeroDivisionError] * 2
    call = Slow()
    call.end.set()
    assert await in_flight.share("key", call) == 1


async def test_one_that_stops_waiting_does_not_take_the_call_from_the_others() -> None:
    in_flight, call = InFlight[int](), Slow()
    first, second = await wait_with(in_flight, call), await wait_with(in_flight, call)
    await give_up(first)
    call.end.set()
    assert await second == 1


async def test_a_call_that_nobody_waits_for_any_more_is_cancelled_and_joined_by_nobody() -> None:
    in_flight, call = InFlight[int](), Slow()
    for task in [await wait_with(in_flight, call), await wait_with(in_flight, call)]:
        await give_up(task)
    later = asyncio.create_task(in_flight.share("key", call))
    call.end.set()
    assert await later == 2
    assert call.cancelled == 1

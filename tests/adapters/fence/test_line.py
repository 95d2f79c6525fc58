"""No place is lost, and none given twice, whoever stops waiting and when."""

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.fence.line import Line

TURNS = 4
"""of the event loop, for one to go in or out, and for the place to reach the next"""


async def settle(visits: int = 1) -> None:
    """A place may go through the hands of all, one after the other."""
    for _ in range(TURNS * visits):
        await asyncio.sleep(0)


async def test_one_that_is_called_and_cancelled_at_the_same_moment_passes_its_place_on() -> None:
    line = Line(1)
    await line.enter()
    older, younger = (asyncio.create_task(line.enter()) for _ in range(2))
    await settle()
    line.leave()
    younger.cancel()
    await asyncio.wait((older,))
    assert younger.cancelled()
    assert not older.cancelled()


async def test_a_place_left_while_the_only_one_who_waits_is_being_cancelled_is_free() -> None:
    line = Line(1)
    await line.enter()
    waiting = asyncio.create_task(line.enter())
    await settle()
    waiting.cancel()
    line.leave()
    await asyncio.wait((waiting,))
    async with asyncio.timeout(1):
        await line.enter()


steps = st.lists(
    st.tuples(st.sampled_from(["come", "come", "leave", "give up", "settle", "resize"]), st.integers(0, 9)), max_size=60
)


@settings(max_examples=150, deadline=None)
@example(steps=[*[("come", 0)] * 5, ("leave", 3), ("leave", 4), ("leave", 2), ("settle", 0), ("leave", 0)], places=1)
@given(steps=steps, places=st.integers(1, 3))
def test_whatever_happens_as_many_are_inside_as_there_are_places_while_anybody_waits(
    steps: list[tuple[str, int]], places: int
) -> None:
    asyncio.run(_play(steps, places))


async def _play(steps: list[tuple[str, int]], places: int) -> None:
    line, inside = Line(places), 0
    most = places
    """so many may be inside, of whom some came when there were more places"""
    visits: dict[asyncio.Task[None], asyncio.Event] = {}

    async def visit(leave: asyncio.Event) -> None:
        nonlocal inside
        async with line:
            inside += 1
            try:
                await leave.wait()
            finally:
                inside -= 1

    for what, which in [*steps, ("settle", 0)]:
        at = list(visits)[which % len(visits)] if visits else None
        match what:
            case "come":
                leave = asyncio.Event()
                visits[asyncio.create_task(visit(leave))] = leave
            case "leave" if at:
                visits[at].set()
            case "give up" if at:
                at.cancel()
            case "settle":
                await settle(len(visits) + 1)
                visits = {task: leave for task, leave in visits.items() if not task.done()}
                assert min(places, len(visits)) <= inside <= most
                most = max(places, inside)
            case "resize":
                places = which % 3 + 1
                most = max(most, places)
                line.resize(places)
    for task in visits:
        task.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    assert inside == 0

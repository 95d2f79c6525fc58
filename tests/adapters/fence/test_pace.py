"""So many a minute, never more, and hardly fewer."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.fence.pace import Pace
from tests.adapters.fence.hours import Hours

ROUNDING_S = 1e-6


class Track:
    """A clock that moves when somebody sleeps, and when each call started."""

    def __init__(self, per_minute: int) -> None:
        self._now = 0.0
        self.starts: list[float] = []
        self._pace = Pace(per_minute, monotonic=lambda: self._now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self._now += seconds

    async def run(self, gaps: list[float]) -> None:
        asked_at = 0.0
        for gap in gaps:
            asked_at += gap
            self._now = max(self._now, asked_at)
            await self._pace.start()
            self.starts.append(self._now)


@settings(deadline=None)
@given(
    per_minute=st.integers(1, 300),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 1.0, 7.5, 59.0, 61.0]), min_size=1, max_size=400),
)
def test_no_span_of_less_than_a_minute_sees_more_starts_than_allowed(per_minute: int, gaps: list[float]) -> None:
    track = Track(per_minute)
    asyncio.run(track.run(gaps))
    for first, beyond in zip(track.starts, track.starts[per_minute:], strict=False):
        assert beyond - first >= 60 - ROUNDING_S


@pytest.mark.parametrize("per_minute", [1, 2, 9, 10, 60, 120, 1000])
async def test_a_crowd_goes_at_nine_tenths_of_the_allowed_or_more(per_minute: int) -> None:
    track = Track(per_minute)
    await track.run([0.0] * 10 * per_minute)
    assert track.starts[-1] <= 10 * 60 / 0.9


async def test_after_a_quiet_time_a_tenth_of_them_goes_at_once_and_the_others_evenly() -> None:
    track = Track(60)
    await track.run([0.0] * 9)
    assert track.starts[:6] == [0.0] * 6
    steps = [later - earlier for earlier, later in zip(track.starts[5:], track.starts[6:], strict=False)]
    assert steps == pytest.approx([60 / 55] * 3)


async def test_starts_are_given_in_the_order_in_which_they_are_asked_for_and_none_to_who_left() -> None:
    hours, started = Hours(), []
    pace = Pace(1, monotonic=hours.monotonic, sleep=hours.sleep)

    async def start(name: str) -> None:
        await pace.start()
        started.append(name)

    await start("first")
    waiting = [asyncio.create_task(start(name)) for name in ("left", "second", "third")]
    await hours.until_asleep(1)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    await hours.until_asleep(1)
    await hours.let_pass(60)
    await waiting[1]
    assert started == ["first", "second"]
    await hours.until_asleep(1)
    await hours.let_pass(60)
    await waiting[2]
    assert started == ["first", "second", "third"]

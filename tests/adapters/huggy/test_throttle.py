"""Waiting when Huggy says so."""

import pytest

from adapters.huggy.throttle import LONGEST_HOLD_S, Throttle, retry_after_s
from application.failures import InDoubt, Unavailable


class Hours:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def throttle(hours: Hours) -> Throttle:
    return Throttle(monotonic=hours.monotonic, sleep=hours.sleep)


async def test_nobody_waits_without_a_reason(throttle: Throttle, hours: Hours) -> None:
    await throttle.wait(until=hours.now)
    assert hours.slept == []


async def test_a_call_waits_until_the_hold_is_over(throttle: Throttle, hours: Hours) -> None:
    throttle.hold(2)
    throttle.hold(1)
    await throttle.wait(until=hours.now + 5)
    await throttle.wait(until=hours.now)
    assert hours.slept == [2]


async def test_a_hold_beyond_the_callers_time_fails_at_once(throttle: Throttle, hours: Hours) -> None:
    throttle.hold(6)
    with pytest.raises(Unavailable) as caught:
        await throttle.wait(until=hours.now + 5)
    assert not isinstance(caught.value, InDoubt)
    assert caught.value.retry_after_s == 6
    assert hours.slept == []


async def test_an_odd_hold_does_not_silence_a_company_for_long(throttle: Throttle, hours: Hours) -> None:
    throttle.hold(86_400)
    await throttle.wait(until=hours.now + 1000)
    assert hours.slept == [LONGEST_HOLD_S]


SENT = "Sun, 23 Nov 2026 05:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "soon", "date": SENT}, None),
        ({"retry-after": "-3", "date": SENT}, None),
        ({"retry-after": "Sun, 23 Nov 2026 05:00:09 GMT", "date": SENT}, 9),
        ({"retry-after": "Sun, 23 Nov 2026 04:00:00 GMT", "date": SENT}, 0),
        ({"retry-after": "Sun, 23 Nov 2026 05:00:09 GMT"}, None),
    ],
)
def test_what_an_answer_asks_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds

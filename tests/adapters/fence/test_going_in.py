"""A crowd before an open circuit is sent away a few at a time."""

import pytest

from adapters.fence.breaker import FAILURES_IN_A_ROW, Breaker
from adapters.fence.going_in import AT_ONCE, LONGEST_S, GoingIn
from adapters.fence.line import Line
from application.failures import Unavailable


class Slept:
    """A sleep that is over at once and remembers how long it was asked to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def open_circuit() -> Breaker:
    breaker = Breaker(lambda: 0.0)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(Unavailable), breaker.attempt():
            raise Unavailable("erp.timeout")
    return breaker


async def test_a_few_are_refused_at_once_and_a_crowd_over_a_few_seconds() -> None:
    slept, line, breaker = Slept(), Line(1), open_circuit()
    go_in = GoingIn(line, monotonic=lambda: 0.0, sleep=slept)
    for _ in range(AT_ONCE + 300):
        with pytest.raises(Unavailable, match="circuit_open"):
            await go_in(breaker)
    assert len(slept.seconds) == 300
    assert 0 <= min(slept.seconds) < max(slept.seconds) <= LONGEST_S
    assert max(slept.seconds) > LONGEST_S / 2
    assert line.taken == 0


async def test_those_who_come_one_by_one_never_wait() -> None:
    slept, breaker, now = Slept(), open_circuit(), 0.0
    go_in = GoingIn(Line(1), monotonic=lambda: now, sleep=slept)
    for _ in range(50):
        now += 0.1
        with pytest.raises(Unavailable, match="circuit_open"):
            await go_in(breaker)
    assert slept.seconds == []

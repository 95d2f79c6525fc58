"""Whether it is of any use to wait, as a line's length and its pace tell."""

import pytest

from adapters.engine.line import Line
from adapters.engine.pace import LEARNS_S, LET_GO_S, REMEMBERS_S, Pace
from tests.contracts.engine import lane

PATIENCE_S = 17.0


def line(waiting: int, *, since: float = 0.0) -> Line:
    line = Line(since)
    for chat in range(waiting):
        line.add(lane("a", chat), since)
    return line


def let_go(line: Line, now: float) -> int:
    """How many of them wait in vain."""
    before = len(line)
    while len(line) and line.waits_in_vain(now, PATIENCE_S):
        line.pop_oldest()
    return before - len(line)


def test_whoever_waits_already_keeps_their_place_and_their_time() -> None:
    crowd = Line(0.0)
    for since, chat in enumerate((1, 2, 1, 3)):
        crowd.add(lane("a", chat), float(since))

    assert len(crowd) == 3
    assert (crowd.pop_oldest(), crowd.pop_youngest()) == (lane("a", 1), lane("a", 3))


def test_whoever_waited_out_their_patience_waits_in_vain() -> None:
    assert not line(1).waits_in_vain(2.0, 2.1)
    assert line(1).waits_in_vain(2.1, 2.1)


def test_a_line_that_could_not_be_let_go_in_time_begins_early() -> None:
    now = LEARNS_S / 2
    fits = int((PATIENCE_S - now) / LET_GO_S)
    assert let_go(line(fits - 1), now) == 0
    assert let_go(line(fits + 50), now) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("served_a_second", [2, 8, 50])
def test_those_for_whom_there_is_no_turn_in_time_at_the_pace_of_the_line_wait_in_vain(served_a_second: int) -> None:
    now = 5.0
    crowd = line(1000)
    for number in range(int(served_a_second * now)):
        crowd.served(number / served_a_second)
    let_go(crowd, now)

    assert len(crowd) == pytest.approx((PATIENCE_S - now) * served_a_second, abs=1)


def test_an_erp_that_answers_nobody_keeps_hardly_anybody_waiting() -> None:
    crowd = line(100)
    assert let_go(crowd, LEARNS_S) == pytest.approx(96, abs=1)


def test_a_line_that_stood_and_moves_again_is_measured_by_how_it_moves() -> None:
    """Its places were held by a process that had died."""
    crowd = line(30, since=0.0)
    for number in range(8):
        crowd.served(8.0 + number / 50)
    assert let_go(crowd, 8.2) == 0
    for number in range(200):
        crowd.served(8.2 + number / 50)
    assert let_go(crowd, 12.2) == 0


def test_where_dead_processes_may_hold_the_places_a_line_is_not_given_up_before_they_are_free() -> None:
    waiting = Pace(0.0, stands_s=10.0)
    assert waiting.seconds_each(9.9) == LET_GO_S
    assert waiting.seconds_each(10.0) == 10.0


def test_a_pause_is_forgotten_after_a_while() -> None:
    crowd = Line(0.0)
    now = 0.0
    for second in range(int(8 * REMEMBERS_S)):
        now = float(second)
        crowd.add(lane("a", second), now)
        for _ in range(20 if second > 4 * REMEMBERS_S else 0):
            crowd.served(now)
        while len(crowd) > 1:
            crowd.pop_youngest()
        crowd.waits_in_vain(now, PATIENCE_S)
    for chat in range(1000, 1200):
        crowd.add(lane("a", chat), now)
    crowd.pop_oldest()

    assert let_go(crowd, now) == 0

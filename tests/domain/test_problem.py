from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.identifiers import InstallationId
from domain.notice import NoticeKind
from domain.problem import OVER_AFTER, STILL_AFTER, STILL_EVERY, Occurrences, Problem, recur, review

HERE = InstallationId("inst-1")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def seen(at: datetime = NOON, count: int = 1) -> Occurrences:
    return Occurrences(installation_id=HERE, cause="erp.timeout", count=count, first_at=at, last_at=at)


def told(problem: Problem, at: datetime) -> tuple[Problem, NoticeKind | None]:
    reviewed = review(problem, at)
    if reviewed is None:
        return problem, None
    return reviewed.after, reviewed.notice.kind if reviewed.notice else None


def test_a_new_problem_is_told_at_once_and_once() -> None:
    problem = recur(None, seen(count=500))
    reviewed = review(problem, NOON)

    assert reviewed is not None
    assert reviewed.notice is not None
    assert (reviewed.notice.kind, reviewed.notice.occurrences, reviewed.mailed) == (NoticeKind.PROBLEM, 500, True)
    assert review(reviewed.after, NOON + MINUTE) is None


def test_that_it_goes_on_is_told_after_an_hour_and_then_every_six_with_the_new_count() -> None:
    problem, at, tellings = recur(None, seen()), NOON, []
    while at < NOON + timedelta(hours=14):
        problem = recur(problem, seen(at))
        reviewed = review(problem, at)
        if reviewed is not None and reviewed.notice is not None:
            tellings.append((at - NOON, reviewed.notice.kind, reviewed.notice.occurrences))
            problem = reviewed.after
        at += MINUTE

    assert [(after, kind) for after, kind, _ in tellings] == [
        (timedelta(0), NoticeKind.PROBLEM),
        (STILL_AFTER, NoticeKind.STILL),
        (STILL_AFTER + STILL_EVERY, NoticeKind.STILL),
        (STILL_AFTER + 2 * STILL_EVERY, NoticeKind.STILL),
    ]
    assert [count for *_, count in tellings] == [2, 62, 422, 782]


def test_ten_quiet_minutes_are_the_all_clear_and_the_next_occurrence_begins_anew() -> None:
    problem, _ = told(recur(None, seen(count=3)), NOON)

    assert review(problem, NOON + OVER_AFTER - MINUTE) is None
    reviewed = review(problem, NOON + OVER_AFTER)
    assert reviewed is not None
    assert reviewed.notice is not None
    assert (reviewed.notice.kind, reviewed.notice.occurrences) == (NoticeKind.OVER, 3)
    assert (reviewed.notice.first_at, reviewed.notice.last_at) == (NOON, NOON)
    assert review(reviewed.after, NOON + timedelta(days=1)) is None

    again = recur(reviewed.after, seen(NOON + timedelta(days=1), count=2))
    assert (again.occurrences, again.first_at, again.over_at) == (2, NOON + timedelta(days=1), None)
    assert told(again, NOON + timedelta(days=1))[1] is NoticeKind.PROBLEM


def test_a_muted_cause_is_counted_and_not_told_and_closes_in_silence() -> None:
    muted = replace(recur(None, seen()), muted_until=NOON + timedelta(hours=2))
    muted = recur(muted, seen(NOON + MINUTE))

    assert muted.occurrences == 2
    assert review(muted, NOON + MINUTE) is None
    closed, kind = told(muted, NOON + timedelta(minutes=11))
    assert (kind, closed.over_at) == (None, NOON + timedelta(minutes=11))
    assert recur(closed, seen(NOON + timedelta(hours=1))).muted_until == muted.muted_until


def test_a_cause_that_goes_on_is_told_when_its_mute_ends() -> None:
    problem = replace(recur(None, seen()), muted_until=NOON + MINUTE)

    assert told(problem, NOON)[1] is None
    assert told(problem, NOON + MINUTE)[1] is NoticeKind.PROBLEM


def test_what_was_told_before_it_was_muted_has_its_all_clear_kept_without_a_mail() -> None:
    problem, _ = told(recur(None, seen()), NOON)
    muted = replace(problem, muted_until=NOON + timedelta(days=1))
    going_on = recur(muted, seen(NOON + timedelta(hours=2)))

    assert review(going_on, NOON + timedelta(hours=2)) is None
    reviewed = review(going_on, NOON + timedelta(hours=3))
    assert reviewed is not None
    assert reviewed.notice is not None
    assert (reviewed.notice.kind, reviewed.mailed) == (NoticeKind.OVER, False)


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=400)])
def test_a_clock_that_was_set_back_keeps_no_problem_open(back: timedelta) -> None:
    problem, _ = told(recur(None, seen()), NOON)

    assert told(problem, NOON - back)[1] is NoticeKind.OVER


steps = st.lists(
    st.tuples(
        st.integers(0, 7 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        st.one_of(
            st.none(),
            st.integers(1, 900),
            st.sampled_from(["mute", "unmute"]),
        ),
    ),
    max_size=60,
)


@given(steps)
def test_beginnings_and_all_clears_take_turns_and_nothing_is_counted_twice_or_lost(
    steps: list[tuple[timedelta, int | str | None]],
) -> None:
    problem: Problem | None = None
    at, raised, closed, kinds = NOON, 0, 0, list[NoticeKind]()
    for pause, event in steps:
        at += pause
        if isinstance(event, int):
            raised += event
            problem = recur(problem, seen(at, event))
        elif problem is not None and event is not None:
            problem = replace(problem, muted_until=at + timedelta(hours=5) if event == "mute" else None)
        reviewed = review(problem, at) if problem is not None else None
        if problem is None or reviewed is None:
            continue
        if reviewed.notice is not None:
            kinds.append(reviewed.notice.kind)
            assert reviewed.notice.occurrences == problem.occurrences
            assert reviewed.notice.first_at <= reviewed.notice.last_at <= at
        if reviewed.after.over_at is not None:
            closed += problem.occurrences
            assert at - problem.last_at >= OVER_AFTER
        problem = reviewed.after

    turns = [kind for kind in kinds if kind is not NoticeKind.STILL]
    assert turns[::2] == [NoticeKind.PROBLEM] * len(turns[::2])
    assert turns[1::2] == [NoticeKind.OVER] * len(turns[1::2])
    for before, kind in zip([None, *kinds], kinds, strict=False):
        assert kind is not NoticeKind.STILL or before in {NoticeKind.PROBLEM, NoticeKind.STILL}
    goes_on = problem.occurrences if problem is not None and problem.over_at is None else 0
    assert raised == closed + goes_on

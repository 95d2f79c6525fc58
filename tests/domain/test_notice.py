from datetime import UTC, datetime, timedelta

from domain.notice import next_try

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_attempts_get_rarer_and_end_within_a_day() -> None:
    at, tries, pauses = NOON, 1, list[float]()
    while (again_at := next_try(NOON, tries, at)) is not None:
        pauses.append((again_at - at) / timedelta(minutes=1))
        at, tries = again_at, tries + 1

    assert pauses[:5] == [1, 5, 30, 120, 120]
    assert set(pauses[3:]) == {120}
    assert timedelta(hours=20) < at - NOON <= timedelta(hours=24)

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.calendar.banking_days import BankingDays
from application.ports import Calendar

calendar: Calendar = BankingDays()

FEBRABAN_2026 = {
    date(2026, 1, 1),
    date(2026, 2, 16),
    date(2026, 2, 17),
    date(2026, 4, 3),
    date(2026, 4, 21),
    date(2026, 5, 1),
    date(2026, 6, 4),
    date(2026, 9, 7),
    date(2026, 10, 12),
    date(2026, 11, 2),
    date(2026, 11, 15),
    date(2026, 11, 20),
    date(2026, 12, 25),
}


def test_the_banks_close_in_2026_on_weekends_on_the_thirteen_days_of_febraban_and_on_new_years_eve_alone() -> None:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

    closed = {day for day in year if calendar.next_banking_day(day) != day}

    assert closed == {day for day in year if day.weekday() >= 5} | FEBRABAN_2026 | {date(2026, 12, 31)}


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (date(2026, 11, 20), date(2026, 11, 23)),  # a Friday of no banks, then a weekend
        (date(2026, 11, 23), date(2026, 11, 23)),
        (date(2026, 2, 14), date(2026, 2, 18)),  # Carnaval, from the Saturday to Ash Wednesday
        (date(2026, 12, 24), date(2026, 12, 24)),  # Christmas Eve is a working day at banks
        (date(2026, 12, 31), date(2027, 1, 4)),  # New Year's Eve, a Thursday: banks serve nobody
        (date(2024, 12, 31), date(2025, 1, 2)),
        (date(2027, 5, 27), date(2027, 5, 28)),  # Corpus Christi
        (date(2023, 11, 20), date(2023, 11, 20)),  # national since 2024 alone
        (date.max, date.max),
    ],
)
def test_a_day_without_banks_moves_to_the_next_one_with_them(day: date, opens: date) -> None:
    assert calendar.next_banking_day(day) == opens


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)))
def test_the_next_banking_day_is_the_first_one_on_or_after_the_day(day: date) -> None:
    opens = calendar.next_banking_day(day)

    assert day <= opens <= day + timedelta(days=6)
    assert calendar.next_banking_day(opens) == opens
    between = [day + timedelta(days=n) for n in range((opens - day).days)]
    assert all(calendar.next_banking_day(earlier) == opens for earlier in between)

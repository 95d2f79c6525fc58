"""On which days Brazilian banks open."""

from datetime import date, timedelta
from functools import cache

import holidays

_CLOSED_BY_CUSTOM = ("Carnaval", "Corpus Christi")
"""optional holidays of the civil calendar on which banks close all the same"""


class BankingDays:
    """The national banking calendar: the list that FEBRABAN published for 2026, and 31 December, on which banks work but
    serve nobody. Local holidays are not in it."""

    def next_banking_day(self, day: date) -> date:
        while not _banks_open(day) and day < date.max:
            day += timedelta(days=1)
        return day


def _banks_open(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) != (12, 31) and day not in _bank_holidays(day.year)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    public = holidays.country_holidays("BR", years=year, language="pt_BR")
    optional = holidays.country_holidays("BR", years=year, language="pt_BR", categories=("optional",))
    return frozenset(public) | {day for day, name in optional.items() if name in _CLOSED_BY_CUSTOM}

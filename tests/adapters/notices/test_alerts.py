import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.memory.clock import SetClock
from adapters.memory.notices import MemoryNotices, MemoryProblems
from adapters.notices import alerts as alerts_module
from adapters.notices.alerts import CountedAlerts
from application.failures import Unavailable
from application.ports import Alerts
from domain.causes import UNNAMED
from domain.identifiers import InstallationId
from domain.problem import Occurrences

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HERE = InstallationId("inst-1")


class StubbornProblems(MemoryProblems):
    """Counts how often it was asked, and refuses while it is told to."""

    def __init__(self) -> None:
        super().__init__(MemoryNotices())
        self.asked = 0
        self.refuses = False

    async def count(self, seen: Sequence[Occurrences]) -> None:
        self.asked += 1
        if self.refuses:
            raise Unavailable("storage.failed")
        await super().count(seen)


@pytest.fixture
def problems() -> StubbornProblems:
    return StubbornProblems()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


async def test_a_storm_is_one_write_and_the_caller_waits_for_none(problems: StubbornProblems, clock: SetClock) -> None:
    alerts = CountedAlerts(clock)
    port: Alerts = alerts
    for _ in range(500):
        clock.advance(0.001)
        await port.raise_alert(HERE, "erp.timeout", "")
    assert problems.asked == 0
    await alerts.write(problems)
    await alerts.write(problems)

    assert problems.asked == 1
    (problem,) = await problems.open()
    assert (problem.occurrences, problem.last_at - problem.first_at) == (500, timedelta(milliseconds=499))


async def test_a_storm_is_a_log_line_for_each_cause_and_second(problems: StubbornProblems, clock: SetClock) -> None:
    alerts = CountedAlerts(clock)
    with capture_logs() as logs:
        for detail in ("HTTP 500", "HTTP 502"):
            for cause in ("erp.http_5xx", "erp.timeout", "erp.http_5xx"):
                await alerts.raise_alert(HERE, cause, detail)
            problems.refuses = True
            await alerts.write(problems)

    assert [(each["cause"], each["detail"]) for each in logs if each["event"] == "alert"] == [
        (cause, detail) for detail in ("HTTP 500", "HTTP 502") for cause in ("erp.http_5xx", "erp.timeout")
    ]


async def test_what_could_not_be_written_is_written_later_with_what_came_since(
    problems: StubbornProblems, clock: SetClock
) -> None:
    alerts = CountedAlerts(clock)
    problems.refuses = True
    await alerts.raise_alert(HERE, "erp.timeout", "")
    await alerts.write(problems)
    clock.advance(60)
    await alerts.raise_alert(HERE, "erp.timeout", "")
    await alerts.write(problems)
    problems.refuses = False
    await alerts.write(problems)

    (problem,) = await problems.open()
    assert (problem.occurrences, problem.first_at, problem.last_at) == (2, NOON, NOON + timedelta(seconds=60))


async def test_alerts_of_any_thread_are_counted(problems: StubbornProblems, clock: SetClock) -> None:
    alerts = CountedAlerts(clock)

    def raise_many() -> None:
        for _ in range(200):
            asyncio.run(alerts.raise_alert(HERE, "erp.timeout", ""))

    await asyncio.gather(*(asyncio.to_thread(raise_many) for _ in range(4)))
    await alerts.write(problems)

    assert [each.occurrences for each in await problems.open()] == [800]


async def test_what_waits_is_bounded_while_the_database_is_away(
    problems: StubbornProblems, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_module, "WAITING_MAX", 2)
    alerts = CountedAlerts(clock)
    for cause in ("erp.timeout", "erp.tls", "erp.pages", "erp.timeout"):
        await alerts.raise_alert(HERE, cause, "")
    await alerts.write(problems)

    assert {each.cause: each.occurrences for each in await problems.open()} == {"erp.timeout": 2, "erp.tls": 1}


@given(cause=st.text() | st.sampled_from(["erp.ana_52998224725", "Ana Souza", "erp.timeout: 529.982.247-25"]))
async def test_what_is_no_slug_is_counted_without_its_words(cause: str) -> None:
    problems, alerts = StubbornProblems(), CountedAlerts(SetClock(NOON))
    await alerts.raise_alert(HERE, cause, "")
    await alerts.write(problems)

    (problem,) = await problems.open()
    assert problem.cause in {cause, UNNAMED}
    assert "5299" not in problem.cause

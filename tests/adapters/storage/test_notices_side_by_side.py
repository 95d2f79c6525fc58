"""Several processes over one PostgreSQL: of each notice one of them is the author, and one the sender."""

import asyncio
from collections.abc import Iterator

import pytest

from domain.notice import NoticeKind
from domain.problem import review
from tests.adapters.storage.test_notices import NoticesOfPostgres
from tests.contracts.notices import LEASE_S, NOON, fill, notice, seen

TOGETHER = 8


@pytest.fixture
def processes(kept_url: str) -> Iterator[list[NoticesOfPostgres]]:
    processes = [NoticesOfPostgres(kept_url) for _ in range(2)]
    yield processes
    for process in processes:
        process.close()


async def test_what_all_decide_at_once_is_told_once(processes: list[NoticesOfPostgres]) -> None:
    (problem,) = await fill(processes[0], seen(500))
    reviewed = review(problem, NOON)
    assert reviewed is not None
    settled = await asyncio.gather(
        *(processes[each % 2].problems.settle(problem, reviewed.after, notice()) for each in range(TOGETHER))
    )

    assert settled.count(True) == 1
    assert len(await processes[0].notices.recent(problem.installation_id)) == 1


async def test_each_letter_is_given_to_one_sender(processes: list[NoticesOfPostgres]) -> None:
    await fill(processes[0])
    for number in range(TOGETHER):
        await processes[0].notices.keep(notice(f"cause.{number}"))
    taken = await asyncio.gather(
        *(processes[each % 2].notices.take(NOON, lease_s=LEASE_S) for each in range(2 * TOGETHER))
    )

    causes = [each.cause for each in taken if each is not None]
    assert len(causes) == len(set(causes))
    while (left := await processes[1].notices.take(NOON, lease_s=LEASE_S)) is not None:
        causes.append(left.cause)
    assert sorted(causes) == [f"cause.{number}" for number in range(TOGETHER)]


async def test_what_all_count_at_once_adds_up(processes: list[NoticesOfPostgres]) -> None:
    await fill(processes[0])
    causes = [f"cause.{number}" for number in range(5)]
    await asyncio.gather(
        *(
            processes[each % 2].problems.count([seen(3, cause=cause) for cause in causes[:: (-1) ** each]])
            for each in range(TOGETHER)
        )
    )

    assert [each.occurrences for each in await processes[0].problems.open()] == [3 * TOGETHER] * len(causes)


async def test_a_day_has_one_digest_whoever_is_faster(processes: list[NoticesOfPostgres]) -> None:
    await fill(processes[0])
    digest = notice("2026-11-23", kind=NoticeKind.DIGEST)
    kept = await asyncio.gather(*(processes[each % 2].notices.keep(digest) for each in range(TOGETHER)))

    assert kept.count(True) == 1

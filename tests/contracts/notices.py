"""What `application.notice_ports.Problems` and `Notices` promise. Subclasses bring a `bench` fixture."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

import pytest
from msgspec.structs import replace

from application.notice_ports import NewNotice, Notices, Problems
from application.ports import Installations
from domain.identifiers import InstallationId
from domain.notice import Letter, NoticeKind
from domain.problem import Occurrences, Problem, recur, review
from tests.contracts.installations import FIRST, SECOND

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
CAUSE = "erp.timeout"
LETTER = Letter(recipient="avisos@provedor.example", subject="Provedor Exemplo: aviso", text="Olá!\n")
LEASE_S = 120.0


class NoticesBench(Protocol):
    """Problems and notices beside the installations that they belong to."""

    @property
    def problems(self) -> Problems: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def installations(self) -> Installations: ...

    async def crash(self) -> None:
        """The process dies; what stands here is that of the next one."""


def seen(count: int = 1, at: datetime = NOON, cause: str = CAUSE, whose: InstallationId = FIRST.id) -> Occurrences:
    return Occurrences(installation_id=whose, cause=cause, count=count, first_at=at, last_at=at)


def notice(
    cause: str = CAUSE,
    *,
    kind: NoticeKind = NoticeKind.PROBLEM,
    whose: InstallationId = FIRST.id,
    next_try_at: datetime | None = NOON,
) -> NewNotice:
    return NewNotice(
        installation_id=whose, kind=kind, cause=cause, letter=LETTER, created_at=NOON, next_try_at=next_try_at
    )


async def fill(bench: NoticesBench, *seen: Occurrences) -> list[Problem]:
    for installation in (FIRST, SECOND):
        await bench.installations.save(installation)
    await bench.problems.count(seen)
    return list(await bench.problems.open())


async def close(bench: NoticesBench, problem: Problem) -> bool:
    over = replace(problem, over_at=problem.last_at + timedelta(minutes=10))
    return await bench.problems.settle(problem, over, None)


class NoticesContract:
    async def test_what_is_counted_adds_up_and_outlives_the_process(self, bench: NoticesBench) -> None:
        await fill(bench, seen(3), seen(2, whose=SECOND.id))
        await bench.problems.count([seen(4, NOON + timedelta(seconds=9)), seen(1, cause="huggy.timeout")])

        for _ in range(2):
            found = {
                (each.installation_id, each.cause): (each.occurrences, each.first_at, each.last_at)
                for each in await bench.problems.open()
            }
            assert found == {
                (FIRST.id, CAUSE): (7, NOON, NOON + timedelta(seconds=9)),
                (SECOND.id, CAUSE): (2, NOON, NOON),
                (FIRST.id, "huggy.timeout"): (1, NOON, NOON),
            }
            await bench.crash()

    async def test_nothing_to_count_is_nothing(self, bench: NoticesBench) -> None:
        assert await fill(bench) == []

    async def test_for_an_installation_that_is_gone_nothing_is_kept(self, bench: NoticesBench) -> None:
        (problem,) = await fill(bench, seen())
        await bench.notices.keep(notice())
        await bench.installations.remove(FIRST.id)
        await bench.problems.count([seen()])

        assert await bench.notices.keep(notice()) is False
        assert await bench.problems.settle(problem, problem, notice()) is False
        assert await bench.problems.mute(FIRST.id, CAUSE, NOON) is False
        assert list(await bench.problems.open()) == []
        assert list(await bench.problems.of(FIRST.id)) == []
        assert list(await bench.notices.recent(FIRST.id)) == []
        assert await bench.notices.take(NOON, lease_s=LEASE_S) is None

    async def test_a_telling_is_kept_with_its_notice_and_only_by_the_first_who_settles(
        self, bench: NoticesBench
    ) -> None:
        (before,) = await fill(bench, seen(500))
        await bench.problems.count([seen(7, NOON + timedelta(seconds=1))])
        after = replace(before, tellings=1, told_at=NOON)

        assert await bench.problems.settle(before, after, notice()) is True
        assert await bench.problems.settle(before, after, notice()) is False
        (told,) = await bench.problems.open()
        assert (told.tellings, told.told_at, told.occurrences) == (1, NOON, 507)
        assert len(await bench.notices.recent(FIRST.id)) == 1

    async def test_what_recurs_while_it_is_being_closed_stays_open(self, bench: NoticesBench) -> None:
        (before,) = await fill(bench, seen())
        await bench.problems.count([seen(at=NOON + timedelta(minutes=11))])

        assert await close(bench, before) is False
        (open_now,) = await bench.problems.open()
        assert (open_now.occurrences, open_now.over_at) == (2, None)
        assert await close(bench, open_now) is True
        assert list(await bench.problems.open()) == []

    async def test_after_its_all_clear_a_problem_begins_anew_and_stays_muted(self, bench: NoticesBench) -> None:
        (problem,) = await fill(bench, seen(5))
        assert await bench.problems.settle(problem, replace(problem, tellings=1, told_at=NOON), None)
        assert await bench.problems.mute(FIRST.id, CAUSE, NOON + timedelta(days=9))
        (told,) = await bench.problems.open()
        assert await close(bench, told)
        later = NOON + timedelta(days=1)
        await bench.problems.count([seen(2, later)])

        (again,) = await bench.problems.open()
        assert again == Problem(
            installation_id=FIRST.id,
            cause=CAUSE,
            occurrences=2,
            first_at=later,
            last_at=later,
            muted_until=NOON + timedelta(days=9),
        )
        assert await bench.problems.settle(told, told, None) is False

    async def test_a_mute_is_set_and_taken_back_and_needs_something_to_mute(self, bench: NoticesBench) -> None:
        await fill(bench, seen())

        assert await bench.problems.mute(FIRST.id, CAUSE, NOON) is True
        assert [each.muted_until for each in await bench.problems.of(FIRST.id)] == [NOON]
        assert await bench.problems.mute(FIRST.id, CAUSE, None) is True
        assert [each.muted_until for each in await bench.problems.of(FIRST.id)] == [None]
        assert await bench.problems.mute(FIRST.id, "erp.other", NOON) is False
        assert await bench.problems.mute(SECOND.id, CAUSE, NOON) is False

    async def test_one_sees_what_goes_on_first_and_then_what_is_over(self, bench: NoticesBench) -> None:
        for minutes, cause in enumerate(("a.a", "b.b", "c.c", "d.d")):
            await fill(bench, seen(cause=cause, at=NOON + timedelta(minutes=minutes)))
        for problem in await bench.problems.open():
            if problem.cause in {"b.b", "d.d"}:
                await close(bench, problem)
        await fill(bench, seen(whose=SECOND.id))

        assert [each.cause for each in await bench.problems.of(FIRST.id)] == ["c.c", "a.a", "d.d", "b.b"]

    async def test_a_notice_is_kept_as_it_was_the_newest_first_and_page_by_page(self, bench: NoticesBench) -> None:
        await fill(bench)
        for cause in ("a.a", "b.b", "c.c"):
            assert await bench.notices.keep(notice(cause, next_try_at=None))
        await bench.notices.keep(notice("d.d", whose=SECOND.id))

        for _ in range(2):
            newest, *others = await bench.notices.recent(FIRST.id, limit=2)
            assert [each.cause for each in (newest, *others)] == ["c.c", "b.b"]
            assert (newest.kind, newest.letter, newest.created_at) == (NoticeKind.PROBLEM, LETTER, NOON)
            assert (newest.tries, newest.sent_at, newest.failure, newest.next_try_at) == (0, None, "", None)
            rest = await bench.notices.recent(FIRST.id, before_id=others[0].id)
            assert [each.cause for each in rest] == ["a.a"]
            await bench.crash()

    async def test_a_day_has_one_digest(self, bench: NoticesBench) -> None:
        await fill(bench)
        digest = notice("2026-11-23", kind=NoticeKind.DIGEST)

        assert await bench.notices.keep(digest) is True
        assert await bench.notices.keep(digest) is False
        assert await bench.notices.keep(replace(digest, cause="2026-11-24")) is True
        assert await bench.notices.keep(replace(digest, installation_id=SECOND.id)) is True

    async def test_what_is_due_is_given_to_one_taker_until_its_lease_ends(self, bench: NoticesBench) -> None:
        await fill(bench)
        await bench.notices.keep(notice("a.a"))
        await bench.notices.keep(notice("b.b", next_try_at=NOON + timedelta(minutes=1)))
        await bench.notices.keep(notice("c.c", next_try_at=None))

        first = await bench.notices.take(NOON, lease_s=LEASE_S)
        assert first is not None
        assert (first.cause, first.tries, first.letter) == ("a.a", 1, LETTER)
        assert await bench.notices.take(NOON, lease_s=LEASE_S) is None
        await bench.crash()
        second = await bench.notices.take(NOON + timedelta(minutes=1), lease_s=LEASE_S)
        again = await bench.notices.take(NOON + timedelta(minutes=2), lease_s=LEASE_S)
        assert second is not None
        assert again is not None
        assert (second.cause, again.cause, again.tries) == ("b.b", "a.a", 2)

    async def test_what_was_sent_or_given_up_is_not_due_any_more(self, bench: NoticesBench) -> None:
        await fill(bench)
        for cause in ("a.a", "b.b", "c.c"):
            await bench.notices.keep(notice(cause))
            taken = await bench.notices.take(NOON, lease_s=LEASE_S)
            assert taken is not None
            if cause == "a.a":
                await bench.notices.failed(taken, "mail.timeout", NOON + timedelta(seconds=1))
                taken = await bench.notices.take(NOON + timedelta(seconds=1), lease_s=LEASE_S)
                assert taken is not None
                await bench.notices.sent(taken, NOON + timedelta(seconds=2))
            else:
                await bench.notices.failed(taken, "mail.refused", None)

        assert await bench.notices.take(NOON + timedelta(days=9), lease_s=LEASE_S) is None
        told = [(each.sent_at, each.failure, each.next_try_at) for each in await bench.notices.recent(FIRST.id)]
        assert told == [
            (None, "mail.refused", None),
            (None, "mail.refused", None),
            (NOON + timedelta(seconds=2), "", None),
        ]

    async def test_the_end_of_a_sending_is_nothing_once_its_notice_is_gone(self, bench: NoticesBench) -> None:
        await fill(bench)
        await bench.notices.keep(notice())
        taken = await bench.notices.take(NOON, lease_s=LEASE_S)
        assert taken is not None
        await bench.installations.remove(FIRST.id)
        await bench.notices.sent(taken, NOON)
        await bench.notices.failed(taken, "mail.timeout", NOON)

        assert list(await bench.notices.recent(FIRST.id)) == []

    @pytest.mark.parametrize("seed", range(12))
    async def test_counting_is_what_the_domain_says(self, bench: NoticesBench, seed: int) -> None:
        chance = Random(seed)
        await fill(bench)
        expected: Problem | None = None
        at = NOON
        for _ in range(20):
            at += timedelta(minutes=chance.choice((0, 1, 9, 11, 70, 400)))
            if count := chance.randrange(4):
                await bench.problems.count([seen(count, at)])
                expected = recur(expected, seen(count, at))
            if chance.random() < 0.7 and expected is not None and (reviewed := review(expected, at)) is not None:
                assert await bench.problems.settle(expected, reviewed.after, None)
                expected = reviewed.after

        assert list(await bench.problems.of(FIRST.id)) == ([] if expected is None else [expected])

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from application.failures import Rejected, Unavailable
from application.send_digests import SendDigests
from domain.identifiers import InstallationId
from domain.installation import Policies
from domain.notice import Digest, News, NoticeKind, PastProblem
from domain.problem import OVER_AFTER
from tests.application.people import NOON, People
from tests.domain.builders import installation

HERE = replace(installation(), email="avisos@provedor.example")
GONE = InstallationId("inst-gone")
NEWS = News(cause="outage.still_standing", subject="A falha continua?", paragraphs=("Confirme, por favor.",))


@pytest.fixture
async def people() -> People:
    people = People()
    await people.installations.save(HERE)
    return people


async def test_five_hundred_equal_failures_are_one_notice_and_one_all_clear(people: People) -> None:
    for _ in range(500):
        await people.fail()
        await people.watch()
        await people.send()
    people.clock.advance(OVER_AFTER.total_seconds())
    for _ in range(3):
        await people.watch()
        await people.send()

    assert people.mailed == ["problem erp.timeout", "over erp.timeout"]
    assert {letter.recipient for _, letter in people.post.took} == {HERE.email}
    assert len({reference for reference, _ in people.post.took}) == 2


async def test_each_cause_of_each_provider_is_told_by_itself(people: People) -> None:
    await people.installations.save(replace(HERE, id=InstallationId("inst-2"), webhook_key=HERE.flow_api_key))
    await people.fail("erp.timeout")
    await people.fail("huggy.timeout")
    await people.fail("erp.timeout", whose=InstallationId("inst-2"))
    await people.watch()
    await people.send()

    assert sorted(people.mailed) == ["problem erp.timeout", "problem erp.timeout", "problem huggy.timeout"]


async def test_a_muted_cause_is_counted_and_sent_to_nobody(people: People) -> None:
    await people.fail()
    await people.watch()
    assert await people.problems.mute(HERE.id, "erp.timeout", NOON + timedelta(days=1))
    people.clock.advance(3 * 3600)
    await people.fail(count=7)
    await people.watch()
    people.clock.advance(3600)
    await people.watch()
    await people.send()

    (problem,) = await people.problems.of(HERE.id)
    assert (problem.occurrences, problem.over_at) == (8, people.clock.now())
    assert await people.kinds() == [NoticeKind.PROBLEM, NoticeKind.OVER]
    assert people.mailed == ["problem erp.timeout"]


async def test_a_muted_cause_that_nobody_was_told_of_leaves_no_notice(people: People) -> None:
    await people.fail()
    await people.problems.mute(HERE.id, "erp.timeout", NOON + timedelta(days=1))
    people.clock.advance(3600)
    await people.watch()

    assert await people.problems.open() == []
    assert await people.kept() == []


async def test_problems_of_an_installation_that_is_gone_are_told_to_nobody(people: People) -> None:
    await people.fail(whose=GONE)
    await people.watch()

    assert await people.notices.recent(GONE) == []
    assert await people.tell(GONE, NEWS) is False


async def test_other_news_go_through_the_same_door(people: People) -> None:
    assert await people.tell(HERE.id, NEWS)
    await people.send()

    assert people.mailed == ["news outage.still_standing"]


async def test_without_a_mail_server_or_an_address_notices_are_kept_to_be_shown() -> None:
    without_server, without_address = People(sends=False), People()
    await without_server.installations.save(HERE)
    await without_address.installations.save(replace(HERE, email=""))
    for people in (without_server, without_address):
        await people.fail()
        await people.watch()
        await people.send()

        assert people.mailed == []
        assert await people.kinds() == [NoticeKind.PROBLEM]


async def test_a_letter_that_is_not_taken_now_is_tried_again_and_then_sent(people: People) -> None:
    await people.tell(HERE.id, NEWS)
    people.post.fails_with = [Unavailable("mail.unreachable"), Unavailable("mail.unreachable")]
    for seconds in (0, 59, 1, 299):
        people.clock.advance(seconds)
        await people.send()
        assert people.mailed == []
    (waiting,) = await people.kept()
    assert (waiting.tries, waiting.failure) == (2, "mail.unreachable")
    people.clock.advance(1)
    await people.send()

    (sent,) = await people.kept()
    assert len(people.mailed) == 1
    assert (sent.tries, sent.sent_at, sent.failure, sent.next_try_at) == (3, people.clock.now(), "", None)


async def test_after_a_day_a_letter_is_given_up_and_that_is_shown(people: People) -> None:
    await people.tell(HERE.id, NEWS)
    people.post.fails_with = [Unavailable("mail.unreachable")] * 100
    for _ in range(30):
        await people.send()
        people.clock.advance(3600)

    (given_up,) = await people.kept()
    assert (given_up.next_try_at, given_up.sent_at, given_up.failure) == (None, None, "mail.unreachable")
    assert given_up.tries < 30


async def test_a_refused_recipient_is_not_tried_again_and_holds_up_nobody(people: People) -> None:
    await people.tell(HERE.id, NEWS)
    await people.tell(HERE.id, replace(NEWS, cause="outage.other"))
    people.post.fails_with = [Rejected("mail.recipient_refused"), None]
    await people.send()
    people.clock.advance(7 * 24 * 3600)
    await people.send()

    assert people.mailed == ["news outage.other"]
    assert [(each.failure, each.tries) for each in await people.kept()] == [("mail.recipient_refused", 1), ("", 1)]


async def test_a_server_that_is_down_is_asked_once_a_round(people: People) -> None:
    for number in range(3):
        await people.tell(HERE.id, replace(NEWS, cause=f"outage.{number}"))
    people.post.fails_with = [Unavailable("mail.unreachable")]
    await people.send()
    assert [each.tries for each in await people.kept()] == [1, 0, 0]
    await people.send()

    assert len(people.mailed) == 2


async def test_a_letter_whose_sender_died_is_sent_after_a_while(people: People) -> None:
    await people.tell(HERE.id, NEWS)
    assert await people.notices.take(people.clock.now(), lease_s=120) is not None
    await people.send()
    assert people.mailed == []
    people.clock.advance(120)
    await people.send()

    assert len(people.mailed) == 1


# --- the digest


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=NOON.tzinfo)


async def digests_of(people: People, *moments: datetime) -> list[str]:
    for moment in moments:
        people.clock.jump((moment - people.clock.now()).total_seconds())
        await people.digests()
    return [notice.cause for notice in await people.kept()]


async def test_the_digest_comes_once_a_day_at_eight_for_those_who_want_it(people: People) -> None:
    moments = [at(7, 59), at(8), at(8, 1), at(11, 59), at(8, day=25), at(12, day=26)]
    assert await digests_of(people, *moments) == []
    await people.installations.save(replace(HERE, policies=Policies(daily_digest=True)))

    assert await digests_of(people, at(7, 59)) == []
    assert await digests_of(people, *moments) == ["2026-11-23", "2026-11-24"]


async def test_eight_is_eight_in_the_providers_own_zone(people: People) -> None:
    await people.installations.save(replace(HERE, policies=Policies(daily_digest=True, timezone="America/Rio_Branco")))

    assert await digests_of(people, at(9, 59)) == []
    assert await digests_of(people, at(10)) == ["2026-11-23"]


async def test_two_processes_send_one_digest(people: People) -> None:
    await people.installations.save(replace(HERE, policies=Policies(daily_digest=True)))
    elsewhere = SendDigests(
        installations=people.installations,
        notices=people.notices,
        problems=people.problems,
        clock=people.clock,
        tell=people.tell,
    )
    await digests_of(people, at(8))
    await elsewhere()

    assert len(await people.kept()) == 1


async def test_the_digest_tells_of_the_day_before_and_of_no_other(people: People) -> None:
    await people.installations.save(replace(HERE, policies=Policies(daily_digest=True)))
    for moment, tag in (
        (at(23, 59, day=22), "failed"),
        (at(0, day=23), "boleto.issued"),
        (at(23, 59, day=23), "boleto.issued"),
        (at(12, day=23), ""),
        (at(0, day=24), "paused"),
    ):
        people.notices.outcomes.append((HERE.id, moment.astimezone(UTC), tag))
    await people.fail("erp.timeout", count=3)
    await people.watch()
    people.clock.advance(OVER_AFTER.total_seconds())
    await people.watch()
    people.clock.jump(12 * 3600)
    await people.fail("huggy.timeout")
    await digests_of(people, at(8))

    assert people.written[-1] == Digest(
        day=NOON.date(),
        outcomes={"boleto.issued": 2},
        unfinished=1,
        problems=(PastProblem(cause="erp.timeout", occurrences=3, goes_on=False),),
    )

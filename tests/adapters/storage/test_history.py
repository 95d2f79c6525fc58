"""What the console reads, from either database."""

from datetime import timedelta

import pytest

from adapters.storage.history import History
from application import history
from application.history import Bucket, Cursor, Filters, Group, ProblemGroup
from application.ports import Arrival, EffectState
from domain.identifiers import EffectKey, InstallationId, NotificationKey
from domain.notification import OutageAsked
from domain.outcome import Failed
from tests.adapters.storage.kept import CPF, FOUND, TRAIL, Kept, kept, keys, lookup
from tests.contracts.journal import HERE, NOON, THERE

__all__ = ["kept"]


def test_it_is_the_history_that_pages_ask(kept: Kept) -> None:
    _: history.History = kept.history
    assert isinstance(kept.history, History)


async def test_a_list_shows_an_event_by_what_was_never_sealed(kept: Kept) -> None:
    entry = await kept.ticket("n-1", chat="55501")
    (row,) = (await kept.history.events(HERE)).rows

    assert (row.seq, row.key, row.kind, row.chat_id) == (entry.seq, "n-1", "ticket_requested", "55501")
    assert (row.shell, row.outcome, row.flow, row.cause) == ("chat", "ticket.opened", "ticket_opened", None)
    assert (row.document, row.protocol, row.waiting) == ("***.***.***-25", "20261123", False)
    assert row.accepted_at == NOON
    assert row.took == timedelta(seconds=0.5)


async def test_what_waits_has_no_outcome_yet(kept: Kept) -> None:
    await kept.accept(lookup("n-1"))
    (row,) = (await kept.history.events(HERE)).rows

    assert (row.outcome, row.flow, row.cause, row.finished_at, row.took, row.waiting) == (None,) * 5 + (True,)


async def test_an_ending_other_than_planned_is_what_is_shown(kept: Kept) -> None:
    await kept.refused_by_huggy("n-1")
    (row,) = (await kept.history.events(HERE)).rows

    assert (row.outcome, row.flow, row.cause) == ("customer.found", "auxiliary", "huggy.not_found")


async def test_pages_go_both_ways_and_meet(kept: Kept) -> None:
    for number in range(7):
        await kept.found(f"n-{number}")
    await kept.found("x", at=THERE)

    first = await kept.history.events(HERE, limit=3)
    assert (keys(first.rows), first.newer) == (["n-6", "n-5", "n-4"], None)
    second = await kept.history.events(HERE, older_than=first.older, limit=3)
    assert keys(second.rows) == ["n-3", "n-2", "n-1"]
    last = await kept.history.events(HERE, older_than=second.older, limit=3)
    assert (keys(last.rows), last.older) == (["n-0"], None)
    back = await kept.history.events(HERE, newer_than=last.newer, limit=3)
    assert keys(back.rows) == keys(second.rows)
    start = await kept.history.events(HERE, newer_than=back.newer, limit=3)
    assert (keys(start.rows), start.newer, start.older) == (keys(first.rows), None, first.older)
    assert (await kept.history.events(HERE, newer_than=start.rows[0].cursor)).rows == ()


@pytest.mark.parametrize("group", [Group.OK, Group.FAILED, Group.WAITING])
async def test_a_filtered_list_goes_page_by_page_too(kept: Kept, group: Group) -> None:
    for number in range(3):
        await kept.found(f"ok-{number}", chat="1")
        await kept.failed(f"failed-{number}", chat="2")
        await kept.accept(lookup(f"waiting-{number}", chat=f"w{number}"))
    filters = Filters(group=group)

    first = await kept.history.events(HERE, filters, limit=2)
    assert keys(first.rows) == [f"{group}-2", f"{group}-1"]
    rest = await kept.history.events(HERE, filters, older_than=first.older, limit=2)
    assert keys(rest.rows) == [f"{group}-0"]
    back = await kept.history.events(HERE, filters, newer_than=rest.newer, limit=2)
    assert keys(back.rows) == keys(first.rows)


async def test_filters_narrow_alone_and_together(kept: Kept) -> None:
    await kept.found("n-1", chat="1")
    await kept.failed("n-2", chat="2")
    await kept.ticket("n-3", chat="1", protocol="777")
    middle = kept.clock.now()
    await kept.failed("n-4", chat="1", outcome=Failed(cause="erp.http_5xx"))

    async def found(**filters: object) -> list[str]:
        return keys((await kept.history.events(HERE, Filters(**filters))).rows)  # type: ignore[arg-type]

    assert await found(chat_id="1") == ["n-4", "n-3", "n-1"]
    assert await found(outcome="failed") == ["n-4", "n-2"]
    assert await found(outcome="failed", chat_id="1") == ["n-4"]
    assert await found(kind="ticket_requested") == ["n-3"]
    assert await found(kind="customer_lookup", group=Group.OK) == ["n-1"]
    assert await found(kind="unblock_requested") == []
    assert await found(cause="erp.timeout") == ["n-2"]
    assert await found(protocol="777") == ["n-3"]
    assert await found(since=middle) == ["n-4"]
    assert await found(until=middle) == ["n-3", "n-2", "n-1"]
    assert await found(shell="chat", group=Group.FAILED) == ["n-4", "n-2"]  # noqa: S604
    assert await found(shell="flow") == []  # noqa: S604


async def test_what_a_flow_asked_is_found_by_its_shell(kept: Kept) -> None:
    await kept.found("n-1")
    asked = OutageAsked(key=NotificationKey("f-1"), chat=lookup("x").chat, document=CPF)
    entry = await kept.journal.record(HERE, Arrival(notification=asked, raw=b"{}"), window_s=60)
    await kept.end(entry)

    page = await kept.history.events(HERE, Filters(shell="flow"))  # noqa: S604
    assert keys(page.rows) == ["f-1"]
    assert keys((await kept.history.events(HERE, Filters(kind="outage_asked"))).rows) == ["f-1"]


async def test_a_whole_document_finds_its_events_and_not_those_with_the_same_last_digits(kept: Kept) -> None:
    await kept.found("n-1", document="529.982.247-25")
    await kept.found("n-2", document="meu CPF é 52998224725")
    await kept.found("n-3", document="ＣＰＦ ５２９９８２２４７２５")
    await kept.found("n-4", document="987.654.321-00")
    await kept.found("n-5", document="00.000.000/0001-91")
    for document in ("123.456.880-25", "12345696125"):
        await kept.found(f"other {document}", document=document)

    async def found(typed: str) -> list[str]:
        return keys((await kept.history.events(HERE, Filters(document=typed))).rows)

    assert await found("52998224725") == ["n-3", "n-2", "n-1"]
    assert await found("00000000000191") == ["n-5"]
    assert await found("00") == ["n-4"]
    assert len(await found("25")) == 5
    assert await found("***-25") == await found("25")
    assert await found("não é um documento") == []
    assert (await kept.history.events(HERE, Filters(document="52998224725"), limit=2)).older is not None


async def test_one_event_tells_everything_that_is_kept_of_it(kept: Kept) -> None:
    entry = await kept.accept(lookup("n-1"))
    await kept.journal.begin(entry, EffectKey("n-1:0"))
    await kept.journal.keep_trail(entry, TRAIL)
    await kept.journal.finish(entry, EffectKey("n-1:0"))
    await kept.journal.begin(entry, EffectKey("n-1:end"))
    await kept.end(entry)
    event = await kept.history.event(HERE, entry.seq)

    assert event is not None
    assert (event.notification, event.raw, event.outcome) == (entry.notification, b'{"raw": 1}', FOUND)
    assert [(effect.key, effect.state) for effect in event.effects] == [
        ("n-1:0", EffectState.DONE),
        ("n-1:end", EffectState.DOUBTFUL),
    ]
    assert [(attempt.number, attempt.at, attempt.steps) for attempt in event.attempts] == [
        (1, NOON, TRAIL.steps),
        (2, NOON, TRAIL.steps),
    ]
    assert event.chain == (event.row,)
    assert CPF not in repr(event)
    assert await kept.history.event(THERE, entry.seq) is None
    assert await kept.history.event(HERE, entry.seq + 1) is None


async def test_of_very_many_attempts_the_first_and_the_last_are_kept(kept: Kept) -> None:
    entry = await kept.accept(lookup("n-1"))
    for _ in range(25):
        await kept.journal.keep_trail(entry, TRAIL)
    await kept.end(entry)
    event = await kept.history.event(HERE, entry.seq)

    assert event is not None
    assert [attempt.number for attempt in event.attempts] == [*range(1, 11), *range(16, 27)]


async def test_changes_tell_what_came_and_what_went_on_and_nothing_twice_for_long(kept: Kept) -> None:
    waiting = await kept.accept(lookup("n-1", chat="1"))
    await kept.found("n-2", chat="2")
    start = await kept.history.changes(HERE, None)
    assert start.rows == ()
    assert (await kept.history.changes(HERE, start.mark)).rows == ()

    await kept.accept(lookup("n-3", chat="3"))
    await kept.found("x", at=THERE)
    came = await kept.history.changes(HERE, start.mark)
    assert [(row.key, row.waiting) for row in came.rows] == [("n-3", True)]
    assert (await kept.history.changes(HERE, came.mark)).rows == ()

    await kept.end(waiting)
    kept.clock.advance(60)
    went_on = await kept.history.changes(HERE, came.mark)
    assert [(row.key, row.outcome) for row in went_on.rows] == [("n-1", "customer.found")]
    assert (await kept.history.changes(HERE, went_on.mark)).rows == ()


async def test_changes_begin_with_an_empty_installation_too(kept: Kept) -> None:
    start = await kept.history.changes(HERE, None)
    await kept.found("n-1")

    assert keys((await kept.history.changes(HERE, start.mark)).rows) == ["n-1"]


async def test_the_status_card_of_an_installation_that_has_done_nothing(kept: Kept) -> None:
    health = await kept.history.health(HERE, NOON)

    assert (health.last_event_at, health.events, health.success, health.p50_ms, health.waiting) == (
        *(None, 0, None, None, 0),
    )


async def test_the_status_card_counts_the_last_day(kept: Kept) -> None:
    await kept.failed("old")
    kept.clock.advance(25 * 3600)
    for number in range(8):
        await kept.found(f"n-{number}", chat="1")
    await kept.failed("n-8", chat="2")
    await kept.end(await kept.accept(lookup("slow", chat="3")), after_s=10)
    oldest = await kept.accept(lookup("w-1", chat="4"))
    kept.clock.advance(1)
    last = await kept.accept(lookup("w-2", chat="5"))
    health = await kept.history.health(HERE, kept.clock.now())

    assert (health.events, health.failed, health.success) == (12, 1, 0.9)
    assert (health.p50_ms, health.p95_ms) == (500, 10_000)
    assert (health.waiting, health.oldest_waiting_at) == (2, oldest.accepted_at)
    assert health.last_event_at == last.accepted_at


async def test_a_series_has_every_bucket(kept: Kept) -> None:
    await kept.found("n-1")
    await kept.failed("n-2")
    kept.clock.advance(2 * 3600)
    await kept.failed("n-3")
    hour = timedelta(hours=1)

    assert list(await kept.history.series(HERE, start=NOON, width=hour, buckets=4)) == [
        Bucket(start=NOON, events=2, failed=1),
        Bucket(start=NOON + hour, events=0, failed=0),
        Bucket(start=NOON + 2 * hour, events=1, failed=1),
        Bucket(start=NOON + 3 * hour, events=0, failed=0),
    ]


async def test_problems_are_grouped_by_cause_with_the_latest_first(kept: Kept) -> None:
    one = await kept.failed("n-1")
    two = await kept.failed("n-2")
    kept.clock.advance(60)
    three = await kept.failed("n-3", outcome=Failed(cause="erp.unauthorized"))
    await kept.found("n-4")
    timeouts = ProblemGroup(cause="erp.timeout", count=2, first_at=one.accepted_at, last_at=two.accepted_at)
    refused = ProblemGroup(cause="erp.unauthorized", count=1, first_at=three.accepted_at, last_at=three.accepted_at)

    assert list(await kept.history.problems(HERE)) == [refused, timeouts]
    assert list(await kept.history.problems(InstallationId("nobody"))) == []


def test_a_cursor_survives_an_address_and_refuses_anything_else() -> None:
    assert Cursor.parse(str(Cursor(at=5, seq=7))) == Cursor(at=5, seq=7)
    for wrong in ("", "5", "5-", "a-b", "-1-2", "1-²", "9" * 19 + "-1"):
        assert Cursor.parse(wrong) is None

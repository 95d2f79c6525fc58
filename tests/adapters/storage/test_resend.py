"""Events sent again: once each, never behind anybody's back. Over either database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from application.failures import Unavailable
from application.history import Changes, Mark
from application.live import WAITING_MAX, Live
from application.ports import Arrival
from application.resend import (
    AlreadyResent,
    Answer,
    NeedsConfirmation,
    NotResent,
    Resend,
    Resent,
    WhyNotResent,
)
from application.resend_failed import IN_VAIN, Progress, ResendFailed
from domain.identifiers import InstallationId, NotificationKey
from domain.outcome import Failed, Outcome
from domain.resend_key import TIMES_MAX
from tests.adapters.storage.kept import FOUND, TIMEOUT, Kept, kept, keys, lookup
from tests.contracts.journal import HERE, THERE

__all__ = ["kept"]


@pytest.fixture
def resend(kept: Kept) -> Resend:
    return Resend(history=kept.history, mailbox=kept.journal, engine=kept)


async def chain(kept: Kept, seq: int) -> list[tuple[str, str | None]]:
    event = await kept.history.event(HERE, seq)
    assert event is not None
    return [(row.key, row.cause) for row in event.chain]


async def test_a_failed_event_sent_again_ends_in_its_flow_and_both_tell_of_each_other(
    kept: Kept, resend: Resend
) -> None:
    first = await kept.failed("n-1")
    assert await resend(HERE, first.seq, seen=1) == Resent(key=NotificationKey("n-1#2"))
    assert [lane.chat_id for lane in kept.woken] == [first.notification.chat.id]
    await kept.work()

    assert await chain(kept, first.seq) == [("n-1", "erp.timeout"), ("n-1#2", None)]
    second = (await kept.history.events(HERE)).rows[0]
    assert await chain(kept, second.seq) == await chain(kept, first.seq)
    repeated = await kept.history.event(HERE, second.seq)
    original = await kept.history.event(HERE, first.seq)
    assert repeated is not None
    assert original is not None
    assert (repeated.raw, repeated.notification.document) == (original.raw, original.notification.document)


async def test_of_equal_clicks_one_sends_it_again_however_late_the_others_come(kept: Kept, resend: Resend) -> None:
    first = await kept.failed("n-1")
    answers = await asyncio.gather(*(resend(HERE, first.seq, seen=1) for _ in range(5)))
    await kept.work()
    answers.append(await resend(HERE, first.seq, seen=1))

    assert [type(answer) for answer in answers].count(Resent) == 1
    assert [type(answer) for answer in answers].count(AlreadyResent) == 5
    assert len(await chain(kept, first.seq)) == 2


async def test_who_has_seen_the_repetition_may_send_it_once_more_from_either_of_them(
    kept: Kept, resend: Resend
) -> None:
    first = await kept.failed("n-1")
    await resend(HERE, first.seq, seen=1)
    await kept.work(TIMEOUT)
    second = (await kept.history.events(HERE)).rows[0]

    assert await resend(HERE, second.seq, seen=2) == Resent(key=NotificationKey("n-1#3"))
    await kept.work()
    assert await resend(HERE, first.seq, seen=3) == Resent(key=NotificationKey("n-1#4"))


async def test_a_key_made_from_content_is_sent_again_for_the_event_that_was_meant(kept: Kept, resend: Resend) -> None:
    one = await kept.failed("~n")
    kept.clock.advance(60)
    two = await kept.failed("~n")
    await resend(HERE, two.seq, seen=1)
    await kept.work()
    kept.clock.advance(60)

    assert await chain(kept, one.seq) == [("~n", "erp.timeout")]
    assert await chain(kept, two.seq) == [("~n", "erp.timeout"), (f"n@{two.seq}#2", None)]
    assert await resend(HERE, two.seq, seen=1) == AlreadyResent()
    repetition = (await kept.history.events(HERE)).rows[0]
    assert await chain(kept, repetition.seq) == await chain(kept, two.seq)


async def test_a_write_asks_first(kept: Kept, resend: Resend) -> None:
    failed = await kept.failed_ticket("n-1")

    assert await resend(HERE, failed.seq, seen=1) == NeedsConfirmation(writes=1)
    assert kept.woken == []
    assert isinstance(await resend(HERE, failed.seq, seen=1, confirmed=True), Resent)


async def test_what_can_not_be_sent_again_says_why(kept: Kept, resend: Resend) -> None:
    waiting = await kept.accept(lookup("n-1"))
    assert await resend(HERE, waiting.seq, seen=1) == NotResent(reason=WhyNotResent.UNFINISHED)
    await kept.end(waiting)
    assert await resend(THERE, waiting.seq, seen=1) == NotResent(reason=WhyNotResent.GONE)
    assert isinstance(await resend(HERE, waiting.seq, seen=1), Resent)
    assert await resend(HERE, waiting.seq, seen=2) == NotResent(reason=WhyNotResent.UNFINISHED)

    arrival = Arrival(notification=lookup("f-1"), raw=b"{}")
    asked = await kept.end(await kept.journal.record(HERE, arrival, window_s=60))
    assert await resend(HERE, asked.seq, seen=1) == NotResent(reason=WhyNotResent.ANSWERED_TO_FLOW)


async def test_nothing_is_sent_again_for_ever(kept: Kept, resend: Resend) -> None:
    first = await kept.failed("n-1")
    answers: list[Answer] = []
    for seen in range(1, TIMES_MAX + 1):
        answers.append(await resend(HERE, first.seq, seen=seen))
        await kept.work(TIMEOUT)

    assert {type(answer) for answer in answers[:-1]} == {Resent}
    assert answers[-1] == NotResent(reason=WhyNotResent.TOO_OFTEN)


class Office:
    """Runs to the end, with each event worked in the moment in which it would be waited for."""

    def __init__(self, kept: Kept, resend: Resend) -> None:
        self.kept = kept
        self.outcome: Outcome = FOUND
        self.works = True
        self.waits = 0
        self.again = ResendFailed(history=kept.history, resend=resend, clock=kept.clock, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits += 1
        self.kept.clock.advance(seconds)
        if self.works:
            await self.kept.work(self.outcome)
        await asyncio.sleep(0)

    async def start(
        self, since: datetime, *, confirmed: bool = False, reads_only: bool = False
    ) -> Progress | NeedsConfirmation:
        return await self.again.start(
            HERE,
            cause="erp.timeout",
            since=since,
            seen_at=self.kept.clock.now(),
            confirmed=confirmed,
            reads_only=reads_only,
        )

    async def ended(self) -> Progress:
        async with asyncio.timeout(60):
            while (progress := self.again.progress(HERE)) is None or not progress.over:  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0.001)  # with 0 it would keep the interpreter from the threads it waits for
        return progress


@pytest.fixture
async def office(kept: Kept, resend: Resend) -> AsyncIterator[Office]:
    office = Office(kept, resend)
    yield office
    await office.again.stop()


async def test_all_that_failed_for_a_cause_since_then_is_sent_again_oldest_first(kept: Kept, office: Office) -> None:
    await kept.failed("before")
    since = kept.clock.now()
    for number in range(3):
        await kept.failed(f"n-{number}", chat=str(number))
    await kept.failed("other", outcome=Failed(cause="erp.unauthorized"))
    started = await office.start(since)

    assert isinstance(started, Progress)
    assert (started.total, started.done, started.over) == (3, 0, False)
    progress = await office.ended()
    assert (progress.resent, progress.skipped, progress.failed_again, progress.stopped) == (3, 0, 0, False)
    assert keys((await kept.history.events(HERE)).rows)[:3] == ["n-2#2", "n-1#2", "n-0#2"]


async def test_a_second_run_sends_nothing_that_the_first_one_sent(kept: Kept, office: Office) -> None:
    since = kept.clock.now()
    for number in range(3):
        await kept.failed(f"n-{number}", chat=str(number))
    assert office.again.progress(HERE) is None
    first, second = await office.start(since), await office.start(since)
    assert first == second, "it is the same run"
    await office.ended()
    await office.start(since)
    progress = await office.ended()

    assert (progress.total, progress.resent, progress.skipped) == (3, 0, 3)
    assert len((await kept.history.events(HERE)).rows) == 6


async def test_what_was_sent_again_in_vain_counts_for_the_next_run(kept: Kept, office: Office) -> None:
    since = kept.clock.now()
    await kept.failed("n-1")
    office.outcome = TIMEOUT
    await office.start(since)
    assert (await office.ended()).failed_again == 1
    office.outcome = FOUND
    kept.clock.advance(1)
    await office.start(since)
    progress = await office.ended()

    assert (progress.total, progress.resent, progress.skipped) == (2, 1, 1)
    assert keys((await kept.history.events(HERE)).rows) == ["n-1#3", "n-1#2", "n-1"]


async def test_a_run_stops_while_the_cause_is_still_there(kept: Kept, office: Office) -> None:
    since = kept.clock.now()
    for number in range(IN_VAIN + 3):
        await kept.failed(f"n-{number}", chat=str(number))
    office.outcome = TIMEOUT
    await office.start(since)
    progress = await office.ended()

    assert (progress.resent, progress.stopped) == (IN_VAIN, True)


async def test_writes_are_sent_again_only_when_that_is_confirmed_and_may_be_left_out(
    kept: Kept, office: Office
) -> None:
    since = kept.clock.now()
    await kept.failed("n-1", chat="1")
    await kept.failed_ticket("n-2", chat="2")

    assert await office.start(since) == NeedsConfirmation(writes=1)
    assert office.again.progress(HERE) is None
    await office.start(since, reads_only=True)
    assert (await office.ended()).total == 1
    await office.start(since, confirmed=True)
    progress = await office.ended()
    assert (progress.total, progress.resent, progress.skipped) == (2, 1, 1)


async def test_an_event_that_takes_very_long_holds_up_no_other_for_ever(kept: Kept, office: Office) -> None:
    since = kept.clock.now()
    await kept.failed("n-1", chat="1")
    await kept.failed("n-2", chat="2")
    office.works = False
    await office.start(since)

    assert (await office.ended()).resent == 2
    assert office.waits > 200


async def test_a_run_over_many_pages_misses_none(kept: Kept, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.resend_failed.PAGE", 2)
    since = kept.clock.now()
    for number in range(5):
        await kept.failed(f"n-{number}", chat=str(number))
    await office.start(since)

    assert (await office.ended()).resent == 5


async def test_what_goes_wrong_with_one_event_is_counted_and_the_others_go_on(kept: Kept, office: Office) -> None:
    since = kept.clock.now()
    for number in range(2):
        await kept.failed(f"n-{number}", chat=str(number))

    class Refusing:
        def __init__(self) -> None:
            self.left = 1

        async def __call__(
            self, installation_id: InstallationId, seq: int, *, seen: int, confirmed: bool = False
        ) -> Answer:
            self.left -= 1
            if self.left == 0:
                raise Unavailable("storage.busy")
            return NotResent(reason=WhyNotResent.GONE)

    office.again = ResendFailed(
        history=kept.history,
        resend=Refusing(),  # type: ignore[arg-type]
        clock=kept.clock,
        sleep=office._sleep,
    )
    await office.start(since)
    assert (await office.ended()).skipped == 2


async def test_everybody_who_looks_is_told_what_goes_on_by_one_look_at_a_time(kept: Kept) -> None:
    gate: asyncio.Queue[None] = asyncio.Queue()

    class Counting:
        looks = 0

        async def changes(self, installation_id: InstallationId, after: Mark | None) -> Changes:
            self.looks += 1
            if self.looks == 2:
                raise Unavailable("storage.failed")
            return await kept.history.changes(installation_id, after)

    async def sleep(_: float) -> None:
        await gate.get()

    counting = Counting()
    live = Live(history=counting, sleep=sleep)  # type: ignore[arg-type]
    async with live.watching(HERE) as one, live.watching(HERE) as two:
        while counting.looks < 1 or not gate._getters:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)
        await kept.found("n-1")
        gate.put_nowait(None)  # finds the database gone
        gate.put_nowait(None)
        async with asyncio.timeout(10):
            assert keys(await one.get()) == ["n-1"]
            assert keys(await two.get()) == ["n-1"]
        assert counting.looks == 3
        for _ in range(WAITING_MAX + 1):
            one.put_nowait(()) if not one.full() else None
        await kept.found("n-2")
        gate.put_nowait(None)
        async with asyncio.timeout(10):
            assert keys(await two.get()) == ["n-2"]
        assert one.full(), "the oldest was dropped for the newest"
    async with live.watching(HERE):
        pass

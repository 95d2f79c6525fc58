"""What `application.ports.Journal` promises. Subclasses bring a `bench` fixture."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest

from adapters.memory.clock import SetClock
from application.ports import Arrival, Begun, Conclusion, EffectState, Entry, Journal, Lane, Receipt
from domain.action import Message, Route, Say, StartFlow
from domain.identifiers import ChatId, EffectKey, FlowId, InstallationId, NotificationKey
from domain.installation import FlowKey
from domain.notification import (
    BoletoRequested,
    ChatRef,
    CustomerLookup,
    NotForUs,
    Notification,
    TicketRequested,
    UnblockRequested,
)
from domain.outcome import Failed, NoOpenBoleto
from domain.trail import Step, Trail

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=ZoneInfo("America/Sao_Paulo"))
HERE = InstallationId("inst-1")
THERE = InstallationId("inst-2")
EFFECT = EffectKey("n-1:0")
NEXT = EffectKey("n-1:1")
ROUTE = Route(
    remarks=(Say(message=Message(key="boleto.none", values={"name": "Ana"})),),
    terminal=StartFlow(flow=FlowKey.BOLETOS_NONE, flow_id=FlowId("14")),
)
CONCLUDED = Conclusion(outcome=NoOpenBoleto(), route=ROUTE)


class HasJournal(Protocol):
    @property
    def journal(self) -> Journal: ...


class JournalBench(HasJournal, Protocol):
    """A journal, its clock, and a back door."""

    @property
    def clock(self) -> SetClock: ...

    @abstractmethod
    async def crash(self) -> None:
        """The process dies; `journal` is that of the next one."""

    @abstractmethod
    async def unknown(self, installation_id: InstallationId) -> Sequence[tuple[str, str, int, bytes]]:
        """Reason, event, how often, sample."""


def arrival(key: str, chat: str = "55501", document: str = "529.982.247-25") -> Arrival:
    notification = CustomerLookup(
        key=NotificationKey(key), chat=ChatRef(id=ChatId(chat), phone="+55 11 98765-4321"), document=document
    )
    return Arrival(notification=notification, raw=b'{"any": "thing"}')


def lane(chat: str = "55501", installation: InstallationId = HERE) -> Lane:
    return Lane(installation_id=installation, chat_id=ChatId(chat))


async def accept(bench: HasJournal, *keys: str, chat: str = "55501", at: InstallationId = HERE) -> Receipt:
    return await bench.journal.accept(at, [arrival(key, chat) for key in keys], window_s=60)


async def accepted(bench: HasJournal, key: str = "n-1", chat: str = "55501") -> Entry:
    """The head of a chat's lane after one notification."""
    await accept(bench, key, chat=chat)
    return await head(bench, chat)


async def head(bench: HasJournal, chat: str = "55501", at: InstallationId = HERE) -> Entry:
    entry = await bench.journal.head(lane(chat, at))
    assert entry is not None
    return entry


async def recorded(bench: HasJournal, key: str) -> Entry:
    return await bench.journal.record(HERE, arrival(key), window_s=60)


class JournalContract:
    async def test_what_is_accepted_is_the_head_of_its_chat_as_it_came_in(self, bench: JournalBench) -> None:
        chat = ChatRef(id=ChatId("55501"))
        every_kind: list[Notification] = [
            CustomerLookup(key=NotificationKey("a"), chat=chat, document="529.982.247-25"),
            BoletoRequested(key=NotificationKey("b"), chat=chat, document="x", contract="2"),
            UnblockRequested(key=NotificationKey("c"), chat=chat, document="", contract="{{"),
            TicketRequested(key=NotificationKey("d"), chat=chat, document="x", description="sem 📶\x00 há 2 dias"),
        ]
        arrivals = [Arrival(notification=each, raw=b"\xff\x00") for each in every_kind]
        assert await bench.journal.accept(HERE, arrivals, window_s=60) == Receipt(accepted=4, duplicates=0)

        for expected in every_kind:
            entry = await head(bench)
            assert entry.notification == expected
            assert entry.installation_id == HERE
            assert entry.accepted_at == NOON
            assert (entry.outcome, entry.route, entry.resumed, entry.age_s) == (None, None, False, 0)
            await bench.journal.finish_entry(entry)

    async def test_nothing_arriving_changes_nothing(self, bench: JournalBench) -> None:
        assert await accept(bench) == Receipt(accepted=0, duplicates=0)
        assert await bench.journal.unfinished() == []

    async def test_a_key_repeated_inside_one_call_is_a_duplicate(self, bench: JournalBench) -> None:
        assert await accept(bench, "n-1", "n-2", "n-1") == Receipt(accepted=2, duplicates=1)

    async def test_a_key_of_an_earlier_call_is_a_duplicate_for_ever(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.finish_entry(entry)
        bench.clock.advance(10**7)
        await bench.crash()

        assert await accept(bench, "n-2", "n-1") == Receipt(accepted=1, duplicates=1)

    async def test_a_duplicate_leaves_the_first_notification_as_it_was(self, bench: JournalBench) -> None:
        await bench.journal.accept(HERE, [arrival("n-1", document="first")], window_s=60)
        await bench.journal.accept(HERE, [arrival("n-1", document="second")], window_s=60)
        await bench.crash()

        notification = (await head(bench)).notification
        assert notification.document == "first"

    async def test_keys_of_two_installations_do_not_meet(self, bench: JournalBench) -> None:
        await accept(bench, "n-1", "~n")

        assert await accept(bench, "n-1", "~n", at=THERE) == Receipt(accepted=2, duplicates=0)

    async def test_of_many_deliveries_of_one_key_at_once_one_is_accepted(self, bench: JournalBench) -> None:
        receipts = await asyncio.gather(*(accept(bench, key) for _ in range(20) for key in ("n-1", "~n")))

        assert sum(receipt.accepted for receipt in receipts) == 2
        assert sum(receipt.duplicates for receipt in receipts) == 38

    async def test_a_key_made_from_content_is_new_again_after_the_window_and_not_before(
        self, bench: JournalBench
    ) -> None:
        await accept(bench, "~n")
        bench.clock.advance(59.999)
        assert await accept(bench, "~n") == Receipt(accepted=0, duplicates=1)

        bench.clock.advance(0.001)
        assert await accept(bench, "~n", "~n") == Receipt(accepted=1, duplicates=1)

        bench.clock.advance(59.999)
        assert await accept(bench, "~n") == Receipt(accepted=0, duplicates=1), "the window runs from the last accepted"

    async def test_the_window_of_a_key_made_from_content_outlives_the_process(self, bench: JournalBench) -> None:
        await accept(bench, "~n")
        await bench.crash()
        bench.clock.advance(59)
        assert await accept(bench, "~n") == Receipt(accepted=0, duplicates=1)

        bench.clock.advance(1)
        assert await accept(bench, "~n") == Receipt(accepted=1, duplicates=0)

    async def test_the_oldest_of_a_chat_stays_its_head_until_it_is_finished(self, bench: JournalBench) -> None:
        await accept(bench, "n-1", "n-2")
        await accept(bench, "n-3")
        for key in ("n-1", "n-2", "n-3"):
            first, again = await head(bench), await head(bench)
            assert first == again
            assert first.notification.key == key
            await bench.journal.finish_entry(first)

        assert await bench.journal.head(lane()) is None

    async def test_who_finishes_an_entry_is_told_what_is_the_head_now(self, bench: JournalBench) -> None:
        await accept(bench, "n-1", "n-2", "n-3")
        await accept(bench, "elsewhere", chat="2")
        first = await head(bench)
        bench.clock.advance(2)

        following = await bench.journal.finish_entry(first, happened=EFFECT)
        assert following == await head(bench)
        assert following is not None
        assert (following.notification.key, following.age_s) == ("n-2", 2)
        assert await bench.journal.finish_entry(first) == following, "finished twice"

        last = await bench.journal.finish_entry(following)
        assert last is not None
        assert last.notification.key == "n-3"
        assert await bench.journal.finish_entry(last) is None

    async def test_chats_and_installations_have_lanes_of_their_own(self, bench: JournalBench) -> None:
        await accept(bench, "n-1", chat="1")
        await accept(bench, "n-2", chat="2")
        await accept(bench, "n-3", chat="1", at=THERE)

        assert (await head(bench, "1")).notification.key == "n-1"
        assert (await head(bench, "2")).notification.key == "n-2"
        assert (await head(bench, "1", THERE)).notification.key == "n-3"
        assert await bench.journal.head(lane("2", THERE)) is None

    async def test_unfinished_lanes_come_with_the_oldest_entry_first_and_each_once(self, bench: JournalBench) -> None:
        await accept(bench, "n-1", chat="3")
        await accept(bench, "n-2", chat="1", at=THERE)
        await accept(bench, "n-3", "n-4", chat="2")
        await accept(bench, "n-5", chat="3")
        before = [lane("3"), lane("1", THERE), lane("2")]
        assert list(await bench.journal.unfinished()) == before
        await bench.crash()
        assert list(await bench.journal.unfinished()) == before

        await bench.journal.finish_entry(await head(bench, "3"))
        assert list(await bench.journal.unfinished()) == [lane("1", THERE), lane("2"), lane("3")]

    async def test_a_finished_entry_is_not_seen_again_after_a_crash(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.finish_entry(entry)
        await bench.journal.finish_entry(entry)
        await bench.crash()

        assert await bench.journal.unfinished() == []
        assert await bench.journal.head(lane()) is None

    async def test_entries_are_numbered_in_the_order_of_their_acceptance(self, bench: JournalBench) -> None:
        one = await accepted(bench, "n-1", "1")
        await bench.journal.finish_entry(one)
        await bench.crash()
        two = await accepted(bench, "n-2", "2")

        assert two.seq > one.seq

    async def test_the_age_of_an_entry_does_not_jump_with_the_clock_of_the_host(self, bench: JournalBench) -> None:
        await accept(bench, "n-1")
        bench.clock.advance(5)
        bench.clock.jump(3600)
        assert (await head(bench)).age_s == 5

        bench.clock.jump(-7200)
        assert (await head(bench)).age_s == 5

    async def test_the_age_after_a_crash_is_counted_from_acceptance(self, bench: JournalBench) -> None:
        await accept(bench, "n-1")
        bench.clock.advance(5)
        await bench.crash()
        bench.clock.advance(2)

        assert (await head(bench)).age_s == 7

    async def test_after_a_crash_too_the_age_does_not_jump_while_the_process_lives(self, bench: JournalBench) -> None:
        await accept(bench, "n-1")
        bench.clock.advance(5)
        await bench.crash()
        for seconds in (3600, -7200):
            bench.clock.jump(seconds)
            assert (await head(bench)).age_s == 5

    async def test_only_what_an_earlier_process_began_is_resumed(self, bench: JournalBench) -> None:
        before = await accepted(bench, "n-1", "1")
        assert not before.resumed
        await bench.journal.begin(before, EFFECT)
        assert not (await head(bench, "1")).resumed
        await bench.crash()
        after = await accepted(bench, "n-2", "2")

        assert not after.resumed
        assert (await head(bench, "1")).resumed
        assert (await head(bench, "1")).notification == before.notification
        assert (await head(bench, "1")).accepted_at == before.accepted_at

    async def test_an_effect_is_fresh_once_then_doubtful_then_done(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        assert await bench.journal.recall(entry, EFFECT) is None
        assert await bench.journal.begin(entry, EFFECT, b"before") == Begun(state=EffectState.FRESH, note=b"before")
        doubtful = Begun(state=EffectState.DOUBTFUL, note=b"before")
        assert await bench.journal.recall(entry, EFFECT) == doubtful
        assert await bench.journal.begin(entry, EFFECT, b"second try") == doubtful

        await bench.journal.finish(entry, EFFECT, b"after")
        done = Begun(state=EffectState.DONE, note=b"after")
        assert await bench.journal.recall(entry, EFFECT) == done
        assert await bench.journal.begin(entry, EFFECT, b"third try") == done

    async def test_of_many_who_begin_one_effect_at_once_one_finds_it_fresh(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        begun = await asyncio.gather(*(bench.journal.begin(entry, EFFECT) for _ in range(10)))

        assert [each.state for each in begun].count(EffectState.FRESH) == 1
        assert [each.state for each in begun].count(EffectState.DOUBTFUL) == 9

    async def test_an_intent_survives_a_crash_as_a_doubt(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT, b"before")
        await bench.crash()

        doubtful = Begun(state=EffectState.DOUBTFUL, note=b"before")
        assert await bench.journal.recall(await head(bench), EFFECT) == doubtful
        assert await bench.journal.begin(await head(bench), EFFECT, b"now") == doubtful

    async def test_what_happened_is_known_after_a_crash(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT, b"before")
        await bench.journal.finish(entry, EFFECT, b"\x00\xffafter")
        await bench.crash()

        done = Begun(state=EffectState.DONE, note=b"\x00\xffafter")
        assert await bench.journal.recall(await head(bench), EFFECT) == done
        assert await bench.journal.begin(await head(bench), EFFECT) == done

    async def test_the_next_effect_begins_in_the_commit_that_finishes_the_one_before(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT, b"before")
        fresh = await bench.journal.begin(entry, NEXT, b"next", happened=EFFECT)
        assert fresh == Begun(state=EffectState.FRESH, note=b"next")
        for _ in range(2):
            assert await bench.journal.recall(await head(bench), EFFECT) == Begun(state=EffectState.DONE)
            next_one = await bench.journal.recall(await head(bench), NEXT)
            assert next_one == Begun(state=EffectState.DOUBTFUL, note=b"next")
            await bench.crash()

    async def test_the_one_before_is_finished_also_where_the_next_was_begun_already(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT)
        await bench.journal.begin(entry, NEXT)
        assert (await bench.journal.begin(entry, NEXT, happened=EFFECT)).state is EffectState.DOUBTFUL
        await bench.crash()
        assert await bench.journal.recall(await head(bench), EFFECT) == Begun(state=EffectState.DONE)

    async def test_an_entry_is_finished_together_with_its_last_effect(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT)
        await bench.journal.finish_entry(entry, happened=EFFECT)
        assert await bench.journal.head(lane()) is None
        assert await bench.journal.recall(entry, EFFECT) == Begun(state=EffectState.DONE)

    async def test_what_many_chats_record_at_once_is_each_ones_own(self, bench: JournalBench) -> None:
        """More than one statement takes, all in different states."""
        chats = [str(number) for number in range(150)]
        entries = await asyncio.gather(*(accepted(bench, f"n-{chat}", chat) for chat in chats))

        async def work(number: int, entry: Entry) -> Begun:
            effects = [EffectKey(f"{number}:{each}") for each in range(2)]
            fresh = await bench.journal.begin(entry, effects[0], f"first {number}".encode())
            if number % 5 == 0:
                await bench.journal.forget(entry, effects[0])
            if number % 2:
                await bench.journal.conclude(entry, Conclusion(outcome=Failed(cause=f"cause.{number}"), route=ROUTE))
            if number % 3 == 0:
                fresh = await bench.journal.begin(entry, effects[1], f"next {number}".encode(), happened=effects[0])
            if number % 7 == 0:
                await bench.journal.finish_entry(entry, happened=effects[1])
            return fresh

        begun = await asyncio.gather(*(work(number, entry) for number, entry in enumerate(entries)))
        assert [each.note.decode() for each in begun] == [
            f"{'first' if number % 3 else 'next'} {number}" for number in range(150)
        ]
        assert {each.state for each in begun} == {EffectState.FRESH}
        await bench.crash()
        for number, entry in enumerate(entries):
            now = await bench.journal.head(lane(chats[number]))
            assert (now is None) == (number % 7 == 0)
            if now is not None:
                assert now.outcome == (Failed(cause=f"cause.{number}") if number % 2 else None)
            known = [await bench.journal.recall(entry, EffectKey(f"{number}:{each}")) for each in range(2)]
            assert known == [
                Begun(state=EffectState.DONE)
                if number % 3 == 0
                else None
                if number % 5 == 0
                else Begun(state=EffectState.DOUBTFUL, note=f"first {number}".encode()),
                Begun(state=EffectState.DONE)
                if number % 7 == 0
                else Begun(state=EffectState.DOUBTFUL, note=f"next {number}".encode())
                if number % 3 == 0
                else None,
            ]

    async def test_an_entry_that_is_finished_twice_at_once_is_finished_once(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        trail = Trail(at=NOON, steps=(Step(what="erp.customer", at_ms=1, took_ms=2.5),))
        ends = [bench.journal.finish_entry(entry, trail=trail) for _ in range(3)]
        await asyncio.gather(accept(bench, "n-2"), *ends)  # while that commits, these come together
        assert (await head(bench)).notification.key == "n-2"

    async def test_an_effect_finished_without_a_note_has_none(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT, b"before")
        await bench.journal.finish(entry, EFFECT)
        assert await bench.journal.recall(entry, EFFECT) == Begun(state=EffectState.DONE)

        await bench.crash()
        assert await bench.journal.recall(await head(bench), EFFECT) == Begun(state=EffectState.DONE)

    async def test_an_intent_taken_back_makes_the_effect_fresh_again(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT, b"first")
        await bench.journal.forget(entry, EFFECT)
        assert await bench.journal.recall(entry, EFFECT) is None
        assert await bench.journal.begin(entry, EFFECT, b"second") == Begun(state=EffectState.FRESH, note=b"second")

        await bench.journal.forget(entry, EFFECT)
        await bench.crash()
        assert await bench.journal.recall(await head(bench), EFFECT) is None
        assert (await bench.journal.begin(await head(bench), EFFECT)).state is EffectState.FRESH

    async def test_what_happened_is_not_forgotten(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT)
        await bench.journal.finish(entry, EFFECT, b"done")
        await bench.journal.forget(entry, EFFECT)
        done = Begun(state=EffectState.DONE, note=b"done")
        assert await bench.journal.begin(entry, EFFECT) == done

        await bench.crash()
        assert await bench.journal.begin(await head(bench), EFFECT) == done

    async def test_effects_belong_to_their_entry_even_where_two_share_a_key(self, bench: JournalBench) -> None:
        first = await accepted(bench, "~n")
        await bench.journal.begin(first, EFFECT)
        await bench.journal.finish(first, EFFECT)
        await bench.journal.finish_entry(first)
        bench.clock.advance(60)
        second = await accepted(bench, "~n")

        assert await bench.journal.recall(second, EFFECT) is None
        assert (await bench.journal.begin(second, EFFECT)).state is EffectState.FRESH

    async def test_effects_are_known_after_their_entry_is_finished(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT)
        await bench.journal.finish(entry, EFFECT, b"done")
        await bench.journal.finish_entry(entry)

        done = Begun(state=EffectState.DONE, note=b"done")
        assert await bench.journal.recall(entry, EFFECT) == done
        assert await bench.journal.recall(entry, EffectKey("n-1:1")) is None
        assert await bench.journal.begin(entry, EFFECT) == done

    async def test_the_last_conclusion_counts_now_and_after_a_crash(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        auxiliary = Route(terminal=StartFlow(flow=FlowKey.AUXILIARY, flow_id=None))
        await bench.journal.conclude(entry, Conclusion(outcome=Failed(cause="erp.timeout"), route=auxiliary))
        assert (await head(bench)).outcome == Failed(cause="erp.timeout")
        assert (await head(bench)).route == auxiliary

        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        assert ((await head(bench)).outcome, (await head(bench)).route) == (NoOpenBoleto(), ROUTE)
        await bench.crash()
        assert ((await head(bench)).outcome, (await head(bench)).route) == (NoOpenBoleto(), ROUTE)

    async def test_a_conclusion_is_kept_by_the_commit_of_the_first_intent(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        begun = await bench.journal.begin(entry, EFFECT, b"before", concluded=CONCLUDED)
        assert begun == Begun(state=EffectState.FRESH, note=b"before")
        for _ in range(2):
            assert ((await head(bench)).outcome, (await head(bench)).route) == (NoOpenBoleto(), ROUTE)
            doubtful = Begun(state=EffectState.DOUBTFUL, note=b"before")
            assert await bench.journal.recall(await head(bench), EFFECT) == doubtful
            await bench.crash()

    async def test_a_conclusion_is_kept_also_where_the_intent_was_known_already(self, bench: JournalBench) -> None:
        entry = await accepted(bench)
        await bench.journal.begin(entry, EFFECT)
        begun = await bench.journal.begin(entry, EFFECT, concluded=CONCLUDED, happened=EFFECT)
        assert begun.state is EffectState.DONE
        await bench.crash()
        assert (await head(bench)).outcome == NoOpenBoleto()

    async def test_a_conclusion_is_kept_by_the_commit_that_finishes_its_entry(self, bench: JournalBench) -> None:
        entry = await recorded(bench, "~f")
        assert await bench.journal.finish_entry(entry, concluded=CONCLUDED) is None
        await bench.crash()
        again = await recorded(bench, "~f")
        assert (again.outcome, again.route) == (NoOpenBoleto(), ROUTE)

    async def test_a_conclusion_finishes_nothing_and_concerns_its_entry_alone(self, bench: JournalBench) -> None:
        entry = await accepted(bench, "n-1", "1")
        await accept(bench, "n-2", chat="2")
        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))

        assert list(await bench.journal.unfinished()) == [lane("1"), lane("2")]
        assert (await head(bench, "2")).outcome is None

    async def test_what_is_recorded_is_never_among_the_unfinished(self, bench: JournalBench) -> None:
        entry = await recorded(bench, "f-1")
        assert entry.notification == arrival("f-1").notification
        assert (entry.installation_id, entry.accepted_at) == (HERE, NOON)
        assert (entry.outcome, entry.route, entry.resumed, entry.age_s) == (None, None, False, 0)
        for _ in range(2):
            assert await bench.journal.unfinished() == []
            assert await bench.journal.head(lane()) is None
            await bench.crash()

    async def test_what_is_recorded_does_not_hold_up_its_chat(self, bench: JournalBench) -> None:
        await recorded(bench, "f-1")
        await accept(bench, "n-1")
        await recorded(bench, "f-2")

        assert (await head(bench)).notification.key == "n-1"
        assert list(await bench.journal.unfinished()) == [lane()]

    async def test_the_same_request_again_finds_the_first_and_its_conclusion(self, bench: JournalBench) -> None:
        first = await recorded(bench, "~f")
        second = await recorded(bench, "~f")
        assert (second.seq, second.resumed, second.outcome) == (first.seq, True, None)

        await bench.journal.conclude(first, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        await bench.journal.finish_entry(first)
        for _ in range(2):
            again = await recorded(bench, "~f")
            assert (again.seq, again.outcome, again.route) == (first.seq, NoOpenBoleto(), ROUTE)
            assert again.notification == first.notification
            await bench.crash()

    async def test_the_last_conclusion_of_a_recorded_request_counts_even_after_it_was_finished(
        self, bench: JournalBench
    ) -> None:
        entry = await recorded(bench, "~f")
        await bench.journal.conclude(entry, Conclusion(outcome=Failed(cause="erp.timeout"), route=ROUTE))
        await bench.journal.finish_entry(entry)
        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        await bench.journal.finish_entry(entry)

        assert (await recorded(bench, "~f")).outcome == NoOpenBoleto()
        assert await bench.journal.unfinished() == []

    async def test_a_recorded_request_is_new_again_after_the_window_and_not_before(self, bench: JournalBench) -> None:
        first = await recorded(bench, "~f")
        await bench.journal.conclude(first, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        bench.clock.advance(59.999)
        earlier = await recorded(bench, "~f")
        assert earlier.seq == first.seq
        assert earlier.age_s == pytest.approx(59.999)

        bench.clock.advance(0.001)
        new = await recorded(bench, "~f")
        assert new.seq > first.seq
        assert (new.outcome, new.resumed) == (None, False)

    async def test_a_recorded_key_of_its_own_is_known_for_ever(self, bench: JournalBench) -> None:
        first = await recorded(bench, "f-1")
        bench.clock.advance(10**7)

        assert (await recorded(bench, "f-1")).seq == first.seq

    async def test_recorded_keys_of_two_installations_do_not_meet(self, bench: JournalBench) -> None:
        here = await recorded(bench, "~f")

        assert (await bench.journal.record(THERE, arrival("~f"), window_s=60)).seq != here.seq

    async def test_of_many_equal_requests_at_once_one_is_the_first(self, bench: JournalBench) -> None:
        entries = await asyncio.gather(*(recorded(bench, key) for _ in range(20) for key in ("~f", "~g")))

        assert len({entry.seq for entry in entries}) == 2
        assert [entry.resumed for entry in entries].count(False) == 2

    async def test_effects_hang_on_a_recorded_request_as_on_any_other(self, bench: JournalBench) -> None:
        entry = await recorded(bench, "~f")
        assert await bench.journal.recall(entry, EFFECT) is None
        assert (await bench.journal.begin(entry, EFFECT, b"before")).state is EffectState.FRESH
        await bench.crash()
        again = await recorded(bench, "~f")
        assert await bench.journal.begin(again, EFFECT) == Begun(state=EffectState.DOUBTFUL, note=b"before")

        await bench.journal.finish(again, EFFECT, b"after")
        await bench.journal.finish_entry(again)
        assert await bench.journal.recall(again, EFFECT) == Begun(state=EffectState.DONE, note=b"after")

    async def test_of_many_who_begin_one_effect_of_a_recorded_request_at_once_one_finds_it_fresh(
        self, bench: JournalBench
    ) -> None:
        entries = await asyncio.gather(*(recorded(bench, "~f") for _ in range(10)))
        begun = await asyncio.gather(*(bench.journal.begin(entry, EFFECT) for entry in entries))

        assert [each.state for each in begun].count(EffectState.FRESH) == 1

    async def test_what_is_not_understood_is_kept_once_and_counted(self, bench: JournalBench) -> None:
        strange = NotForUs(reason="event_unknown", event="novidade")
        await bench.journal.keep_unknown(HERE, strange, b'{"a": 1}')
        await bench.journal.keep_unknown(HERE, strange, b'{"a": 2}')
        await bench.journal.keep_unknown(HERE, NotForUs(reason="event_unknown", event="outra"), b"{}")
        await bench.journal.keep_unknown(THERE, strange, b"{}")
        await bench.crash()

        assert sorted(await bench.unknown(HERE)) == [
            ("event_unknown", "novidade", 2, b'{"a": 1}'),
            ("event_unknown", "outra", 1, b"{}"),
        ]


class HostClockContract:
    """Of a journal that stamps what it accepts with the clock of its own process."""

    async def test_a_clock_that_was_set_back_swallows_no_customer(self, bench: JournalBench) -> None:
        await accept(bench, "~n")
        bench.clock.jump(-3600)

        assert await accept(bench, "~n") == Receipt(accepted=1, duplicates=0)

    async def test_the_age_after_a_crash_is_never_negative(self, bench: JournalBench) -> None:
        await accept(bench, "n-1")
        await bench.crash()
        bench.clock.jump(-3600)

        assert (await head(bench)).age_s == 0

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack

import psycopg
import pytest

from adapters.storage.postgres_accept import Delivery, Row, store
from adapters.storage.postgres_batches import Asking, Batches, Rows, Statement, ask
from adapters.storage.postgres_journal import PostgresJournal
from adapters.storage.postgres_server import Session, connect
from adapters.storage.seal import Seal
from application.failures import Unavailable
from application.ports import Arrival, Begun, Conclusion, EffectState, Journal, Receipt
from domain.action import Route, StartFlow
from domain.identifiers import EffectKey, InstallationId
from domain.installation import FlowKey
from domain.outcome import NoOpenBoleto
from tests.adapters.storage.files import KEY, served
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.adapters.storage.recorded import recorded
from tests.contracts.journal import (
    EFFECT,
    HERE,
    ROUTE,
    THERE,
    JournalContract,
    accept,
    accepted,
    arrival,
    head,
    lane,
)
from tests.postgres import PostgresServer


class PostgresJournalBench(ServedPostgres):
    async def unknown(self, installation_id: InstallationId) -> Sequence[tuple[str, str, int, bytes]]:
        kept = await self.history.unknown(installation_id)
        return [(each.reason, each.event, each.occurrences, each.sample) for each in kept]


@pytest.fixture
def bench(kept_url: str) -> Iterator[PostgresJournalBench]:
    bench = PostgresJournalBench(kept_url)
    yield bench
    bench.close()


@pytest.fixture
async def elsewhere(bench: PostgresJournalBench) -> AsyncIterator[Journal]:
    """The same journal as another process has it."""
    with served(bench.url) as database:
        yield database.journal


async def until_somebody_waits_for_a_lock(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        async with asyncio.timeout(10):
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
            while not await (await connection.execute(waiting)).fetchall():  # noqa: ASYNC110  # PostgreSQL tells nobody
                await asyncio.sleep(0)


class TestPostgresJournal(JournalContract):
    def test_it_is_a_journal(self, bench: PostgresJournalBench) -> None:
        _: Journal = bench.journal


class TestTime:
    async def test_a_host_whose_clock_is_wrong_makes_nothing_new_and_nobody_late(
        self, bench: PostgresJournalBench
    ) -> None:
        await accept(bench, "~n")
        bench.clock.jump(7200)

        assert await accept(bench, "~n") == Receipt(accepted=0, duplicates=1)
        assert (await head(bench)).age_s == 0

    async def test_a_database_whose_clock_was_set_back_swallows_no_customer(self, bench: PostgresJournalBench) -> None:
        await accept(bench, "~n")
        bench.host_clock.jump_database(-3600)

        assert await accept(bench, "~n") == Receipt(accepted=1, duplicates=0)
        assert (await head(bench)).age_s == 0


class TestOrderAcrossProcesses:
    async def test_a_chat_waits_for_the_commit_of_what_came_before_and_other_chats_do_not(
        self, bench: PostgresJournalBench
    ) -> None:
        row = Row(event_key="n-1", kind="test", chat_id="1", payload=await _payload(bench))
        first = Delivery(installation_id=HERE, rows=[row], window_s=60)
        with connect(bench.url) as elsewhere:
            with elsewhere.transaction():
                assert store(elsewhere, [first]) == [1]
                second = asyncio.create_task(accept(bench, "n-2", chat="1"))
                await until_somebody_waits_for_a_lock(bench.url)
                assert (await accept(bench, "n-3", chat="2")).accepted == 1
                assert not second.done()
                assert await bench.journal.head(lane("1")) is None
            assert (await second).accepted == 1

        seqs = [row.seq for row in (await bench.history.events(HERE)).rows]
        assert seqs == sorted(seqs, reverse=True)
        oldest = await head(bench, "1")
        await bench.journal.finish_entry(oldest)
        assert (await head(bench, "1")).seq > oldest.seq

    async def test_while_two_processes_accept_for_one_chat_its_head_stays(
        self, bench: PostgresJournalBench, elsewhere: Journal
    ) -> None:
        async def deliver(journal: Journal, name: str) -> None:
            for number in range(30):
                await journal.accept(HERE, [arrival(f"{name}-{number}")], window_s=60)

        delivering = asyncio.gather(*(deliver(each, str(at)) for at, each in enumerate((bench.journal, elsewhere) * 3)))
        seen: list[int] = []
        while not delivering.done() or await bench.journal.head(lane()):
            entry = await bench.journal.head(lane())
            if entry is None:
                continue
            again = await elsewhere.head(lane())
            assert again is not None
            assert again.seq == entry.seq
            await bench.journal.finish_entry(entry)
            seen.append(entry.seq)
        await delivering

        assert len(seen) == 180
        assert seen == sorted(seen)

    async def test_of_one_delivery_to_two_processes_at_once_one_is_accepted(
        self, bench: PostgresJournalBench, elsewhere: Journal
    ) -> None:
        keys = [f"{mark}{number}" for mark in ("n-", "~") for number in range(20)]
        receipts = await asyncio.gather(
            *(
                journal.accept(HERE, [arrival(key, chat=key)], window_s=60)
                for key in keys
                for journal in (bench.journal, elsewhere)
            )
        )

        assert sum(receipt.accepted for receipt in receipts) == len(keys)


class TestTwoWorkers:
    async def test_one_of_them_begins_an_effect_fresh(self, bench: PostgresJournalBench, elsewhere: Journal) -> None:
        entry = await accepted(bench)
        for number in range(20):
            key = EffectKey(f"n-1:{number}")
            begun = await asyncio.gather(*(each.begin(entry, key) for each in (bench.journal, elsewhere)))
            assert {each.state for each in begun} == {EffectState.FRESH, EffectState.DOUBTFUL}

    async def test_a_worker_that_was_frozen_finds_what_happened_meanwhile_and_undoes_none_of_it(
        self, bench: PostgresJournalBench, elsewhere: Journal
    ) -> None:
        frozen = await accepted(bench)
        await bench.journal.begin(frozen, EFFECT, b"before")
        taken_over = await elsewhere.head(lane())
        assert taken_over is not None
        assert taken_over.resumed
        assert await elsewhere.begin(taken_over, EFFECT) == Begun(state=EffectState.DOUBTFUL, note=b"before")
        await elsewhere.finish(taken_over, EFFECT, b"after")
        await elsewhere.conclude(taken_over, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        await elsewhere.finish_entry(taken_over)

        await bench.journal.forget(frozen, EFFECT)
        assert await bench.journal.begin(frozen, EFFECT) == Begun(state=EffectState.DONE, note=b"after")
        other = Route(terminal=StartFlow(flow=FlowKey.AUXILIARY, flow_id=None))
        await bench.journal.conclude(frozen, Conclusion(outcome=NoOpenBoleto(), route=other))
        (told,) = await recorded(bench.history, HERE)
        assert told.route == ROUTE
        assert await bench.journal.head(lane()) is None


class TestRepetitions:
    async def test_a_second_attempt_is_recorded_too(self, bench: PostgresJournalBench) -> None:
        entry = await accepted(bench)
        moments: list[int] = []
        with psycopg.connect(bench.url, autocommit=True) as connection:
            for _ in range(2):
                await bench.journal.begin(entry, EFFECT)
                moments += connection.execute("SELECT at FROM effects").fetchone() or ()
                bench.clock.advance(1)
            await bench.journal.finish(entry, EFFECT)
            bench.clock.advance(1)
            await bench.journal.begin(entry, EFFECT)
            moments += connection.execute("SELECT at FROM effects").fetchone() or ()

        first, second, done = moments
        assert (second - first, done - second) == (1_000_000, 1_000_000), "what is done keeps the moment of that"


class TestOneRequestToTwoProcesses:
    async def test_one_of_them_is_the_first_and_one_begins_to_write(
        self, bench: PostgresJournalBench, elsewhere: Journal
    ) -> None:
        for number in range(20):
            key = f"~f{number}"
            entries = await asyncio.gather(
                *(journal.record(HERE, arrival(key), window_s=60) for journal in (bench.journal, elsewhere) * 3)
            )
            assert len({entry.seq for entry in entries}) == 1
            assert [entry.resumed for entry in entries].count(False) == 1
            begun = await asyncio.gather(*(each.begin(entries[0], EFFECT) for each in (bench.journal, elsewhere)))
            assert {each.state for each in begun} == {EffectState.FRESH, EffectState.DOUBTFUL}

    async def test_what_one_concluded_the_other_tells(self, bench: PostgresJournalBench, elsewhere: Journal) -> None:
        entry = await bench.journal.record(HERE, arrival("~f"), window_s=60)
        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        await bench.journal.finish_entry(entry)

        again = await elsewhere.record(HERE, arrival("~f"), window_s=60)
        assert (again.seq, again.outcome, again.route) == (entry.seq, NoOpenBoleto(), ROUTE)


class TestFaults:
    async def test_while_the_database_is_gone_nothing_is_accepted_and_afterwards_it_goes_on(
        self, bench: PostgresJournalBench, postgres_server: PostgresServer
    ) -> None:
        entry = await accepted(bench)
        postgres_server.refuse_connections(bench.url)
        try:
            for _ in range(2):
                with pytest.raises(Unavailable) as refused:
                    await accept(bench, "n-2")
                assert (refused.value.cause, refused.value.retry_after_s) == ("storage.failed", 1)
                with pytest.raises(Unavailable, match=r"storage\.failed"):
                    await bench.journal.head(lane())
                with pytest.raises(Unavailable, match=r"storage\.failed"):
                    await bench.journal.begin(entry, EFFECT)
        finally:
            postgres_server.take_connections(bench.url)

        assert await accept(bench, "n-1", "n-2") == Receipt(accepted=1, duplicates=1)
        assert (await bench.journal.begin(entry, EFFECT)).state is EffectState.FRESH

    async def test_a_connection_that_was_lost_is_replaced_unnoticed(
        self, bench: PostgresJournalBench, postgres_server: PostgresServer
    ) -> None:
        entry = await accepted(bench)
        for number in range(3):
            postgres_server.refuse_connections(bench.url)
            postgres_server.take_connections(bench.url)
            assert (await accept(bench, f"m-{number}")).accepted == 1
            assert await head(bench) == entry
            assert (await bench.journal.begin(entry, EffectKey(f"n-1:{number}"))).state is EffectState.FRESH

    @pytest.mark.parametrize("note", [b"", b"before"])
    async def test_an_effect_whose_beginning_was_recorded_unheard_was_begun_by_nobody_else(
        self, bench: PostgresJournalBench, note: bytes
    ) -> None:
        entry = await accepted(bench)
        with ExitStack() as opened:
            journal = hard_of_hearing(bench.url, opened)
            with pytest.raises(Unavailable):
                await journal.begin(entry, EFFECT, note)  # its first connection is not replaced at once
            assert (await journal.begin(entry, EFFECT, note)).state is EffectState.FRESH
            assert (await journal.begin(entry, EFFECT, note)).state is EffectState.DOUBTFUL
            other = EffectKey("n-1:other")
            assert (await journal.begin(entry, other, note)).state is EffectState.FRESH, "asked again at once"
            assert (await journal.begin(entry, other, note)).state is EffectState.DOUBTFUL

    async def test_what_the_database_can_not_hold_is_refused_alone(self, bench: PostgresJournalBench) -> None:
        deliveries = (accept(bench, key, chat=key) for key in ("a", "b", "no\0t", "c", "d"))
        results = await asyncio.gather(*deliveries, return_exceptions=True)

        assert [isinstance(result, Unavailable) for result in results] == [False, False, True, False, False]
        assert len(await bench.journal.unfinished()) == 4


def hard_of_hearing(url: str, opened: ExitStack) -> PostgresJournal:
    """Loses its connection after some commits of its ledger, before it hears of them: the first and the fourth."""
    answers_lost = iter([True, False, False, True])

    def heard(session: Session, questions: Sequence[Sequence[Statement]]) -> Sequence[Sequence[Rows]]:
        answers = ask(session, questions)
        if next(answers_lost, False):
            session.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return answers

    mailbox: Batches[Delivery, int] = Batches(url, store, name="mailbox", connections=1, batch_max=1)
    ledger: Asking = Batches(url, heard, name="ledger", connections=1, batch_max=1)
    for batches in (mailbox, ledger):
        opened.callback(batches.close)
    return PostgresJournal(mailbox=mailbox, ledger=ledger, reads=ledger, seal=Seal([KEY]))


async def _payload(bench: PostgresJournalBench) -> bytes:
    """Of a notification like all others."""
    await bench.journal.accept(THERE, [Arrival(notification=arrival("n-1").notification, raw=b"{}")], window_s=60)
    with connect(bench.url) as session:
        (row,) = session.execute("SELECT payload FROM inbox").fetchall()
    return bytes(row[0])

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain

import pytest

from application.ports import Conclusion, Journal, Receipt
from domain.identifiers import InstallationId
from domain.outcome import NoOpenBoleto
from tests.adapters.storage.files import ServedFile
from tests.adapters.storage.recorded import recorded
from tests.contracts.journal import HERE, ROUTE, HostClockContract, JournalContract, accept, accepted, lane


class SqliteJournalBench(ServedFile):
    async def unknown(self, installation_id: InstallationId) -> Sequence[tuple[str, str, int, bytes]]:
        kept = await self.history.unknown(installation_id)
        return [(each.reason, each.event, each.occurrences, each.sample) for each in kept]


@pytest.fixture
def bench(url: str) -> Iterator[SqliteJournalBench]:
    bench = SqliteJournalBench(url)
    yield bench
    bench.close()


class TestSqliteJournal(JournalContract, HostClockContract):
    def test_it_is_a_journal(self, bench: SqliteJournalBench) -> None:
        _: Journal = bench.journal

    async def test_what_rides_one_commit_is_told_apart_and_numbered_as_it_came(self, bench: SqliteJournalBench) -> None:
        """More than one statement takes, with new ones, duplicates and repeated content side by side."""
        await accept(bench, "n-7", "~n-7")
        keys = [[f"n-{number % 150}", f"~n-{number % 90}"] for number in range(200)]
        receipts = await asyncio.gather(*(accept(bench, *of_one, chat=of_one[0]) for of_one in keys))

        fresh = [len(set(of_one) - {"n-7", "~n-7"} - set(chain(*keys[:at]))) for at, of_one in enumerate(keys)]
        assert [receipt.accepted for receipt in receipts] == fresh
        await bench.crash()
        seqs = []
        for chat in dict.fromkeys(of_one[0] for of_one in keys):
            entry = await bench.journal.head(lane(chat))
            if entry is not None:
                assert entry.notification.key in {chat, f"~{chat}"}
                seqs.append(entry.seq)
        assert seqs == sorted(seqs)
        assert await accept(bench, "n-149", "~n-89", "n-150") == Receipt(accepted=1, duplicates=2)

    async def test_the_history_tells_what_came_and_what_became_of_it(self, bench: SqliteJournalBench) -> None:
        first = await accepted(bench, "n-1")
        await bench.journal.conclude(first, Conclusion(outcome=NoOpenBoleto(), route=ROUTE))
        bench.clock.advance(2)
        await bench.journal.finish_entry(first)
        await accept(bench, "n-2", chat="2")

        second, told = await recorded(bench.history, HERE)
        assert (told.outcome, told.route, told.raw) == (NoOpenBoleto(), ROUTE, b'{"any": "thing"}')
        assert told.notification == first.notification
        assert told.row.took == timedelta(seconds=2)
        assert (second.outcome, second.route, second.row.finished_at) == (None, None, None)
        assert "529" not in repr(told)

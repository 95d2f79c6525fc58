"""Problems and notices in either database."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.storage.sqlite_file import database_path
from application.notice_ports import Notices, Problems
from application.ports import Arrival, Conclusion
from domain.action import CloseChat, Route
from domain.identifiers import ChatId, NotificationKey
from domain.notification import ChatRef, CustomerLookup
from domain.outcome import NoOpenBoleto
from tests.adapters.storage.files import ServedFile, all_bytes
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.contracts.installations import FIRST, SECOND
from tests.contracts.journal import NOON, head
from tests.contracts.notices import LETTER, NoticesContract, fill, notice


class NoticesOfFile(ServedFile):
    @property
    def problems(self) -> Problems:
        return self.database.problems

    @property
    def notices(self) -> Notices:
        return self.database.notices


class NoticesOfPostgres(NoticesOfFile, ServedPostgres):
    pass


class StoredContract(NoticesContract):
    async def test_the_tally_counts_what_came_in_between_by_its_outcome(self, bench: NoticesOfFile) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.save(SECOND)
        for number, whose in enumerate((FIRST, FIRST, FIRST, SECOND)):
            chat = ChatRef(id=ChatId(str(number)))
            lookup = CustomerLookup(key=NotificationKey(str(number)), chat=chat, document="")
            await bench.journal.accept(whose.id, [Arrival(notification=lookup, raw=b"{}")], window_s=60)
        entry = await head(bench, chat="0")
        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=Route(terminal=CloseChat())))

        tally = bench.notices.tally
        assert await tally(FIRST.id, NOON, NOON + timedelta(hours=1)) == {"boleto.none_open": 1, "": 2}
        assert await tally(FIRST.id, NOON - timedelta(hours=1), NOON) == {}
        assert await tally(FIRST.id, NOON + timedelta(seconds=1), NOON + timedelta(hours=1)) == {}


@pytest.fixture
def in_file(url: str) -> Iterator[NoticesOfFile]:
    bench = NoticesOfFile(url)
    yield bench
    bench.close()


class TestSqliteNotices(StoredContract):
    @pytest.fixture
    def bench(self, in_file: NoticesOfFile) -> NoticesOfFile:
        return in_file


class TestPostgresNotices(StoredContract):
    @pytest.fixture
    def bench(self, kept_url: str) -> Iterator[NoticesOfPostgres]:
        bench = NoticesOfPostgres(kept_url)
        yield bench
        bench.close()


async def test_a_letter_is_sealed_where_it_is_kept(in_file: NoticesOfFile) -> None:
    await fill(in_file)
    await in_file.notices.keep(notice())
    in_file.close()
    stored = all_bytes(database_path(in_file.url).parent)

    assert LETTER.recipient.encode() not in stored
    assert LETTER.subject.encode() not in stored

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from adapters.storage.installation_cache import FRESH_FOR_S
from application.outage_ports import OutageRegistry
from domain.outage_scope import OutageId
from tests.adapters.storage.visits import VisitedBench
from tests.contracts.outages import AS_TOLD, CHAT, HERE, ONE, OUTAGE, OutagesContract, declare


class SqliteOutagesBench(VisitedBench):
    fresh_for_s = FRESH_FOR_S


@pytest.fixture
def bench(url: str) -> Iterator[SqliteOutagesBench]:
    bench = SqliteOutagesBench(url)
    yield bench
    bench.close()


class TestSqliteOutages(OutagesContract):
    def test_they_are_a_registry(self, bench: SqliteOutagesBench) -> None:
        _: OutageRegistry = bench.outages

    async def test_for_an_installation_that_is_gone_nothing_is_kept(self, bench: SqliteOutagesBench) -> None:
        assert await bench.outages.change(HERE, OUTAGE.id, lambda _: OUTAGE) is None
        assert await bench.outages.tell(HERE, CHAT, AS_TOLD, ONE, closes=False)
        assert list(await bench.outages.recent(HERE)) == []
        assert await bench.outages.told(HERE) == {}

    async def test_what_expired_before_the_process_began_is_not_looked_at_again(
        self, bench: SqliteOutagesBench
    ) -> None:
        await declare(bench, OUTAGE, replace(OUTAGE, id=OutageId("o-2"), expires_at=OUTAGE.expires_at + timedelta(1)))
        bench.clock.advance(9 * 3600)
        await bench.crash()
        assert [each.id for each in await bench.outages.standing(HERE)] == ["o-2"]

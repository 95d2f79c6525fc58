from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event

from adapters.storage.installation_cache import FRESH_FOR_S
from adapters.storage.outages import StoredOutages
from adapters.storage.revision_cache import REST_S
from application.failures import Unavailable
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

    async def test_whoever_comes_after_a_slow_look_that_failed_is_told_so_without_another(
        self, bench: SqliteOutagesBench
    ) -> None:
        await declare(bench, OUTAGE)
        looks = []

        def fails_slowly(_: object) -> None:
            looks.append("failed")
            bench.clock.advance(1)

        await rename(bench, "outages_revision", "away")
        bench.let_it_be_noticed()
        event.listen(Engine, "handle_error", fails_slowly)
        try:
            for _ in range(3):
                with pytest.raises(Unavailable, match=r"storage\.failed"):
                    await bench.outages.standing(HERE)
        finally:
            event.remove(Engine, "handle_error", fails_slowly)
        assert looks == ["failed"]

        await rename(bench, "away", "outages_revision")
        bench.clock.advance(REST_S)
        assert list(await bench.outages.standing(HERE)) == [OUTAGE]


async def rename(bench: SqliteOutagesBench, table: str, name: str) -> None:
    assert isinstance(bench.outages, StoredOutages)
    await bench.outages._transactions.run(
        lambda connection: connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}").close()
    )

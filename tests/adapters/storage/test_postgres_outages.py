from collections.abc import Iterator

import pytest

from adapters.storage.postgres_installations import FRESH_FOR_S
from application.outage_ports import OutageRegistry
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.adapters.storage.visits import VisitedBench
from tests.contracts.outages import AS_TOLD, CHAT, HERE, ONE, OUTAGE, OutagesContract


class PostgresOutagesBench(VisitedBench, ServedPostgres):
    fresh_for_s = FRESH_FOR_S


@pytest.fixture
def bench(kept_url: str) -> Iterator[PostgresOutagesBench]:
    bench = PostgresOutagesBench(kept_url)
    yield bench
    bench.close()


class TestPostgresOutages(OutagesContract):
    def test_they_are_a_registry(self, bench: PostgresOutagesBench) -> None:
        _: OutageRegistry = bench.outages

    async def test_for_an_installation_that_is_gone_nothing_is_kept(self, bench: PostgresOutagesBench) -> None:
        assert await bench.outages.change(HERE, OUTAGE.id, lambda _: OUTAGE) is None
        assert await bench.outages.tell(HERE, CHAT, AS_TOLD, ONE, closes=False)
        assert await bench.outages.told(HERE) == {}

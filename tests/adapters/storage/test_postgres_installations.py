from collections.abc import Iterator

import pytest

from adapters.storage.database import VisitedDatabase, visit_database
from adapters.storage.postgres_installations import FRESH_FOR_S
from application.ports import Installations
from domain.identifiers import InstallationId
from tests.adapters.storage.files import KEY
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.contracts.installations import InstallationsContract


class PostgresInstallationsBench(ServedPostgres):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._visits: list[VisitedDatabase] = []

    async def elsewhere(self) -> Installations:
        self._visits.append(visit_database(self.url, keys=[KEY], clock=self.clock))
        return self._visits[-1].installations

    def let_it_be_noticed(self) -> None:
        self.clock.advance(FRESH_FOR_S)

    async def traces(self, installation_id: InstallationId) -> int:
        return len(await self.history.recent(installation_id)) + len(await self.history.unknown(installation_id))

    def close(self) -> None:
        for visit in self._visits:
            visit.close()
        super().close()


@pytest.fixture
def bench(kept_url: str) -> Iterator[PostgresInstallationsBench]:
    bench = PostgresInstallationsBench(kept_url)
    yield bench
    bench.close()


class TestPostgresInstallations(InstallationsContract):
    def test_they_are_installations(self, bench: PostgresInstallationsBench) -> None:
        _: Installations = bench.installations

from collections.abc import Iterator

import pytest

from adapters.storage.postgres_installations import FRESH_FOR_S
from application.ports import Installations
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.adapters.storage.visits import VisitedBench
from tests.contracts.installations import InstallationsContract


class PostgresInstallationsBench(VisitedBench, ServedPostgres):
    fresh_for_s = FRESH_FOR_S


@pytest.fixture
def bench(kept_url: str) -> Iterator[PostgresInstallationsBench]:
    bench = PostgresInstallationsBench(kept_url)
    yield bench
    bench.close()


class TestPostgresInstallations(InstallationsContract):
    def test_they_are_installations(self, bench: PostgresInstallationsBench) -> None:
        _: Installations = bench.installations

from collections.abc import Iterator

import pytest

from adapters.storage.installation_cache import FRESH_FOR_S
from application.ports import Installations
from tests.adapters.storage.visits import VisitedBench
from tests.contracts.installations import InstallationsContract


class SqliteInstallationsBench(VisitedBench):
    fresh_for_s = FRESH_FOR_S


@pytest.fixture
def bench(url: str) -> Iterator[SqliteInstallationsBench]:
    bench = SqliteInstallationsBench(url)
    yield bench
    bench.close()


class TestSqliteInstallations(InstallationsContract):
    def test_they_are_installations(self, bench: SqliteInstallationsBench) -> None:
        _: Installations = bench.installations

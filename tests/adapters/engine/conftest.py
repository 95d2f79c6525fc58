from collections.abc import Iterator

import pytest

from adapters.storage.migrate import upgrade
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresServer) -> Iterator[str]:
    """To be copied, not used."""
    with postgres_server.database() as url:
        upgrade(url)
        yield url


@pytest.fixture
def url(postgres_server: PostgresServer, migrated: str) -> Iterator[str]:
    """A PostgreSQL of this test's own, as `ponte migrate` leaves it."""
    with postgres_server.database(template=migrated) as copied:
        yield copied

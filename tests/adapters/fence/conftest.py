from collections.abc import Iterator

import psycopg
import pytest

from adapters.storage.migrate import upgrade
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        upgrade(url)
        yield url


@pytest.fixture
def fence_url(migrated_postgres: str) -> str:
    """A database of this version in which no place was ever taken."""
    with psycopg.connect(migrated_postgres, autocommit=True) as connection:
        connection.execute("TRUNCATE fence_places, fence_paces")
    return migrated_postgres

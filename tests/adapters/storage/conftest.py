import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.migrate import upgrade
from tests.adapters.storage.files import ServedFile
from tests.adapters.storage.postgres_clock import empty, give_clock
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ponte.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(migrated: Path, tmp_path: Path) -> str:
    directory = tmp_path / "kept"
    directory.mkdir()
    shutil.copy(migrated, directory / "ponte.db")
    return f"sqlite:///{directory / 'ponte.db'}"


@pytest.fixture
def file(url: str) -> Iterator[ServedFile]:
    file = ServedFile(url)
    yield file
    file.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of this version, with a clock to be set."""
    with postgres_server.database() as url:
        upgrade(url)
        give_clock(url)
        yield url


@pytest.fixture
def kept_url(migrated_postgres: str) -> str:
    """A PostgreSQL database of this test's own."""
    empty(migrated_postgres)
    return migrated_postgres

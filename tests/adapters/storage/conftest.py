import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.migrate import upgrade
from tests.adapters.storage.files import ServedFile


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

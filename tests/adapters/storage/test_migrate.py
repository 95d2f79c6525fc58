import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.storage import migrate, sqlite_file
from adapters.storage.refusals import (
    DatabaseForeign,
    DatabaseInUse,
    DatabaseNewer,
    DatabaseOutdated,
    DatabaseRefused,
    DatabaseUnsupported,
    DatabaseUnusable,
)
from adapters.storage.sqlite_file import database_path, reading_engine
from adapters.storage.tables import metadata
from tests.adapters.storage.files import ServedFile, served


def set_version(url: str, version: str) -> None:
    with closing(sqlite3.connect(database_path(url))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


def test_migrating_makes_the_database_and_its_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new 100%/é?.db"
    assert migrate.current(url) is None

    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()
    migrate.ensure_current(url)


def test_migrating_again_changes_nothing(url: str) -> None:
    before = database_path(url).read_bytes()
    migrate.upgrade(url)

    assert database_path(url).read_bytes() == before


def test_asking_for_the_version_makes_no_database(tmp_path: Path) -> None:
    assert migrate.current(f"sqlite:///{tmp_path}/none.db") is None
    assert list(tmp_path.iterdir()) == []


def test_the_migrations_lead_to_the_tables_that_the_code_knows(url: str) -> None:
    engine = reading_engine(database_path(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_database_that_is_missing_or_empty_is_to_be_migrated(tmp_path: Path) -> None:
    for name in ("none.db", "empty.db"):
        (tmp_path / "empty.db").touch()
        with pytest.raises(DatabaseOutdated, match="ponte migrate"):
            migrate.ensure_current(f"sqlite:///{tmp_path}/{name}")


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    set_version(url, "9999")

    for refused in (migrate.ensure_current, migrate.upgrade):
        with pytest.raises(DatabaseNewer, match="mais novo"):
            refused(url)
    assert migrate.current(url) == "9999"


def test_nobody_serves_from_a_database_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(DatabaseOutdated), served(f"sqlite:///{tmp_path}/none.db"):
        pass


def test_a_database_in_use_is_not_migrated(file: ServedFile) -> None:
    with pytest.raises(DatabaseInUse):
        migrate.upgrade(file.url)


@pytest.mark.parametrize("name", ["text.db", "folder.db", "text.db/ponte.db", "/proc/nowhere/ponte.db"])
def test_a_file_that_cannot_be_a_database_is_refused_with_what_to_look_at_and_nothing_is_left_beside_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "text.db").write_text("not a database " * 100)
    (tmp_path / "folder.db").mkdir()
    unusable = f"sqlite:///{tmp_path / name}"
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(DatabaseUnusable, match=r"PONTE_DATABASE_URL: não dá para abrir ou criar /.*: confira a pasta"):
        migrate.upgrade(unusable)
    with pytest.raises(DatabaseRefused):
        migrate.ensure_current(unusable)
    with pytest.raises(DatabaseRefused), served(unusable):
        pass
    assert sorted(tmp_path.rglob("*")) == before


ALEMBIC = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0001')"


@pytest.mark.parametrize(
    "tables", ["CREATE TABLE contacts (name TEXT)", f"CREATE TABLE outbox (seq INTEGER); {ALEMBIC}"]
)
def test_a_file_of_another_program_is_refused_with_what_to_do_and_left_as_it_is(tmp_path: Path, tables: str) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(tables)
    before = path.read_bytes()

    for refused in (migrate.upgrade, migrate.ensure_current):
        with pytest.raises(DatabaseForeign, match=r"theirs\.db é de outro programa: .* Indique outro arquivo"):
            refused(f"sqlite:///{path}")
    with pytest.raises(DatabaseForeign), served(f"sqlite:///{path}"):
        pass
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "none.db").touch()
    with closing(sqlite3.connect(tmp_path / "emptied.db")) as connection:
        connection.executescript("CREATE TABLE gone (seq INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE gone")

    for name in ("none.db", "emptied.db"):
        url = f"sqlite:///{tmp_path / name}"
        migrate.upgrade(url)
        migrate.ensure_current(url)


@pytest.mark.parametrize("revision", [script.revision for script in migrate._scripts().walk_revisions()])
def test_a_file_of_every_version_is_ours_and_is_brought_up(tmp_path: Path, revision: str) -> None:
    url = f"sqlite:///{tmp_path}/earlier.db"
    with sqlite_file.changing(url) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    assert migrate.current(url) == revision

    migrate.upgrade(url)
    migrate.ensure_current(url)


def test_a_file_that_cannot_be_locked_is_not_served_from(url: str) -> None:
    Path(f"{database_path(url)}.lock").unlink(missing_ok=True)
    Path(f"{database_path(url)}.lock").mkdir()

    with pytest.raises(DatabaseUnusable):
        migrate.upgrade(url)
    with pytest.raises(DatabaseUnusable), served(url):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:p4ss@host/ponte",
        "postgresql://user:p4ss@host:port/ponte",
        "sqlite://",
        "sqlite:///:memory:",
        "ponte.db",
    ],
)
def test_what_is_no_file_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnsupported) as refused:
        migrate.ensure_current(url)
    assert "PONTE_DATABASE_URL" in str(refused.value)
    assert "p4ss" not in str(refused.value)

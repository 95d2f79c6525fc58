"""The database's version: what it is, what this Ponte needs, and the way from the one to the other."""

from contextlib import AbstractContextManager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from adapters.storage import sqlite_file
from adapters.storage.database_kind import is_postgres
from adapters.storage.refusals import DatabaseNewer, DatabaseOutdated

MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(url: str) -> None:
    """Brings the database to `head()`, and makes it where there is none. Nothing changes when it is there already.

    `DatabaseInUse` while a process serves from a file, `DatabaseForeign` for a file of another program. Of several who do
    this to one PostgreSQL at once, one does it and the others wait. There it brings the queue of wake-ups too.
    """
    with _changing(url) as connection:
        _refuse_newer(_version(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if is_postgres(url):
            from adapters.storage.postgres_schema import bring_up_queue

            bring_up_queue(connection)


def current(url: str) -> str | None:
    """The version of the database; None: there is none, or it is empty."""
    with _looking(url) as connection:
        return None if connection is None else _version(connection)


def head() -> str:
    """The version that this Ponte needs."""
    return str(_scripts().get_current_head())


def ensure_current(url: str) -> None:
    """Refuses a database of another version, with the sentence that says what to do."""
    with _looking(url) as connection:
        version = None if connection is None else _version(connection)
        _refuse_newer(version)
        behind = version != head() or (is_postgres(url) and connection is not None and _queue_is_behind(connection))
    if behind:
        raise DatabaseOutdated("O banco de dados não está na versão deste Ponte: execute `ponte migrate`.")


def _changing(url: str) -> AbstractContextManager[Connection]:
    if not is_postgres(url):
        return sqlite_file.changing(url)
    from adapters.storage import postgres_schema

    return postgres_schema.changing(url)


def _looking(url: str) -> AbstractContextManager[Connection | None]:
    if not is_postgres(url):
        return sqlite_file.looking(url)
    from adapters.storage import postgres_schema

    return postgres_schema.looking(url)


def _queue_is_behind(connection: Connection) -> bool:
    from adapters.storage.postgres_schema import queue_is_behind

    return queue_is_behind(connection)


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(version: str | None) -> None:
    if version is not None and version not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseNewer(
            f"O banco de dados é de um Ponte mais novo (versão {version}): atualize o Ponte; "
            "`ponte migrate` não volta para trás."
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config

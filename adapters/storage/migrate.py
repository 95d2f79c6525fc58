"""The database's version: what it is, what this Ponte needs, and the way from the one to the other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.storage.refusals import DatabaseNewer, DatabaseOutdated
from adapters.storage.sqlite_file import database_path, only_process, reading_engine, writing_engine

MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(url: str) -> None:
    """Brings the database to `head()`, and makes it where there is none. Nothing changes when it is there already.

    `DatabaseInUse` while a process serves from it.
    """
    path = database_path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_process(path):
        _refuse_newer(url)
        engine = writing_engine(path, checkpoints=True)
        try:
            with engine.begin() as connection:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            engine.dispose()


def current(url: str) -> str | None:
    """The version of the database; None: there is none, or it is empty."""
    path = database_path(url)
    if not path.exists():
        return None
    engine = reading_engine(path)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The version that this Ponte needs."""
    return str(_scripts().get_current_head())


def ensure_current(url: str) -> None:
    """Refuses a database of another version, with the sentence that says what to do."""
    _refuse_newer(url)
    if current(url) != head():
        raise DatabaseOutdated("O banco de dados não está na versão deste Ponte: execute `ponte migrate`.")


def _refuse_newer(url: str) -> None:
    version = current(url)
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

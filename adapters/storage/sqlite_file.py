"""One SQLite file: where it is, how it is opened, and that one process alone serves from it.

All connections of a process go through the standard library's `sqlite3`: POSIX takes a process's locks away when a
second copy of SQLite closes the file.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, StaticPool

from adapters.storage.refusals import DatabaseForeign, DatabaseInUse, DatabaseUnsupported, DatabaseUnusable
from adapters.storage.tables import installations_revision

CHECKPOINT_PAGES = 1000
"""SQLite's own default; 4 MB of log"""
WRITER_CACHE_KIB = 16 * 1024
"""of pages, at most; those of the indexes come again with every notification"""
BUSY_TIMEOUT_MS = 5000
"""how long a writer waits for one of another process"""
OURS = installations_revision.name
"""a table that every version has"""


def database_path(url: str) -> Path:
    """The file that `sqlite:///relative/path.db` or `sqlite:////absolute/path.db` means."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter: a port that is no number
        parsed = None
    if parsed is None or parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise DatabaseUnsupported(
            "PONTE_DATABASE_URL: use um arquivo SQLite, como sqlite:///var/ponte.db, ou um PostgreSQL, como "
            "postgresql://usuario:senha@servidor:5432/banco"
        )
    return Path(str(parsed.database))


def writing_engine(path: Path, *, checkpoints: bool) -> Engine:
    """For the one connection that writes. Every transaction takes the write lock at its beginning.

    `checkpoints` belongs to the serving process alone: the SQLite of many systems (before 3.51.3) can lose data when
    two connections reset the log at once.
    """
    engine = _engine(path, checkpoint_pages=CHECKPOINT_PAGES if checkpoints else 0)
    event.listen(engine, "connect", _write_ahead)
    event.listen(engine, "connect", _keep_more_pages)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(path: Path) -> Engine:
    """One connection for short reads from any thread, one at a time; each statement sees the newest commit."""
    engine = _engine(path, checkpoint_pages=0)
    event.listen(engine, "connect", _read_only)
    return engine


def async_reading_engine(path: Path) -> AsyncEngine:
    """For queries that may take their time, from any event loop: a connection lives as long as its `async with`."""
    engine = create_async_engine(_url(path, "sqlite+aiosqlite"), poolclass=NullPool, hide_parameters=True)
    _configure(engine.sync_engine, checkpoint_pages=0)
    event.listen(engine.sync_engine, "connect", _read_only)
    return engine


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """What the system or SQLite says against the file is a refusal."""
    try:
        yield
    except (OSError, DBAPIError):
        raise DatabaseUnusable(
            f"PONTE_DATABASE_URL: não dá para abrir ou criar {path}: confira a pasta, a permissão e se é um banco do Ponte."
        ) from None


@contextmanager
def only_process(path: Path) -> Iterator[None]:
    """Holds the file for this process until the end of the block; the system lets go of it when the process dies."""
    with usable(path):
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseInUse(
                f"O banco {path} já está em uso por outro processo do Ponte. Um arquivo SQLite atende um processo só: "
                "pare o outro antes de continuar."
            ) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def changing(url: str) -> Iterator[Connection]:
    """One transaction over the file, made with its folder where there is none, while no process serves from it."""
    path = database_path(url)
    with looking(url):
        pass  # what is no database, or not ours, gets no lock beside it
    with usable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with only_process(path):
        engine = writing_engine(path, checkpoints=True)
        try:
            with usable(path):
                connection = engine.connect()
                transaction = connection.begin()
            with connection, transaction:
                yield connection
        finally:
            engine.dispose()


def remove(url: str) -> None:
    """The file and all that it holds, while no process serves from it."""
    path = database_path(url)
    with usable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with only_process(path):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


@contextmanager
def looking(url: str) -> Iterator[Connection | None]:
    """None: there is no file, and none is made. A look leaves the file as it is; one of another program is refused."""
    path = database_path(url)
    with usable(path):
        there = path.exists()
    if not there:
        yield None
        return
    engine = reading_engine(path)
    try:
        with usable(path):
            connection = engine.connect()
        with connection:
            with usable(path):
                tables = inspect(connection).get_table_names()
            if tables and OURS not in tables:
                raise DatabaseForeign(
                    f"PONTE_DATABASE_URL: {path} é de outro programa: tem tabelas, e nenhuma é do Ponte. Indique outro "
                    "arquivo, que o `ponte migrate` cria."
                )
            yield connection
    finally:
        engine.dispose()


def is_damaged(error: BaseException | None) -> bool:
    """The disk failed, or the file is not what was written: what was said to be durable can't be trusted any more."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }


def _engine(path: Path, *, checkpoint_pages: int) -> Engine:
    engine = create_engine(
        _url(path, "sqlite"),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    _configure(engine, checkpoint_pages=checkpoint_pages)
    return engine


def _url(path: Path, driver: str) -> URL:
    return URL.create(driver, database=str(path))


def _configure(engine: Engine, *, checkpoint_pages: int) -> None:
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver's own idea of when to begin leaves DDL and SELECT out
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={checkpoint_pages}",
            "temp_store=MEMORY",  # a statement's own journal, too: by itself SQLite makes a file of it in each commit
        ):
            _pragma(connection, pragma)

    event.listen(engine, "connect", set_up)


def _write_ahead(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """The file remembers it: whoever only reads need not say it, and changes no file that is not ours."""
    _pragma(connection, "journal_mode=WAL")


def _keep_more_pages(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _pragma(connection, f"cache_size={-WRITER_CACHE_KIB}")


def _read_only(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _pragma(connection, "query_only=ON")


def _pragma(connection: DBAPIConnection, pragma: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

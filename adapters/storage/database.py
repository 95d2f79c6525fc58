"""The way in: one database opened, either to serve from it or for a visit beside the processes that serve."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine

from adapters.storage.console import ConsoleStore, open_in_file
from adapters.storage.database_kind import is_postgres
from adapters.storage.history import History
from adapters.storage.installation_cache import FRESH_FOR_S
from adapters.storage.installations import SqliteInstallations
from adapters.storage.migrate import ensure_current
from adapters.storage.notices import StoredNotices
from adapters.storage.outages import StoredOutages
from adapters.storage.problems import StoredProblems
from adapters.storage.reads import SqliteReads
from adapters.storage.retention import StoredRetention
from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import read_their_effects, read_unfinished
from adapters.storage.sqlite_file import (
    async_reading_engine,
    database_path,
    only_process,
    reading_engine,
    usable,
    writing_engine,
)
from adapters.storage.sqlite_journal import SqliteJournal
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Writer
from application.history import Retention
from application.notice_ports import Notices, Problems
from application.outage_ports import OutageRegistry
from application.ports import Clock, Installations, Journal
from domain.identifiers import Secret


class ServedDatabase:
    """All that is kept, for a process that serves. `close` writes what waits, then lets go of the database.

    Whatever its kind, it may be asked from any event loop, and is opened and closed outside of one.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        installations: Installations,
        history: History,
        retention: Retention,
        problems: Problems,
        notices: Notices,
        outages: OutageRegistry,
        console: ConsoleStore,
        opened: ExitStack,
    ) -> None:
        self.journal = journal
        self.installations = installations
        self.history = history
        self.retention = retention
        self.problems = problems
        self.notices = notices
        self.outages = outages
        self.sessions = console.sessions
        self.operators = console.operators
        self.agents = console.agents
        self.audit = console.audit
        self.turns = console.turns
        self._opened = opened

    def close(self) -> None:
        self._opened.close()


class VisitedDatabase:
    """What a command reads and changes while another process may be serving. `close` writes what waits."""

    def __init__(
        self,
        *,
        installations: Installations,
        console: ConsoleStore,
        outages: OutageRegistry,
        opened: ExitStack,
    ) -> None:
        self.installations = installations
        self.outages = outages
        self.operators = console.operators
        self.audit = console.audit
        self.turns = console.turns
        self._opened = opened

    def close(self) -> None:
        self._opened.close()


def serve_database(url: str, *, keys: Sequence[Secret], clock: Clock, on_fatal: Callable[[], None]) -> ServedDatabase:
    """Opens a SQLite file for this process alone, with what an earlier one left unfinished; PostgreSQL beside any
    number of others.

    `on_fatal` is called from another thread once the disk under a SQLite file has failed: end the process then.
    `DatabaseRefused` when the database is in use, out of reach, of another version, or of a kind that Ponte does not
    know; `Unsealable` when the keys do not open it.
    """
    ensure_current(url)
    seal = Seal(keys)
    with ExitStack() as opened:
        if is_postgres(url):
            from adapters.storage import postgres_database

            problems, notices = postgres_database.open_notices(url, seal, opened)
            return ServedDatabase(
                journal=postgres_database.open_journal(url, seal, opened),
                installations=postgres_database.open_installations(url, seal, clock, opened),
                history=postgres_database.open_history(url, seal),
                retention=postgres_database.open_retention(url, opened),
                problems=problems,
                notices=notices,
                outages=postgres_database.open_outages(url, seal, clock, opened),
                console=postgres_database.open_console(url, seal, clock, opened),
                opened=opened.pop_all(),
            )
        path = database_path(url)
        opened.enter_context(only_process(path))
        engine = writing_engine(path, checkpoints=True)
        opened.callback(engine.dispose)
        unfinished = Unfinished(clock=clock)
        with usable(path), engine.begin() as connection:
            unfinished.restore(read_unfinished(connection, seal), read_their_effects(connection, seal))
        writer = Writer(engine, on_fatal=on_fatal)
        opened.callback(writer.close)
        reads = async_reading_engine(path)
        return ServedDatabase(
            journal=SqliteJournal(writer=writer, seal=seal, clock=clock, unfinished=unfinished),
            installations=SqliteInstallations(
                writer=writer, reader=_reader(path, opened), seal=seal, clock=clock, unfinished=unfinished
            ),
            history=History(engine=reads, seal=seal),
            retention=StoredRetention(transactions=writer, reads=SqliteReads(_reader(path, opened))),
            problems=StoredProblems(transactions=writer, reads=reads, seal=seal),
            notices=StoredNotices(transactions=writer, reads=reads, seal=seal),
            outages=_outages(path, writer, seal, clock, opened),
            console=open_in_file(path, writer, seal, clock, opened),
            opened=opened.pop_all(),
        )


def visit_database(url: str, *, keys: Sequence[Secret], clock: Clock) -> VisitedDatabase:
    """Opens the database beside whoever serves from it, who sees what is changed here. Raises as `serve_database` does,
    except that a file may be in use."""
    ensure_current(url)
    seal = Seal(keys)
    with ExitStack() as opened:
        if is_postgres(url):
            from adapters.storage import postgres_database

            return VisitedDatabase(
                installations=postgres_database.open_installations(url, seal, clock, opened),
                console=postgres_database.open_console(url, seal, clock, opened),
                outages=postgres_database.open_outages(url, seal, clock, opened),
                opened=opened.pop_all(),
            )
        path = database_path(url)
        engine = writing_engine(path, checkpoints=False)
        opened.callback(engine.dispose)
        unfinished = Unfinished(clock=clock)  # of this process, which accepts nothing
        writer = Writer(engine, on_fatal=lambda: None)
        opened.callback(writer.close)
        return VisitedDatabase(
            installations=SqliteInstallations(
                writer=writer, reader=_reader(path, opened), seal=seal, clock=clock, unfinished=unfinished
            ),
            console=open_in_file(path, writer, seal, clock, opened),
            outages=_outages(path, writer, seal, clock, opened),
            opened=opened.pop_all(),
        )


def _outages(path: Path, writer: Writer, seal: Seal, clock: Clock, opened: ExitStack) -> StoredOutages:
    return StoredOutages(
        transactions=writer,
        reads=SqliteReads(_reader(path, opened)),
        reader=_reader(path, opened),
        seal=seal,
        clock=clock,
        fresh_for_s=FRESH_FOR_S,
        waits=False,
    )


def _reader(path: Path, opened: ExitStack) -> Engine:
    reader = reading_engine(path)
    opened.callback(reader.dispose)
    return reader

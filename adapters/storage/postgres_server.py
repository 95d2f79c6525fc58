"""One PostgreSQL database: which one a URL means, how it is reached, and what each kind of connection is set to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.storage.refusals import DatabaseUnreachable

Session = psycopg.Connection[tuple[Any, ...]]

CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 10_000
NETWORK: dict[str, Any] = {
    "application_name": "ponte",
    "connect_timeout": CONNECT_TIMEOUT_S,
    "tcp_user_timeout": STATEMENT_TIMEOUT_MS,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""how a server that fell silent is noticed, unless the URL says otherwise"""

# A process that was frozen in the middle of a transaction holds its locks until it is woken; `transaction_timeout`
# (since PostgreSQL 17) lets go of them. Whoever switched `synchronous_commit` off for the role did not think of us.
_SET_UP = f"""
SELECT set_config('statement_timeout', '{STATEMENT_TIMEOUT_MS}', false),
       set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', false),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
           WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
       (SELECT set_config(name, '{STATEMENT_TIMEOUT_MS}', false) FROM pg_settings WHERE name = 'transaction_timeout')
"""  # noqa: S608  # numbers of our own

_FAIL = "SELECT 1 / 0"


def conninfo(url: str) -> str:
    """For psycopg itself."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.conninfo.make_conninfo(plain, **_network(url))


def connect(url: str) -> Session:
    """For short statements, each durable when it returns. Raises what psycopg raises."""
    session = psycopg.connect(conninfo(url), autocommit=True)
    session.execute(_SET_UP)
    return session


@contextmanager
def one_trip(session: Session) -> Iterator[None]:
    """What is executed in the block is one transaction and one round trip; its rows can be fetched after the block.

    To the server, what comes between two synchronisations is one transaction: none has to be begun and ended by
    statements that each wait for their answer. A fault of our own in the middle makes it fail there too.
    """
    with session.pipeline():
        try:
            yield
        except BaseException:
            session.execute(_FAIL)
            raise


def engine(url: str) -> Engine:
    """A few connections for any thread; one that was lost is replaced when it is next asked for."""
    return create_engine(
        _driver(url), pool_size=2, max_overflow=0, pool_pre_ping=True, connect_args=_network(url), hide_parameters=True
    )


def single_use_engine(url: str) -> Engine:
    return create_engine(_driver(url), poolclass=NullPool, connect_args=_network(url), hide_parameters=True)


def async_engine(url: str) -> AsyncEngine:
    """For queries that may take their time, from any event loop: a connection lives as long as its `async with`."""
    return create_async_engine(_driver(url), poolclass=NullPool, connect_args=_network(url), hide_parameters=True)


def unreachable() -> DatabaseUnreachable:
    return DatabaseUnreachable(
        "O PostgreSQL de PONTE_DATABASE_URL não atende ou recusa a conexão: confira endereço, usuário, senha e banco."
    )


def _driver(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def _network(url: str) -> dict[str, Any]:
    return {name: value for name, value in NETWORK.items() if name not in make_url(url).query}

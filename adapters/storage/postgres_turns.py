"""One at a time over all processes: an advisory lock of PostgreSQL for each name.

It lives with its connection, so that a process that dies or loses the server gives its turn back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.storage.patience import until_taken
from application.failures import Unavailable

LOOK_AGAIN_S = 0.1
RETRY_AFTER_S = 1.0

T = TypeVar("T")

_TAKE = text("SELECT pg_try_advisory_lock(:number)")


class PostgresTurns:
    """Implements `application.console_ports.Turns`. May be asked on any event loop."""

    def __init__(self, engine: Engine) -> None:
        """`engine` opens a connection for each turn and closes it at the end: with it the lock goes."""
        self._engine = engine

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[None]:
        number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
        connection = await _asked(self._connect)
        try:
            await until_taken(lambda: _asked(lambda: _taken(connection, number)), look_again_s=LOOK_AGAIN_S)
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(connection.close))

    def _connect(self) -> Connection:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")


async def _asked(ask: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(ask)
    except DBAPIError:
        raise Unavailable("storage.failed", "the database gave no turn", retry_after_s=RETRY_AFTER_S) from None


def _taken(connection: Connection, number: int) -> int | None:
    """The number itself; None: another connection has the turn."""
    return number if connection.execute(_TAKE, {"number": number}).scalar_one() else None

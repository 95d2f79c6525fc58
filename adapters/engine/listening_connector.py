"""Procrastinate's way to PostgreSQL, with an ear that comes back.

As it comes, Procrastinate stops the whole worker when its listening connection can't be renewed at once, and does not
notice one that went deaf (behind a pooler that lends connections by transaction, for one). Here the ear is renewed for
as long as it takes, and a canary must be heard every few seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from typing import Final

import structlog
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from psycopg import AsyncConnection, Error, sql

CANARY_S = 5.0
RENEW_S: Final = 0.5
CANARY: Final = "ponte_canary"

log = structlog.get_logger()


class _Deaf(Exception):
    """The connection lives and tells nothing."""


class ListeningConnector(PsycopgConnector):
    """Takes the pool that it is opened with; listens over a connection of its own."""

    def __init__(self, conninfo: str, *, canary_s: float = CANARY_S) -> None:
        super().__init__()
        self._conninfo = conninfo
        self._canary_s = canary_s

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Until it is cancelled. What is missed meanwhile is found by polling."""
        names = list(channels)
        while True:
            try:
                await self._listen(on_notification, names)
            except (Error, OSError, _Deaf) as fault:
                log.warning("engine.ear_renewed", error=type(fault).__name__)
            await asyncio.sleep(RENEW_S)

    async def _listen(self, on_notification: Notify, channels: list[str]) -> None:
        async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            for channel in [*channels, CANARY]:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            while True:
                await self._hear(connection, on_notification)

    async def _hear(self, connection: AsyncConnection, on_notification: Notify) -> None:
        await connection.execute("SELECT pg_notify(%s, '')", (CANARY,))
        heard = False
        async with aclosing(_told(connection, within_s=self._canary_s)) as told:
            async for channel, payload in told:
                heard = True
                if channel != CANARY:
                    await on_notification(channel=channel, payload=payload)
        if not heard:
            raise _Deaf


async def _told(connection: AsyncConnection, *, within_s: float) -> AsyncGenerator[tuple[str, str]]:
    """Channel and payload of all that comes within so many seconds. psycopg's `notifies` wakes ten times a second to wait
    for it; here it gives what came beside the last query."""
    async for early in connection.notifies(timeout=0):
        yield early.channel, early.payload
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    until = loop.time() + within_s
    ear = connection.fileno()  # once it is cut off it tells its number no more
    loop.add_reader(ear, came.set)
    try:
        while await _is_set(came, within_s=until - loop.time()):
            came.clear()
            connection.pgconn.consume_input()
            while told := connection.pgconn.notifies():
                yield told.relname.decode(), told.extra.decode()
    finally:
        loop.remove_reader(ear)


async def _is_set(event: asyncio.Event, *, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()

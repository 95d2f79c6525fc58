"""A back door to inbox and wake-ups."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from application.ports import Lane
from tests.contracts.engine import Work

_keys = itertools.count()


class PostgresPost:
    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        self._connection = connection

    async def rows(self, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
        return await (await self._connection.execute(query.encode(), values)).fetchall()

    async def run(self, script: str) -> None:
        await self._connection.execute(script.encode())

    async def deliver(self, *lanes: Lane, waited_s: float = 0.0) -> None:
        """One notification for each lane, in this order."""
        await self._connection.cursor().executemany(
            "INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state)"
            " VALUES (%s, %s, 0, 'customer.lookup', %s, ponte_now() - %s, '', 'accepted')",
            [(lane.installation_id, f"key-{next(_keys)}", lane.chat_id, int(waited_s * 1e6)) for lane in lanes],
        )

    async def finish(self, seqs: Sequence[int]) -> None:
        await self._connection.execute("UPDATE inbox SET state = 'finished' WHERE seq = ANY(%s)", (seqs,))

    async def unfinished(self, lane: Lane) -> Sequence[int]:
        rows = await self.rows(
            "SELECT seq FROM inbox WHERE installation_id = %s AND chat_id = %s AND state <> 'finished' ORDER BY seq",
            lane.installation_id,
            lane.chat_id,
        )
        return [int(row[0]) for row in rows]

    def reading(self, work: Work) -> Work:
        """Work that finishes what it found when it began, unless it asks to be woken again."""

        async def read(lane: Lane) -> float | None:
            found = await self.unfinished(lane)
            rest_s = await work(lane)
            if rest_s is None:
                await self.finish(found)
            return rest_s

        return read


@asynccontextmanager
async def opened_post(url: str) -> AsyncIterator[PostgresPost]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield PostgresPost(connection)

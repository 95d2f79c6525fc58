"""Run as a process of its own: a worker that tells in the table `trail` what it does, and waits at closed gates.

Arguments: the database's URL, its key, the worker's name. Each entry takes three effects.
"""

import asyncio
import sys
from typing import Any

import psycopg

from adapters.clock.system import SystemClock
from adapters.engine.procrastinate_engine import ProcrastinateEngine
from adapters.storage.database import serve_database
from application.ports import EffectState, Entry, Journal, Lane
from domain.identifiers import EffectKey, Secret
from entrypoints.worker import stop_signal, working

STEPS = 3
TABLES = """
CREATE TABLE trail (at serial, worker text, key text, step int, state text);
CREATE TABLE gates (worker text, step int);
"""

Session = psycopg.AsyncConnection[tuple[Any, ...]]


class TrailedWork:
    def __init__(self, worker: str, journal: Journal, session: Session) -> None:
        self._worker = worker
        self._journal = journal
        self._session = session

    async def __call__(self, lane: Lane) -> float | None:
        while (entry := await self._journal.head(lane)) is not None:
            for step in range(STEPS):
                await self._effect(entry, step)
            await self._journal.finish_entry(entry)
        return None

    async def _effect(self, entry: Entry, step: int) -> None:
        key = EffectKey(f"{entry.notification.key}:{step}")
        begun = await self._journal.begin(entry, key)
        await self.tell(entry.notification.key, step, begun.state)
        try:
            while await self._is_closed(step):  # noqa: ASYNC110  # the gate is in the database
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            await self.tell(entry.notification.key, step, "cancelled")
            raise
        if begun.state is not EffectState.DONE:
            await self._journal.finish(entry, key)

    async def tell(self, key: str, step: int, state: str) -> None:
        await self._session.execute(
            "INSERT INTO trail (worker, key, step, state) VALUES (%s, %s, %s, %s)", (self._worker, key, step, state)
        )

    async def _is_closed(self, step: int) -> bool:
        found = await self._session.execute("SELECT FROM gates WHERE worker = %s AND step = %s", (self._worker, step))
        return found.rowcount > 0


async def main(url: str, key: str, worker: str) -> None:
    database = serve_database(url, keys=[Secret(value=key)], clock=SystemClock(), on_fatal=lambda: None)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        work = TrailedWork(worker, database.journal, session)
        async with working(None, ProcrastinateEngine(url=url, work=work), grace_s=2):
            await work.tell("", 0, "started")
            await stop_signal().wait()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

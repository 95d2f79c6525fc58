"""What goes on now, for everybody who looks: one look a second at each installation, however many do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from application.failures import Unavailable
from application.history import EventRow, History, Mark
from domain.identifiers import InstallationId

EVERY_S = 1.0
WAITING_MAX = 60
"""batches that one who looks may leave unread; older ones are dropped"""

Rows = tuple[EventRow, ...]


class Live:
    """Used within one event loop."""

    def __init__(self, *, history: History, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._history = history
        self._sleep = sleep
        self._watchers: dict[InstallationId, set[asyncio.Queue[Rows]]] = {}
        self._looks: dict[InstallationId, asyncio.Task[None]] = {}
        self._begun: dict[InstallationId, asyncio.Event] = {}

    @asynccontextmanager
    async def watching(self, installation_id: InstallationId) -> AsyncIterator[asyncio.Queue[Rows]]:
        """Inside the block the queue is given what is new or has gone on since it was entered: whoever then reads what
        there is misses nothing."""
        queue: asyncio.Queue[Rows] = asyncio.Queue(WAITING_MAX)
        watchers = self._watchers.setdefault(installation_id, set())
        watchers.add(queue)
        if len(watchers) == 1:
            begun = self._begun[installation_id] = asyncio.Event()
            self._looks[installation_id] = asyncio.create_task(self._look(installation_id, watchers, begun))
        try:
            await self._begun[installation_id].wait()
            yield queue
        finally:
            watchers.remove(queue)
            if not watchers:
                del self._watchers[installation_id], self._begun[installation_id]
                self._looks.pop(installation_id).cancel()

    async def _look(
        self, installation_id: InstallationId, watchers: set[asyncio.Queue[Rows]], begun: asyncio.Event
    ) -> None:
        mark: Mark | None = None
        while True:
            with suppress(Unavailable):
                changes = await self._history.changes(installation_id, mark)
                mark = changes.mark
                if changes.rows:
                    for queue in watchers:
                        if queue.full():
                            queue.get_nowait()
                        queue.put_nowait(changes.rows)
            begun.set()
            await self._sleep(EVERY_S)

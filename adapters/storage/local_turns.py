"""One at a time where one process serves from the database."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LocalTurns:
    """Implements `application.console_ports.Turns`. Each name is asked for on one event loop."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[None]:
        async with self._locks[name]:
            yield

"""The event loop on which ERPs and Huggy are asked: connections, fences and throttles belong to it.

The server may have another loop for what comes in (`entrypoints.work_thread`); what it wants to ask, it asks by way of
this one, so that one fence holds for all.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from application.failures import Unavailable

T = TypeVar("T")


class WorkLoop:
    """Knows its loop from `begin` to `end`; may be asked on any."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """The running loop is the one."""
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        self._loop = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make()` returns or raises, made and awaited on the work loop; cancelled with its caller.

        `Unavailable` before `begin` and after `end`.
        """
        loop = self._loop
        if loop is None:
            raise Unavailable("ponte.not_running", "the work loop is not up")
        if loop is asyncio.get_running_loop():
            return await make()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), loop))

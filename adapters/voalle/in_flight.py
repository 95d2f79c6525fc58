"""Equal calls at the same moment are one call."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from application.trail import take
from domain.trail import SHARED

T = TypeVar("T")


class _Call(Generic[T]):
    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0


class InFlight(Generic[T]):
    """Shares the result, or the failure, of a call among all who ask for it before it ends; keeps nothing after.

    One that stops waiting does not cancel the call of the others; when nobody waits any more, the call is cancelled.
    Used within one event loop.
    """

    def __init__(self) -> None:
        self._calls: dict[str, _Call[T]] = {}

    async def share(self, key: str, call: Callable[[], Coroutine[Any, Any, T]], *, what: str = "read") -> T:
        """`what` the call is known by in the trail of one that joins it."""
        shared = self._calls.get(key)
        if shared is not None:
            with take(f"erp.{what}", ended=SHARED):
                return await self._wait(key, shared)
        shared = _Call(asyncio.create_task(call()))
        self._calls[key] = shared
        shared.task.add_done_callback(lambda _: self._forget(key, shared))
        return await self._wait(key, shared)

    async def _wait(self, key: str, shared: _Call[T]) -> T:
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                self._forget(key, shared)  # whoever asks now needs a call of its own
                shared.task.cancel()

    def _forget(self, key: str, call: _Call[T]) -> None:
        if self._calls.get(key) is call:
            del self._calls[key]

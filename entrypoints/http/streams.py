"""Answers that go on for as long as somebody looks: each hears now and then whether it should end."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

AT_ONCE = 20
"""that one person may have open, on all of their pages: each holds a connection, and is written to at every change"""

HEARTBEAT_S = 15.0
"""how long one that looks hears nothing, so that what lies between does not take the line for dead"""


class Streams:
    """Those of one server; used within its event loop. A server that stops waits for its answers: these end first."""

    def __init__(self, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._heartbeat_s = heartbeat_s
        self._queues: set[asyncio.Queue[Any]] = set()
        self._open: Counter[str] = Counter()
        self.over = False

    @contextmanager
    def one_for(self, who: str) -> Iterator[bool]:
        """Whether they may have this one too; it counts while the block lasts."""
        self._open[who] += 1
        try:
            yield self._open[who] <= AT_ONCE
        finally:
            self._open[who] -= 1
            self._open += Counter()  # whoever has none is forgotten

    @contextmanager
    def listening(self, queue: asyncio.Queue[Any]) -> Iterator[None]:
        """`end` is heard by whoever waits at this queue; what it was given besides may be lost then."""
        self._queues.add(queue)
        try:
            yield
        finally:
            self._queues.remove(queue)

    async def following(self, queue: asyncio.Queue[T]) -> T | None:
        """What the queue gives next; None after a while without anything, and at the end (`over`)."""
        if self.over:
            return None
        try:
            async with asyncio.timeout(self._heartbeat_s):
                return await queue.get()
        except TimeoutError:
            return None

    def end(self) -> None:
        """Every stream ends now, and none begins."""
        self.over = True
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

"""Those who wait for the database: from any event loop, bounded in number and in bytes, taken off in batches."""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from application.failures import Failure, Unavailable

WAITING_MAX = 8192
WAITING_BYTES_MAX = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0

T = TypeVar("T")


class Request(Generic[T]):
    """Made on the loop of a caller, who awaits `answer`. `size` is what it holds in memory meanwhile, in bytes."""

    def __init__(self, *, size: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.loop.create_future()
        self.size = size
        self.failure: Failure | None = None
        self.result: T

    def resolve(self) -> None:
        """To be called on the loop; a caller who went away meanwhile is told nothing."""
        if self.answer.done():
            return
        if self.failure is None:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(self.failure)


R = TypeVar("R", bound=Request[Any])


class WaitingRoom(Generic[R]):
    """Who takes off what waits is woken at the end of a turn of the caller's loop: waking a thread costs as much as much
    else, and what is asked within one turn goes together."""

    def __init__(self, *, waiting_max: int = WAITING_MAX, waiting_bytes_max: int = WAITING_BYTES_MAX) -> None:
        self._waiting_max = waiting_max
        self._waiting_bytes_max = waiting_bytes_max
        self._changed = threading.Condition()
        self._waiting: deque[R] = deque()
        self._waiting_bytes = 0
        self._to_wake: set[asyncio.AbstractEventLoop] = set()
        """loops at the end of whose turn somebody is woken"""
        self._closed = False

    def enter(self, request: R) -> None:
        """`Unavailable` when there is no room, or when it is closed."""
        with self._changed:
            if self._closed:
                raise Unavailable("storage.closed", "Ponte is stopping", retry_after_s=RETRY_AFTER_S)
            full = self._waiting_bytes + request.size > self._waiting_bytes_max
            if full or len(self._waiting) >= self._waiting_max:
                raise Unavailable("storage.busy", "too much waits to be written", retry_after_s=RETRY_AFTER_S)
            self._waiting.append(request)
            self._waiting_bytes += request.size
            if request.loop not in self._to_wake:
                self._to_wake.add(request.loop)
                request.loop.call_soon(self._wake, request.loop)

    def next_batch(self, most: int) -> Sequence[R]:
        """What waits, at most so many, once there is something; empty: closed, and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._waiting_bytes -= sum(request.size for request in batch)
            return batch

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._changed:
            self._to_wake.discard(loop)
            self._changed.notify()

    def close(self) -> None:
        """Nobody enters any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def failed() -> Unavailable:
    return Unavailable("storage.failed", "the database could not write", retry_after_s=RETRY_AFTER_S)


def failed_to_read() -> Unavailable:
    return Unavailable("storage.failed", "the database could not read")


def answer(batch: Sequence[Request[Any]]) -> None:
    """One call a loop, however many wait on it."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Request[Any]]] = defaultdict(list)
    for request in batch:
        by_loop[request.loop].append(request)
    for loop, requests in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, requests)


def _resolve(requests: Sequence[Request[Any]]) -> None:
    for request in requests:
        request.resolve()

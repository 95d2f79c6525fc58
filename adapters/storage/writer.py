"""The one thread that writes: what waits while a commit runs is committed together by the next one.

That keeps full durability (each commit reaches the disk before anybody is answered) at a small part of its price.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.sqlite_file import is_damaged
from application.failures import Failure, Unavailable

BATCH_MAX = 512
"""operations in one commit"""
WAITING_MAX = 8192
WAITING_BYTES_MAX = 64 * 1024 * 1024
RETRY_AFTER_S = 1.0

T = TypeVar("T")
Operation = Callable[[Connection], T]

log = structlog.get_logger()


class _Request(Generic[T]):
    """An operation that waits for its commit, and a caller on some loop who waits for its answer."""

    def __init__(self, operation: Operation[T], then: Callable[[T], None], *, guarded: bool, size: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.loop.create_future()
        self.size = size
        self._operation = operation
        self._then = then
        self._guarded = guarded
        self._result: T
        self._failure: Failure | None = None

    def perform(self, connection: Connection) -> None:
        if not self._guarded:
            self._result = self._operation(connection)
            return
        try:
            with connection.begin_nested():
                self._result = self._operation(connection)
        except Failure as failure:
            self._failure = failure

    def committed(self) -> None:
        if self._failure is None:
            self._then(self._result)

    def fail(self, failure: Failure) -> None:
        self._failure = failure

    def resolve(self) -> None:
        """To be called on the loop; a caller who went away meanwhile is told nothing."""
        if self.answer.done():
            return
        if self._failure is None:
            self.answer.set_result(self._result)
        else:
            self.answer.set_exception(self._failure)


class Writer:
    """`run` may be called from any event loop; `close` commits what waits, then ends the thread.

    After an error of the disk itself nothing is written any more and `on_fatal` is called once, from the writer's
    thread: what a failed fsync left on the disk nobody knows, so only a new process may go on.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        on_fatal: Callable[[], None],
        waiting_max: int = WAITING_MAX,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self._engine = engine
        self._on_fatal = on_fatal
        self._waiting_max = waiting_max
        self._waiting_bytes_max = waiting_bytes_max
        self._changed = threading.Condition()
        self._waiting: deque[_Request[Any]] = deque()
        self._waiting_bytes = 0
        self._closed = False
        self._broken = False
        self._thread = threading.Thread(target=self._work, name="ponte-storage-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        operation: Operation[T],
        *,
        then: Callable[[T], None] = lambda _: None,
        guarded: bool = False,
        size: int = 0,
    ) -> T:
        """The operation's result, once it is durable. `size` is what it holds in memory meanwhile, in bytes.

        `guarded`: the operation may raise a `Failure`, which undoes it alone. Any other error undoes the whole batch.
        `then` is called with the result after the commit and before any answer, on the writer's thread and also when
        the caller has gone: it keeps pictures in memory true. It must not fail.

        `Unavailable`: not written, except for `storage.failed` after an error of the disk, when nobody knows.
        """
        request = _Request(operation, then, guarded=guarded, size=size)
        with self._changed:
            self._refuse_or_admit(size)
            self._waiting.append(request)
            self._waiting_bytes += size
            self._changed.notify()
        return await request.answer

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _refuse_or_admit(self, size: int) -> None:
        if self._broken:
            raise _failed()
        if self._closed:
            raise Unavailable("storage.closed", "Ponte is stopping", retry_after_s=RETRY_AFTER_S)
        if len(self._waiting) >= self._waiting_max or self._waiting_bytes + size > self._waiting_bytes_max:
            raise Unavailable("storage.busy", "too much waits to be written", retry_after_s=RETRY_AFTER_S)

    def _work(self) -> None:
        while batch := self._next_batch():
            fatal = False
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001  # whatever the reason, those who wait must be answered
                fatal = self._give_up(batch, error)
            _answer(batch)
            if fatal:
                self._on_fatal()

    def _next_batch(self) -> Sequence[_Request[Any]]:
        """What waits, at most a batch of it; empty: closed, and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._waiting_bytes -= sum(request.size for request in batch)
            return batch

    def _commit(self, batch: Sequence[_Request[Any]]) -> None:
        if self._broken:
            raise _failed()
        with self._engine.begin() as connection:
            for request in batch:
                request.perform(connection)
        for request in batch:
            request.committed()

    def _give_up(self, batch: Sequence[_Request[Any]], error: Exception) -> bool:
        """Whether nothing may be written any more, from now on."""
        for request in batch:
            request.fail(_failed())
        if self._broken:
            return False
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorname", "")
        log.error("storage.commit_failed", error=type(cause).__name__, code=code, operations=len(batch))
        self._broken = is_damaged(cause)
        return self._broken


def _failed() -> Unavailable:
    return Unavailable("storage.failed", "the database could not write", retry_after_s=RETRY_AFTER_S)


def _answer(batch: Sequence[_Request[Any]]) -> None:
    """One call a loop, however many wait on it."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Request[Any]]] = defaultdict(list)
    for request in batch:
        by_loop[request.loop].append(request)
    for loop, requests in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, requests)


def _resolve(requests: Sequence[_Request[Any]]) -> None:
    for request in requests:
        request.resolve()

"""The one thread that writes: what waits while a commit runs is committed together by the next one.

That keeps full durability (each commit reaches the disk before anybody is answered) at a small part of its price.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.sqlite_file import is_damaged
from adapters.storage.waiting import WAITING_BYTES_MAX, WAITING_MAX, Request, WaitingRoom, answer, failed
from application.failures import Failure

BATCH_MAX = 512
"""operations in one commit"""

T = TypeVar("T")
Operation = Callable[[Connection], T]

log = structlog.get_logger()


class _Write(Request[T], Generic[T]):
    """An operation that waits for its commit."""

    def __init__(self, operation: Operation[T], then: Callable[[T], None], *, guarded: bool, size: int) -> None:
        super().__init__(size=size)
        self._operation = operation
        self._then = then
        self._guarded = guarded

    def perform(self, connection: Connection) -> None:
        if not self._guarded:
            self.result = self._operation(connection)
            return
        try:
            with connection.begin_nested():
                self.result = self._operation(connection)
        except Failure as failure:
            self.failure = failure

    def committed(self) -> None:
        if self.failure is None:
            self._then(self.result)


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
        self._waiting: WaitingRoom[_Write[Any]] = WaitingRoom(
            waiting_max=waiting_max, waiting_bytes_max=waiting_bytes_max
        )
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
        if self._broken:
            raise failed()
        write = _Write(operation, then, guarded=guarded, size=size)
        self._waiting.enter(write)
        return await write.answer

    def close(self) -> None:
        self._waiting.close()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._waiting.next_batch(BATCH_MAX):
            fatal = False
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001  # whatever the reason, those who wait must be answered
                fatal = self._give_up(batch, error)
            answer(batch)
            if fatal:
                self._on_fatal()

    def _commit(self, batch: Sequence[_Write[Any]]) -> None:
        if self._broken:
            raise failed()
        with self._engine.begin() as connection:
            for write in batch:
                write.perform(connection)
        for write in batch:
            write.committed()

    def _give_up(self, batch: Sequence[_Write[Any]], error: Exception) -> bool:
        """Whether nothing may be written any more, from now on."""
        for write in batch:
            write.failure = failed()
        if self._broken:
            return False
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorname", "")
        log.error("storage.commit_failed", error=type(cause).__name__, code=code, operations=len(batch))
        self._broken = is_damaged(cause)
        return self._broken

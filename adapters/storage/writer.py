"""The one thread that writes: what waits while a commit runs is committed together by the next one.

That keeps full durability (each commit reaches the disk before anybody is answered) at a small part of its price.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
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
Question = TypeVar("Question")
Answer = TypeVar("Answer")
Operation = Callable[[Connection], T]

log = structlog.get_logger()


class Together(Generic[Question, Answer]):
    """Operations of one kind: those that ride one commit are carried out by one call.

    `carry_out` answers all questions, in their order; `then` is told all answers after the commit, before each of those
    who asked.
    """

    def __init__(
        self,
        carry_out: Callable[[Connection, Sequence[Question]], Sequence[Answer]],
        *,
        then: Callable[[Sequence[Answer]], None] = lambda _: None,
    ) -> None:
        self.carry_out = carry_out
        self.then = then


class _Alone(Request[T], Generic[T]):
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


class _Asked(Request[Answer], Generic[Question, Answer]):
    """A question that waits for those of its kind, and with them for their commit."""

    def __init__(
        self, kind: Together[Question, Answer], question: Question, then: Callable[[Answer], None], *, size: int
    ) -> None:
        super().__init__(size=size)
        self.kind = kind
        self.question = question
        self.then = then


class _AllOfAKind(Generic[Question, Answer]):
    def __init__(self, kind: Together[Question, Answer]) -> None:
        self.asked: list[_Asked[Question, Answer]] = []
        self._kind = kind
        self._answers: Sequence[Answer] = ()

    def perform(self, connection: Connection) -> None:
        self._answers = self._kind.carry_out(connection, [each.question for each in self.asked])
        for each, result in zip(self.asked, self._answers, strict=True):
            each.result = result

    def committed(self) -> None:
        self._kind.then(self._answers)
        for each in self.asked:
            each.then(each.result)


_Write = _Alone[Any] | _Asked[Any, Any]


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
        self._waiting: WaitingRoom[_Write] = WaitingRoom(waiting_max=waiting_max, waiting_bytes_max=waiting_bytes_max)
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
        return await self._written(_Alone(operation, then, guarded=guarded, size=size))

    async def run_together(
        self,
        kind: Together[Question, Answer],
        question: Question,
        *,
        then: Callable[[Answer], None] = lambda _: None,
        size: int = 0,
    ) -> Answer:
        """The answer, once it is durable. Otherwise as `run`."""
        return await self._written(_Asked(kind, question, then, size=size))

    async def _written(self, write: _Alone[T] | _Asked[Any, T]) -> T:
        if self._broken:
            raise failed()
        self._waiting.enter(write)
        return await write.answer

    def close(self) -> None:
        self._waiting.close()
        self._thread.join()

    def _work(self) -> None:
        connection: Connection | None = None  # kept: taking it from the engine costs as much as a short commit
        while batch := self._waiting.next_batch(BATCH_MAX):
            fatal = False
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, batch)
            except Exception as error:  # noqa: BLE001  # whatever the reason, those who wait must be answered
                fatal = self._give_up(batch, error)
                _let_go(connection)
                connection = None
            answer(batch)
            if fatal:
                self._on_fatal()
        _let_go(connection)

    def _commit(self, connection: Connection, batch: Sequence[_Write]) -> None:
        if self._broken:
            raise failed()
        steps = _steps(batch)
        with connection.begin():
            for step in steps:
                step.perform(connection)
        for step in steps:
            step.committed()

    def _give_up(self, batch: Sequence[_Write], error: Exception) -> bool:
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


def _let_go(connection: Connection | None) -> None:
    """What went wrong on it is over: the next batch takes one that is in order again."""
    if connection is not None:
        with suppress(DBAPIError):
            connection.close()


def _steps(batch: Sequence[_Write]) -> Sequence[_Alone[Any] | _AllOfAKind[Any, Any]]:
    """In the order of waiting; all of a kind in the place of its first."""
    steps: list[_Alone[Any] | _AllOfAKind[Any, Any]] = []
    kinds: dict[Together[Any, Any], _AllOfAKind[Any, Any]] = {}
    for write in batch:
        if isinstance(write, _Alone):
            steps.append(write)
            continue
        if (together := kinds.get(write.kind)) is None:
            together = kinds[write.kind] = _AllOfAKind(write.kind)
            steps.append(together)
        together.asked.append(write)
    return steps

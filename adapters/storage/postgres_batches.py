"""What waits while the connections are busy goes to PostgreSQL together: one round trip and one commit for all.

Threads and plain connections, so that several event loops of a process share them and nothing of them belongs to one.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import psycopg
import structlog

from adapters.storage.postgres_server import Session, connect, one_trip
from adapters.storage.waiting import WAITING_BYTES_MAX, WAITING_MAX, Request, WaitingRoom, answer, failed

Question = TypeVar("Question")
Answer = TypeVar("Answer")
CarryOut = Callable[[Session, Sequence[Question]], Sequence[Answer]]
"""All questions in one transaction, their answers in the same order."""

Statement = tuple[str, Sequence[object]]
Rows = Sequence[tuple[Any, ...]]

log = structlog.get_logger()


class _Asked(Request[Answer], Generic[Question, Answer]):
    def __init__(self, question: Question, *, size: int) -> None:
        super().__init__(size=size)
        self.question = question


class _Line(Generic[Question, Answer]):
    """One connection, opened when it is first needed and again whenever it was lost."""

    def __init__(self, url: str, carry_out: CarryOut[Question, Answer]) -> None:
        self._url = url
        self._carry_out = carry_out
        self._session: Session | None = None

    @property
    def is_up(self) -> bool:
        return self._session is not None and not self._session.closed

    def perform(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """A connection that proves lost only now is replaced once: what is asked here may be asked twice."""
        if self._session is not None:
            try:
                return self._carry_out(self._session, questions)
            except psycopg.OperationalError:
                if self.is_up:
                    raise
        self.close()
        self._session = connect(self._url)
        return self._carry_out(self._session, questions)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


class Batches(Generic[Question, Answer]):
    """`run` may be called from any event loop; `close` asks what waits, then ends the threads.

    A question that fails fails alone. While the database is gone every question fails, and no longer.
    """

    def __init__(
        self,
        url: str,
        carry_out: CarryOut[Question, Answer],
        *,
        name: str,
        connections: int,
        batch_max: int,
        waiting_max: int = WAITING_MAX,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self._url = url
        self._carry_out = carry_out
        self._batch_max = batch_max
        self._waiting: WaitingRoom[_Asked[Question, Answer]] = WaitingRoom(
            waiting_max=waiting_max, waiting_bytes_max=waiting_bytes_max
        )
        self._threads = [
            threading.Thread(target=self._work, name=f"ponte-postgres-{name}-{number}", daemon=True)
            for number in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, question: Question, *, size: int = 0) -> Answer:
        """The answer, once it is durable. `Unavailable`: the database did not say that it is."""
        asked: _Asked[Question, Answer] = _Asked(question, size=size)
        self._waiting.enter(asked)
        return await asked.answer

    def close(self) -> None:
        self._waiting.close()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        line = _Line(self._url, self._carry_out)
        while batch := self._waiting.next_batch(self._batch_max):
            self._settle(line, batch)
            answer(batch)
        line.close()

    def _settle(self, line: _Line[Question, Answer], batch: Sequence[_Asked[Question, Answer]]) -> None:
        try:
            answers = line.perform([asked.question for asked in batch])
        except Exception as error:  # noqa: BLE001  # whatever the reason, those who wait must be answered
            if len(batch) > 1 and line.is_up:
                for asked in batch:
                    self._settle(line, [asked])
                return
            code = getattr(error, "sqlstate", None) or ""
            log.error("storage.batch_failed", error=type(error).__name__, code=code, questions=len(batch))  # noqa: TRY400  # its text may hold values
            for asked in batch:
                asked.failure = failed()
            return
        for asked, result in zip(batch, answers, strict=True):
            asked.result = result


Asking = Batches[Sequence[Statement], Sequence[Rows]]


def ask(session: Session, questions: Sequence[Sequence[Statement]]) -> Sequence[Sequence[Rows]]:
    """Each question's statements in order; for each of them the rows that it returned."""
    if len(questions) == len(questions[0]) == 1:  # then the statement alone is a transaction, and a trip
        ((query, values),) = questions[0]
        return [[_rows(session.execute(query, values))]]
    with one_trip(session):
        cursors = [[session.execute(query, values) for query, values in statements] for statements in questions]
    return [[_rows(cursor) for cursor in of_one] for of_one in cursors]


def _rows(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Rows:
    return cursor.fetchall() if cursor.description else []

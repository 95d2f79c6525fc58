"""Short transactions that are the same for both databases: on the writer's thread over a file, pooled over PostgreSQL."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.waiting import failed

T = TypeVar("T")


class Transactions(Protocol):
    """`adapters.storage.writer.Writer` is one."""

    async def run(self, operation: Callable[[Connection], T]) -> T:
        """The operation's result, once it is durable. It must not fail: over a file, others ride the same commit."""
        ...


class PostgresTransactions:
    """Whatever may wait for the database waits on a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, operation: Callable[[Connection], T]) -> T:
        def commit() -> T:
            try:
                with self._engine.begin() as connection:
                    return operation(connection)
            except DBAPIError:
                raise failed() from None

        return await asyncio.to_thread(commit)

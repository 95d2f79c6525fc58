"""Short reads of an SQLite file that wait for no commit."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.waiting import failed_to_read

T = TypeVar("T")


class SqliteReads:
    """Fits `adapters.storage.transactions.Transactions` for what only reads. May be asked on any event loop."""

    def __init__(self, reader: Engine) -> None:
        """`reader` has one connection, and nobody else asks by it."""
        self._reader = reader
        self._turn = threading.Lock()

    async def run(self, operation: Callable[[Connection], T]) -> T:
        def ask() -> T:
            try:
                with self._turn, self._reader.connect() as connection:
                    return operation(connection)
            except DBAPIError:
                raise failed_to_read() from None

        return await asyncio.to_thread(ask)

"""One database, opened as the product opens it, and opened again as the next process would."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from adapters.memory.clock import SetClock
from adapters.storage.database import ServedDatabase, serve_database
from application.ports import Clock
from domain.identifiers import Secret
from tests.contracts.journal import NOON

KEY = Secret(value=Fernet.generate_key().decode())
OTHER_KEY = Secret(value=Fernet.generate_key().decode())


class ServedFile:
    """Most often of SQLite."""

    def __init__(self, url: str, clock: SetClock | None = None) -> None:
        self.url = url
        self.clock = clock or SetClock(NOON)
        self.deaths: list[None] = []
        """how often the storage asked for the process to end"""
        self.database = self._open()
        self._name_parts()

    def reopen(self) -> None:
        self.database.close()
        self.database = self._open()
        self._name_parts()

    def _open(self) -> ServedDatabase:
        return serve_database(self.url, keys=[KEY], clock=self.clock, on_fatal=lambda: self.deaths.append(None))

    def _name_parts(self) -> None:
        self.journal = self.database.journal
        self.installations = self.database.installations
        self.history = self.database.history
        self.outages = self.database.outages

    def close(self) -> None:
        self.database.close()

    async def crash(self) -> None:
        """Everything that was answered is on the disk by then, so ending well is as good as dying here; a real
        `kill -9` has a test of its own."""
        self.reopen()


@contextmanager
def served(url: str, *keys: Secret, clock: Clock | None = None) -> Iterator[ServedDatabase]:
    database = serve_database(url, keys=keys or [KEY], clock=clock or SetClock(NOON), on_fatal=lambda: None)
    try:
        yield database
    finally:
        database.close()


def all_bytes(directory: Path) -> bytes:
    """Everything that was written. Only while no connection is open: closing the file here would drop its locks."""
    return b"".join(path.read_bytes() for path in directory.iterdir())

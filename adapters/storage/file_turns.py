"""One at a time over all processes that share a SQLite file: whoever serves from it, and commands beside.

For each name a file of its own beside the database, locked: the system lets go of it when the process dies.
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from adapters.storage.patience import until_taken
from application.failures import Unavailable

LOOK_AGAIN_S = 0.05


class FileTurns:
    """Implements `application.console_ports.Turns`. May be asked on any event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[None]:
        file = Path(f"{self._path}.turn-{blake2b(name.encode(), digest_size=8).hexdigest()}")

        async def take() -> int | None:
            return _taken(file)

        held = await until_taken(take, look_again_s=LOOK_AGAIN_S)
        try:
            yield
        finally:
            _give_back(file, held)


def _taken(file: Path) -> int | None:
    """The descriptor that holds the lock; None: another one does. A lock on a file that its holder has taken away
    meanwhile is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
    except OSError:
        raise Unavailable("storage.failed", "the file of a turn can't be used") from None
    return None


def _give_back(file: Path, held: int) -> None:
    """Taken away while it is still locked: whoever waits for it finds that out, and makes the next one."""
    with suppress(OSError):
        file.unlink()
    os.close(held)

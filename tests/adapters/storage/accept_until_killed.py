"""Run as a process of its own: accepts notifications and prints the key of each one that was acknowledged.

Arguments: the database's URL, its key, and `disk-fails` when the disk is to fail after a while.
"""

import asyncio
import os
import resource
import sys
import threading
from itertools import count

from adapters.clock.system import SystemClock
from adapters.storage.database import serve_database
from application.failures import Unavailable
from domain.identifiers import EffectKey, Secret
from tests.contracts.journal import HERE, arrival, lane

FATAL = 70
"""the status with which the process ends once the disk has failed"""


def say(line: str) -> None:
    """In one piece, from whatever thread."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


async def main(url: str, key: str, *how: str) -> None:
    told = threading.Event()

    def tell() -> None:
        say("fatal")
        told.set()

    database = serve_database(url, keys=[Secret(value=key)], clock=SystemClock(), on_fatal=tell)
    journal = database.journal

    async def accept(worker: int, number: int) -> None:
        chat, name = f"{worker}", f"{worker}-{number}"
        await journal.accept(HERE, [arrival(name, chat)], window_s=60)
        say(f"accepted {name}")
        if number % 10 == 5:
            entry = await journal.head(lane(chat))
            assert entry is not None
            await journal.begin(entry, EffectKey(f"{name}:0"))
            say(f"begun {entry.notification.key} {name}:0")

    async def keep_on(worker: int) -> None:
        for number in count():
            await accept(worker, number)

    if "disk-fails" in how:
        # A file that may not grow makes the system refuse the write, which SQLite takes for a failing disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    try:
        await asyncio.gather(*(keep_on(worker) for worker in range(8)))
    except Unavailable as failure:
        say(f"refused {failure.cause}")
        told.wait(10)
        os._exit(FATAL)


asyncio.run(main(*sys.argv[1:]))

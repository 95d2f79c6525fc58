"""One event loop that accepts, and another one in a thread that works off."""

import asyncio

from tests.adapters.storage.files import ServedFile
from tests.contracts.journal import accept


async def delivered_in_one_loop_and_worked_off_in_another(file: ServedFile, entries: int) -> int:
    """How many were worked off."""

    async def work() -> int:
        finished = 0
        while finished < entries:
            for lane in await file.journal.unfinished():
                entry = await file.journal.head(lane)
                if entry is not None:
                    await file.journal.finish_entry(entry)
                    finished += 1
        return finished

    async def deliver() -> None:
        for number in range(entries):
            await accept(file, f"n-{number}", chat=str(number % 7))

    _, finished = await asyncio.gather(deliver(), asyncio.to_thread(asyncio.run, work()))
    return finished

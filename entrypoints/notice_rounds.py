"""The rounds beside the engine by which the provider's people are told what needs them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from entrypoints.steady_round import Round, attempt

OFTEN_S = 1.0
SELDOM_S = 5.0
GRACE_S = 5.0
"""how long a letter that is being sent may take at a stop; cut off, it may be sent once more"""


class NoticeRounds:
    """Each round with the seconds between one and the next; `at_end` is the last one. What a round could not do, a
    later one does; a round that waits for its mail server holds up no other."""

    def __init__(self, rounds: Sequence[tuple[Round, float]], *, at_end: Round, grace_s: float = GRACE_S) -> None:
        self._rounds = rounds
        self._at_end = at_end
        self._grace_s = grace_s

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """They go while the block runs."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(_repeat(each, every_s, stop)) for each, every_s in self._rounds]
        try:
            yield
        finally:
            stop.set()
            _, late = await asyncio.wait(tasks, timeout=self._grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await attempt(self._at_end)


async def _repeat(each: Round, every_s: float, stop: asyncio.Event) -> None:
    well = True
    while not stop.is_set():
        well = await attempt(each, tells=well)  # a row of failures is told once
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await stop.wait()

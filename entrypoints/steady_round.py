"""A round of work that comes again and again beside everything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from application.failures import Failure

log = structlog.get_logger()


@asynccontextmanager
async def repeating(
    work: Callable[[], Awaitable[object]], *, every_s: float, first_after_s: float
) -> AsyncIterator[None]:
    """While the block runs. At its end a round that is under way is cut off. What a round could not do, a later one does."""
    task = asyncio.create_task(_repeat(work, every_s, first_after_s))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[], Awaitable[object]], every_s: float, first_after_s: float) -> None:
    await asyncio.sleep(first_after_s)
    while True:
        try:
            await work()
        except Failure as failure:
            log.warning("round.failed", round=type(work).__name__, error=failure.cause)
        except Exception:  # our own fault must not end the rounds
            log.exception("round.crashed", round=type(work).__name__)
        await asyncio.sleep(every_s)

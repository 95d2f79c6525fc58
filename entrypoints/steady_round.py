"""A round of work that comes again and again beside everything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from application.failures import Failure

Round = Callable[[], Awaitable[object]]

log = structlog.get_logger()


@asynccontextmanager
async def repeating(work: Round, *, every_s: float, first_after_s: float) -> AsyncIterator[None]:
    """While the block runs. At its end a round that is under way is cut off. What a round could not do, a later one does."""
    task = asyncio.create_task(_repeat(work, every_s, first_after_s))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def attempt(work: Round, *, tells: bool = True) -> bool:
    """Whether it went well; it never fails, nor, unless it is told not to, without a word."""
    try:
        await work()
    except Failure as failure:
        if tells:
            log.warning("round.failed", round=_name(work), error=failure.cause)
    except Exception:  # our own fault must not end the rounds
        if tells:
            log.exception("round.crashed", round=_name(work))
    else:
        return True
    return False


async def _repeat(work: Round, every_s: float, first_after_s: float) -> None:
    await asyncio.sleep(first_after_s)
    while True:
        await attempt(work)
        await asyncio.sleep(every_s)


def _name(work: Round) -> str:
    """Of the function or method, or of the use case that is called."""
    return getattr(work, "__qualname__", type(work).__name__)

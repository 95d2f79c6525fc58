"""What works off the journal: beside the server in one process, or alone as `ponte worker`."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from application.ports import Engine, Journal, Lane

GRACE_S = 20.0
"""how long running work may take to finish at a stop; what does not is resumed at the next start"""

Unfinished = Callable[[], Awaitable[Mapping[Lane, float]]]
"""`ages_of_unfinished` of the journal. An engine that finds them by itself, because other processes work beside it, gets
None in its place."""

log = structlog.get_logger()


class RunningEngine(Engine, Protocol):
    """This process's part of an engine: `Lanes`, or `ProcrastinateEngine` with or without work of its own."""

    def wake(self, lane: Lane, *, waited_s: float = 0.0) -> None:
        """`Engine.wake`. Lanes that have waited already come before `start`, the longest wait first."""
        ...

    def start(self) -> None:
        """Begins to work, on the running loop."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Takes no new work, lets what runs finish for `grace_s` seconds, then cancels it."""
        ...


async def ages_of_unfinished(journal: Journal) -> Mapping[Lane, float]:
    """The lanes that hold unfinished entries and for how many seconds the oldest of each has waited, longest first."""
    heads = [(lane, await journal.head(lane)) for lane in await journal.unfinished()]
    ages = {lane: head.age_s for lane, head in heads if head is not None}
    return dict(sorted(ages.items(), key=lambda each: -each[1]))


@asynccontextmanager
async def working(
    unfinished: Unfinished | None, engine: RunningEngine, *, works: bool = True, grace_s: float = GRACE_S
) -> AsyncIterator[None]:
    """Works while the block runs, also on what an earlier process left unfinished. Without `works`, the engine only
    tells others of what is to be done."""
    left = await unfinished() if unfinished is not None else {}
    for lane, age_s in left.items():
        engine.wake(lane, waited_s=age_s)
    engine.start()
    if works:
        log.info("worker.started", resumed_chats=len(left))
    try:
        yield
    finally:
        await engine.stop(grace_s)
        if works:
            log.info("worker.stopped")


async def work_until_stopped(unfinished: Unfinished | None, engine: RunningEngine, stop: asyncio.Event) -> None:
    """The whole life of a worker that runs alone; `stop_signal()` gives an event that SIGTERM sets."""
    async with working(unfinished, engine):
        await stop.wait()


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; to be called in the main thread, on the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop

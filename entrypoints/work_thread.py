"""Work on an event loop of its own, in a thread beside the one that serves: what is being worked off does not hold up
what comes in."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

SWITCH_INTERVAL_S = 0.0002
"""how long one thread may keep the interpreter from another; Python's own 5 ms would be the price of every hand-over"""

Work = Callable[[], AbstractAsyncContextManager[None]]
"""What is entered, and left, on the loop of the thread."""
NewLoop = Callable[[], asyncio.AbstractEventLoop]


@asynccontextmanager
async def working_in_thread(work: Work, *, new_loop: NewLoop) -> AsyncIterator[None]:
    """Works while the block runs. What `work` raises on its way in or out is raised here.

    All that `work` touches belongs to its loop, except what says that it may be used on any.
    """
    serving = asyncio.get_running_loop()
    begun: asyncio.Future[None] = serving.create_future()
    ended: asyncio.Future[None] = serving.create_future()
    stop: Future[None] = Future()

    async def live() -> None:
        async with work():
            serving.call_soon_threadsafe(begun.set_result, None)
            await asyncio.wrap_future(stop)

    def run() -> None:
        failure: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(live())
        except BaseException as error:  # noqa: BLE001  # raised on the serving loop, where it is heard
            failure = error
        serving.call_soon_threadsafe(_end, ended, failure)

    with _quick_hand_over():
        threading.Thread(target=run, name="ponte-work", daemon=True).start()
        try:
            await asyncio.wait({begun, ended}, return_when=asyncio.FIRST_COMPLETED)
            if begun.done():
                yield
        finally:
            stop.set_result(None)
            await ended


def _end(ended: asyncio.Future[None], failure: BaseException | None) -> None:
    if failure is None:
        ended.set_result(None)
    else:
        ended.set_exception(failure)


@contextmanager
def _quick_hand_over() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)

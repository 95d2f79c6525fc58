"""In-process lanes: one task at a time per chat, installations in turn, nothing polled.

A lane is in one of these states: unknown (nothing to do), waiting (in its installation's queue), running (perhaps to be
run again, because it was woken meanwhile), or resting (a timer will wake it). The truth stays in the journal; what is
forgotten here at a stop is woken again at the next start.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from traceback import extract_tb

import structlog

from application.ports import Lane
from domain.identifiers import InstallationId

Work = Callable[[Lane], Awaitable[float | None]]
"""Empties the lane's mailbox; returns None, or the seconds after which the lane is to be woken again."""

Cancel = Callable[[], object]
Timer = Callable[[float, Callable[[], None]], Cancel]
"""Calls back once after so many seconds, on the loop that runs the lanes, unless cancelled before."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

log = structlog.get_logger()


class Lanes:
    """Implements `application.ports.Engine`.

    `concurrency` bounds the lanes at work at once in this process, `per_installation` those of one installation.
    `wake` may be called from any thread; all else belongs to the loop on which `start` was called.
    """

    def __init__(
        self, *, work: Work, concurrency: int = 64, per_installation: int = 16, timer: Timer | None = None
    ) -> None:
        if concurrency < 1 or per_installation < 1:
            raise ValueError("a bound of less than one lane would never work")
        self._work = work
        self._concurrency = concurrency
        self._per_installation = per_installation
        self._timer = timer or _on_running_loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._stopped = False

        self._arrived: deque[Lane] = deque()
        """wakes that the loop has not seen yet"""
        self._called = False
        """the loop was told to look and has not begun; cleared before it looks, so that no wake falls between"""
        self._waiting: dict[InstallationId, deque[Lane]] = {}
        self._queued: set[Lane] = set()
        self._turns: OrderedDict[InstallationId, None] = OrderedDict()
        """installations that wait and are below their bound, next one first"""
        self._running: dict[Lane, asyncio.Task[None]] = {}
        self._busy: dict[InstallationId, int] = {}
        self._again: set[Lane] = set()
        self._resting: dict[Lane, Cancel] = {}
        self._failures: dict[Lane, int] = {}

    def wake(self, lane: Lane) -> None:
        """Work on this lane soon, and once more if it is being worked on. Before `start` it waits, after `stop` it is
        dropped."""
        if self._stopped:
            return
        self._arrived.append(lane)
        if self._loop is None:
            return
        if threading.get_ident() == self._thread:
            self._take_arrivals()
        elif not self._called:
            self._called = True
            self._loop.call_soon_threadsafe(self._take_arrivals)

    def start(self) -> None:
        """Begins to work, on the running loop."""
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        self._take_arrivals()

    async def stop(self, grace_s: float) -> None:
        """Takes no new work, lets what runs finish for `grace_s` seconds, then cancels it."""
        self._stopped = True
        for cancel in self._resting.values():
            cancel()
        self._resting.clear()
        self._arrived.clear()
        self._waiting.clear()
        self._queued.clear()
        self._turns.clear()
        if not self._running:
            return
        _, late = await asyncio.wait(self._running.values(), timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _take_arrivals(self) -> None:
        self._called = False
        while self._arrived:
            self._enter(self._arrived.popleft())
        self._fill()

    def _enter(self, lane: Lane) -> None:
        if self._stopped or lane in self._queued:
            return
        if lane in self._running:
            self._again.add(lane)
            return
        if cancel := self._resting.pop(lane, None):
            cancel()
        self._queued.add(lane)
        self._waiting.setdefault(lane.installation_id, deque()).append(lane)
        self._line_up(lane.installation_id)

    def _line_up(self, installation_id: InstallationId) -> None:
        """Gives the installation a turn, after all others, if it may have one."""
        if installation_id in self._waiting and self._busy.get(installation_id, 0) < self._per_installation:
            self._turns.setdefault(installation_id)

    def _fill(self) -> None:
        while self._turns and len(self._running) < self._concurrency:
            installation_id, _ = self._turns.popitem(last=False)
            waiting = self._waiting[installation_id]
            lane = waiting.popleft()
            if not waiting:
                del self._waiting[installation_id]
            self._queued.remove(lane)
            self._busy[installation_id] = self._busy.get(installation_id, 0) + 1
            self._running[lane] = asyncio.create_task(self._run(lane))
            self._line_up(installation_id)

    async def _run(self, lane: Lane) -> None:
        rest_s: float | None = None
        try:
            rest_s = await self._work(lane)
            self._failures.pop(lane, None)
        except (Exception, asyncio.CancelledError) as error:
            if self._stopped and isinstance(error, asyncio.CancelledError):
                raise
            rest_s = self._after_failure(lane, error)
        finally:
            self._leave(lane, rest_s)

    def _leave(self, lane: Lane, rest_s: float | None) -> None:
        del self._running[lane]
        self._busy[lane.installation_id] -= 1
        if not self._busy[lane.installation_id]:
            del self._busy[lane.installation_id]
        if self._stopped:
            return
        if lane in self._again:
            self._again.remove(lane)
            self._enter(lane)
        elif rest_s is not None:
            self._resting[lane] = self._timer(rest_s, lambda: self._rested(lane))
        self._line_up(lane.installation_id)
        self._fill()

    def _rested(self, lane: Lane) -> None:
        del self._resting[lane]
        self._enter(lane)
        self._fill()

    def _after_failure(self, lane: Lane, error: BaseException) -> float:
        self._failures[lane] = self._failures.get(lane, 0) + 1
        return rest_after_failure(lane, error, failures=self._failures[lane])


def rest_after_failure(lane: Lane, error: BaseException, *, failures: int) -> float:
    """Tells the log, and how many seconds to wait before the work that failed so many times in a row is tried again."""
    rest_s = min(FIRST_RETRY_S * float(1 << min(failures - 1, 16)), LONGEST_RETRY_S)
    log.error(
        "lane.failed",
        installation_id=lane.installation_id,
        chat_id=lane.chat_id,
        error=type(error).__name__,
        at=_where(error),
        failures=failures,
        retry_s=rest_s,
    )
    return rest_s


def _where(error: BaseException) -> str:
    """The innermost line, never the words: an exception's text may quote a customer."""
    frames = extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _on_running_loop(delay_s: float, call: Callable[[], None]) -> Cancel:
    return asyncio.get_running_loop().call_later(delay_s, call).cancel

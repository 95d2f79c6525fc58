"""In-process lanes: one task at a time per chat, installations in turn, nothing polled while nobody waits.

A lane is in one of these states: unknown (nothing to do), waiting (in its installation's line), running (perhaps to be
run again, because it was woken meanwhile), or resting (a timer will wake it). The truth stays in the journal; what is
forgotten here at a stop is woken again at the next start.

A line is worked from both ends. A free place goes to the youngest, who has the most time left: served in the order of
their arrival, a crowd would have the ERP asked for customers who can't be answered in time any more. Those who wait in
vain get a last call, oldest first, at a desk of its own; evenly, so that others are not held up by a burst of them.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import PurePath
from traceback import extract_tb

import structlog

from adapters.engine.desk import Desk, Work
from adapters.engine.last_calls import NEVER, LastCalls
from adapters.engine.line import Line
from adapters.engine.pace import LET_GO_S
from application.ports import Lane
from domain.identifiers import InstallationId

Cancel = Callable[[], object]
Timer = Callable[[float, Callable[[], None]], Cancel]
"""Calls back once after so many seconds, on the loop that runs the lanes, unless cancelled before."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
LOOK_S = 0.02
"""how often it is looked who waits in vain, while anybody waits"""
LET_GO_AT_A_LOOK = round(LOOK_S / LET_GO_S)

log = structlog.get_logger()


class Lanes:
    """Implements `application.ports.Engine`.

    `concurrency` bounds the lanes at work at once in this process, `per_installation` those of one installation; last
    calls come on top of that. `wake` may be called from any thread; all else belongs to the loop on which `start` was
    called.
    """

    def __init__(
        self,
        *,
        work: Work,
        last_calls: LastCalls = NEVER,
        concurrency: int = 64,
        per_installation: int = 16,
        timer: Timer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = Desk(work=work, places=concurrency, per_installation=per_installation)
        self._last_desk = Desk(
            work=last_calls.work, places=last_calls.places, per_installation=last_calls.per_installation
        )
        self._last_calls = last_calls
        self._timer = timer or _on_running_loop
        self._monotonic = monotonic
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._stopped = False

        self._arrived: deque[tuple[Lane, float]] = deque()
        """wakes that the loop has not seen yet, and since when each waits"""
        self._called = False
        """the loop was told to look and has not begun; cleared before it looks, so that no wake falls between"""
        self._lines: dict[InstallationId, Line] = {}
        """of those where somebody waits"""
        self._next_look: Cancel | None = None
        self._running: dict[Lane, asyncio.Task[None]] = {}
        self._again: dict[Lane, float] = {}
        """woken while they run, and since when"""
        self._resting: dict[Lane, Cancel] = {}
        self._failures: dict[Lane, int] = {}

    def wake(self, lane: Lane, *, waited_s: float = 0.0) -> None:
        """Work on this lane soon, and once more if it is being worked on. Before `start` it waits, after `stop` it is
        dropped. Lanes that have waited already come before `start`, the longest wait first."""
        if self._stopped:
            return
        self._arrived.append((lane, self._monotonic() - waited_s))
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
        if self._next_look is not None:
            self._next_look()
        self._resting.clear()
        self._arrived.clear()
        self._lines.clear()
        if not self._running:
            return
        _, late = await asyncio.wait(self._running.values(), timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _take_arrivals(self) -> None:
        self._called = False
        while self._arrived:
            self._enter(*self._arrived.popleft())
        self._fill()

    def _enter(self, lane: Lane, since: float) -> None:
        if self._stopped:
            return
        if lane in self._running:
            self._again.setdefault(lane, since)
            return
        if cancel := self._resting.pop(lane, None):
            cancel()
        line = self._lines.get(lane.installation_id)
        if line is None:
            line = self._lines[lane.installation_id] = Line(self._monotonic())
        line.add(lane, since)
        self._desk.line_up(lane.installation_id)

    def _fill(self) -> None:
        """Gives the free places to those who wait."""
        while (installation_id := self._desk.next_turn()) is not None:
            if installation_id in self._lines:
                self._begin(installation_id, self._desk)
        if self._lines and self._next_look is None:
            self._next_look = self._timer(LOOK_S, self._look)

    def _look(self) -> None:
        """Lets some of those go who wait in vain."""
        self._next_look = None
        for installation_id in self._lines:
            self._last_desk.line_up(installation_id)
        let_go = 0
        while let_go < LET_GO_AT_A_LOOK and (called := self._last_desk.next_turn()) is not None:
            if self._waits_in_vain(called):
                self._begin(called, self._last_desk)
                let_go += 1
        self._fill()

    def _waits_in_vain(self, installation_id: InstallationId) -> bool:
        line = self._lines.get(installation_id)
        return line is not None and line.waits_in_vain(self._monotonic(), self._last_calls.patience_s(installation_id))

    def _begin(self, installation_id: InstallationId, desk: Desk) -> None:
        """With the youngest of the line, or with the oldest where it is a last call."""
        line = self._lines[installation_id]
        lane = line.pop_oldest() if desk is self._last_desk else line.pop_youngest()
        if not line:
            del self._lines[installation_id]
        desk.take(installation_id)
        self._running[lane] = asyncio.create_task(self._run(lane, desk))
        desk.line_up(installation_id)

    async def _run(self, lane: Lane, desk: Desk) -> None:
        rest_s: float | None = None
        try:
            rest_s = await desk.work(lane)
            self._failures.pop(lane, None)
        except (Exception, asyncio.CancelledError) as error:
            if self._stopped and isinstance(error, asyncio.CancelledError):
                raise
            rest_s = self._after_failure(lane, error)
        finally:
            self._leave(lane, desk, rest_s)

    def _leave(self, lane: Lane, desk: Desk, rest_s: float | None) -> None:
        del self._running[lane]
        desk.give_back(lane.installation_id)
        if self._stopped:
            return
        if desk is self._desk and (line := self._lines.get(lane.installation_id)):
            line.served(self._monotonic())
        if lane in self._again:
            self._enter(lane, self._again.pop(lane))
        elif rest_s is not None:
            self._resting[lane] = self._timer(rest_s, lambda: self._rested(lane))
        self._desk.line_up(lane.installation_id)
        self._fill()

    def _rested(self, lane: Lane) -> None:
        del self._resting[lane]
        self._enter(lane, self._monotonic())
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

"""The engine of the second form: wake-ups in PostgreSQL, worked off by any number of processes.

A wake-up stands for a chat; who takes it empties the chat's mailbox. Procrastinate gives each to one worker at a time
and wakes workers at once; the inbox stays the truth, from which `WakeUps.ring` makes again whatever was lost. Two workers
may be at one chat for a moment only after the first was frozen or cut off for longer than `STALLED_S`: what they do to
the outside is kept apart by the journal.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from adapters.engine.claims import Claims
from adapters.engine.desk import Work
from adapters.engine.lanes import rest_after_failure
from adapters.engine.last_calls import NEVER, LastCalls
from adapters.engine.letting_go import LettingGo
from adapters.engine.listening_connector import ListeningConnector
from adapters.engine.steady_jobs import SteadyJobs
from adapters.engine.wake_ups import TASK, Claim, WakeUps
from application.ports import Lane
from domain.identifiers import ChatId, InstallationId

PLACES: Final = 20
"""live wake-ups of one installation; measured: without a bound, a neighbour's storm took others from 34 ms to 10 s"""
POLL_S: Final = 1.0
"""so late a rest ends, or a wake-up begins of which no notice came"""
SWEEP_S: Final = 1.0
RESTS: Final = 3
"""times as long as ringing took is not rung again: in a crowd many are rung together, and a lone one hardly waits"""
REST_MAX_S: Final = 0.02
REFILL_S: Final = 0.05
"""places that became free are filled together"""
CARE_S: Final = 2.0
STALLED_S: Final = 6.0
"""a worker that has been silent for so long has lost its chats to the others"""
FORGET_WORKER_S: Final = 86_400.0
"""a frozen worker may come back: it is struck off late"""
CONNECTIONS: Final = 8
WAIT_FOR_CONNECTION_S: Final = 5.0
CHECK_S: Final = 5.0
"""a connection that died since it was looked at fails one query, which all who ask bear"""
END_S: Final = 5.0
"""how long what was cancelled may take to end"""
RESTART_S: Final = (0.2, 5.0)

# A connection whose other side has gone silently is given up after some ten seconds. Nothing of a wake-up need be durable,
# so nobody waits for the disk. The planner takes the search for missing wake-ups for expensive; compiling it would make
# it so.
_CONNECTION: Final[dict[str, str | int]] = {
    "application_name": "ponte",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c synchronous_commit=off -c jit=off",
}

log = structlog.get_logger()


class ProcrastinateEngine:
    """Implements `application.ports.Engine` over the PostgreSQL at `url`, which holds the inbox and Procrastinate's schema.

    With `work`, this process works too, on up to `concurrency` chats at once; last calls come on top of that. Without, it
    only wakes the others up.
    `wake` may be called from any thread; all else belongs to the loop on which `start` was called.
    """

    def __init__(
        self,
        *,
        url: str,
        work: Work | None,
        last_calls: LastCalls = NEVER,
        concurrency: int = 64,
        per_installation: int = PLACES,
    ) -> None:
        if concurrency < 1 or per_installation < 1:
            raise ValueError("a bound of less than one lane would never work")
        self._work = work
        self._last_call = last_calls.work
        self._concurrency = concurrency
        conninfo = make_conninfo("", **(_CONNECTION | conninfo_to_dict(url)))
        connector = ListeningConnector(conninfo)
        self._pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=WAIT_FOR_CONNECTION_S,
            kwargs={"autocommit": True, "prepare_threshold": None},  # the best plan changes with what waits
            check=OftenEnough(CHECK_S),
            open=False,
        )
        self._app = App(connector=connector)
        self._jobs = self._app.job_manager = SteadyJobs(connector, concurrency=concurrency, ended=self._ended)
        self._app.task(name=TASK, pass_context=True)(self._work_off)
        self._wake_ups = WakeUps(connector, places=per_installation)
        self._letting_go = LettingGo(
            jobs=self._jobs,
            claims=Claims(connector),
            last_calls=last_calls,
            attempt=self._let_go,
            ended=self._ring_soon,
        )

        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        self._arrived: deque[tuple[Lane, float]] = deque()
        """who was woken, and when"""
        self._called = asyncio.Event()
        self._to_ring: set[InstallationId] = set()
        self._at_work: dict[int, asyncio.Task[object]] = {}
        self._lost: set[int] = set()
        """jobs that others have taken over"""
        self._running: asyncio.Task[None] | None = None
        self._working: list[asyncio.Task[None]] = []

    def wake(self, lane: Lane, *, waited_s: float = 0.0) -> None:
        """Work on this lane soon, and once more if it is being worked on. Before `start` it waits, after `stop` it is
        dropped. How long it has waited stands in the inbox."""
        if self._stopped:
            return
        self._arrived.append((lane, time.monotonic()))
        if self._loop is not None and not self._called.is_set():
            self._loop.call_soon_threadsafe(self._called.set)

    def start(self) -> None:
        """Begins, on the running loop. The database need not be there yet."""
        self._loop = asyncio.get_running_loop()
        self._called.set()
        self._running = asyncio.create_task(self._run())

    async def stop(self, grace_s: float) -> None:
        """Takes no new work, lets what runs finish for `grace_s` seconds, then cancels it."""
        self._stopped = True
        if self._running is None:
            return
        if self._working:
            employment, *others = self._working
            await self._dismiss(employment, grace_s)
            for other in others:
                await _cancel(other)
        await _cancel(self._running)
        await self._pool.close(timeout=END_S)

    async def _run(self) -> None:
        await self._pool.open(wait=False)
        await self._app.open_async(self._pool)
        if self._work is not None:
            tasks = (self._employ(), self._care(), self._letting_go.run())
            self._working = [asyncio.create_task(each) for each in tasks]
        await self._ring_whenever_called()

    # --- ringing ----------------------------------------------------------------------------------------------------

    async def _ring_whenever_called(self) -> None:
        swept_at = 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S * random.uniform(0.8, 1.2)):  # noqa: S311  # apart from the others
                    await self._called.wait()
            self._called.clear()
            now = asyncio.get_running_loop().time()
            sweep = self._work is not None and now - swept_at >= SWEEP_S * 0.8
            if sweep:
                swept_at = now
            try:
                await self._ring(sweep=sweep)
            except Exception as fault:  # noqa: BLE001  # what was to be rung is in the inbox: the next sweep finds it
                log.warning("engine.ring_failed", error=type(fault.__cause__ or fault).__name__)
            took_s = asyncio.get_running_loop().time() - now
            await asyncio.sleep(min(RESTS * took_s, REST_MAX_S))

    async def _ring(self, *, sweep: bool) -> None:
        waiting = await self._sweep() if sweep else set()
        woken = dict(self._arrived.popleft() for _ in range(len(self._arrived)))
        installations = waiting | self._to_ring | {lane.installation_id for lane in woken}
        self._to_ring = set()
        # Who is rung only now has seen nothing yet, and need not be told that there is more.
        rung = await self._wake_ups.ring(installations) if installations else set()
        now = time.monotonic()
        if late := {lane: now - woken_at for lane, woken_at in woken.items() if lane not in rung}:
            await self._wake_ups.hurry(late)
        self._letting_go.look_at(waiting)

    async def _sweep(self) -> set[InstallationId]:
        """Who has something in the inbox. While nobody has, there is no work to look for either."""
        news = self._jobs.news
        self._jobs.quiet(None)
        waiting = await self._wake_ups.waiting()
        if not waiting:
            self._jobs.quiet(news)
        return waiting

    def _ended(self, job: Job) -> None:
        self._ring_soon(InstallationId(str(job.task_kwargs["installation_id"])))

    def _ring_soon(self, installation_id: InstallationId) -> None:
        """A place of its is free for what waits, and the chat may have received more since it was looked at last."""
        if not self._to_ring and self._loop is not None:
            self._loop.call_later(REFILL_S, self._called.set)
        self._to_ring.add(installation_id)

    # --- working ----------------------------------------------------------------------------------------------------

    async def _work_off(
        self, context: JobContext, /, installation_id: str, chat_id: str, failures: int = 0, **_marks: object
    ) -> None:
        lane = Lane(installation_id=InstallationId(installation_id), chat_id=ChatId(chat_id))
        job = context.job
        if self._work is None or job.id is None:
            raise RuntimeError("a job is a worker's")
        if self._stopped:
            return  # handed over while it stopped: the chat is in the inbox still, and others are rung for it
        with self._letting_go.serving(lane.installation_id):
            await self._attempt(self._work, Claim(number=job.id, lane=lane, queue=job.queue), failures)

    async def _let_go(self, claim: Claim) -> None:
        await self._attempt(self._last_call, claim, 0)

    async def _attempt(self, work: Work, at: Claim, failures: int) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a job runs in a task")
        self._at_work[at.number] = task
        try:
            rest_s, failures = await work(at.lane), 0
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and (self._stopped or at.number in self._lost):
                raise
            failures += 1
            rest_s = rest_after_failure(at.lane, error, failures=failures)
        finally:
            del self._at_work[at.number]
            self._lost.discard(at.number)
        if rest_s is None:
            return
        try:
            await self._wake_ups.rest(at, rest_s, failures=failures)
        except ConnectorException as fault:
            log.warning("engine.rest_not_kept", error=type(fault.__cause__ or fault).__name__)

    async def _employ(self) -> None:
        """A worker at all times: whatever ends one, another one begins."""
        shortest_s, longest_s = RESTART_S
        delay_s = shortest_s
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._app.run_worker_async(
                    name="ponte",
                    concurrency=self._concurrency,
                    fetch_job_polling_interval=POLL_S,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    stalled_worker_timeout=FORGET_WORKER_S,
                )
                cause = "returned"
            except Exception as fault:  # noqa: BLE001  # whatever it was, work must go on
                cause = type(fault.__cause__ or fault).__name__
            lasted_s = asyncio.get_running_loop().time() - began
            delay_s = shortest_s if lasted_s > longest_s else min(2 * delay_s, longest_s)
            log.warning("engine.worker_restarts", error=cause, delay_s=delay_s)
            await asyncio.sleep(delay_s)

    async def _dismiss(self, employment: asyncio.Task[None], grace_s: float) -> None:
        employment.cancel()
        ending = {employment, asyncio.create_task(self._jobs.hand_back()), *self._letting_go.stop()}
        await asyncio.wait(ending, timeout=grace_s)
        self._jobs.close()
        for task in list(self._at_work.values()):
            task.cancel()
        await asyncio.wait(ending, timeout=END_S)
        await self._letting_go.close()
        await _cancel(employment)

    async def _care(self) -> None:
        """Sees to what workers leave behind, for as long as this one has work: so also while it is being stopped, when
        Procrastinate itself would no longer tell that it lives."""
        loop = asyncio.get_running_loop()
        steady_since = loop.time()
        while True:
            await asyncio.sleep(CARE_S)
            try:
                # Right after an outage everybody has been silent: wait until the others had time to speak.
                if not await self._look_after_jobs(steady_since):
                    steady_since = loop.time()
            except Exception as fault:  # noqa: BLE001  # whatever it was, the next round may succeed
                steady_since = loop.time()
                log.warning("engine.care_failed", error=type(fault.__cause__ or fault).__name__)

    async def _look_after_jobs(self, steady_since: float) -> bool:
        """Whether others' silence tells anything."""
        worker_id = self._jobs.worker_id
        if worker_id is None:
            return True
        census = await self._jobs.live(worker_id, silent_s=STALLED_S, unheard_s=STALLED_S - CARE_S)
        for number in census.lost & self._at_work.keys():
            self._lost.add(number)
            self._at_work[number].cancel()
        await self._drop(census.adrift)
        if not census.unheard and asyncio.get_running_loop().time() - steady_since > STALLED_S:
            await self._drop(census.orphaned)
        return not census.unheard

    async def _drop(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            log.warning("engine.chat_taken_over", worker_id=job.worker_id)
            await self._jobs.drop(job)
            self._ended(job)


class OftenEnough:
    """Looks whether a connection still lives, unless that was seen a moment ago: a query for each query is too much."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._seen_alive: WeakKeyDictionary[AsyncConnection, float] = WeakKeyDictionary()

    async def __call__(self, connection: AsyncConnection) -> None:
        now = time.monotonic()
        if now - self._seen_alive.get(connection, -self._every_s) >= self._every_s:
            await AsyncConnectionPool.check_connection(connection)
            self._seen_alive[connection] = now


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=END_S)

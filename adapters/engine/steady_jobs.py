"""Procrastinate's dealings with its table of jobs, steady while the database comes and goes, and few.

As it comes, one failing heartbeat or look for work stops a worker, which then takes no work until all it has is done;
and a job whose end could not be recorded, or whose hand-over was cut off on its way, stays "doing" and blocks its chat
for as long as the worker lives. It also looks for each job by itself, once more after the last, and records each end by
itself: while there is much to do, here one look brings several, and ends are recorded together.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final

import structlog
from msgspec import Struct
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback
from psycopg.errors import ForeignKeyViolation

CALL_S = 10.0
"""a look for work that takes longer is given up: its connection is dead"""
AGAIN_S = 0.5
AT_A_LOOK: Final = 8
"""jobs, at most: what one worker takes away at once, another one can't begin with"""

# The last row is empty where there was nothing more.
_FETCH: Final = """
WITH RECURSIVE fetched (number, job) AS (
    SELECT 1, procrastinate_fetch_job_v2(%(queues)s::varchar[], %(worker_id)s)
    UNION ALL
    SELECT number + 1, procrastinate_fetch_job_v2(%(queues)s::varchar[], %(worker_id)s) FROM fetched
    WHERE number < %(most)s AND (job).id IS NOT NULL
)
SELECT (job).id, (job).status, (job).task_name, (job).priority, (job).lock, (job).queueing_lock, (job).args,
    (job).scheduled_at, (job).queue_name, (job).attempts, (job).worker_id
FROM fetched ORDER BY number
"""
# What this worker is recorded to be at, and what is left of those that are gone or silent. It sees its own last sign of
# life as it was before this one.
_LIVE: Final = """
WITH living AS (
    UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(worker_id)s
), me AS (
    SELECT EXISTS (
        SELECT FROM procrastinate_workers
        WHERE id = %(worker_id)s AND last_heartbeat < now() - make_interval(secs => %(unheard_s)s)
    ) AS unheard
)
SELECT unheard,
    id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
FROM me LEFT JOIN procrastinate_jobs AS job
ON status = 'doing' AND (
    worker_id = %(worker_id)s OR worker_id IS NULL OR worker_id IN (
        SELECT id FROM procrastinate_workers
        WHERE id <> %(worker_id)s AND last_heartbeat < now() - make_interval(secs => %(silent_s)s)
    )
)
"""
_END: Final = "DELETE FROM procrastinate_jobs WHERE id = ANY(%(numbers)s) AND status IN ('todo', 'doing')"

log = structlog.get_logger()


class Census(Struct, frozen=True, kw_only=True):
    """The jobs that are recorded as being worked on, against what is known here."""

    adrift: Sequence[Job]
    """this worker's, and it knows nothing of them"""
    lost: AbstractSet[int]
    """those that it only believes to have"""
    orphaned: Sequence[Job]
    """those of workers that are gone, or have been silent for long"""
    unheard: bool
    """this worker was not heard of either: the database stood still, or its clock was set, and nobody's silence tells
    anything"""


class SteadyJobs(JobManager):
    """`concurrency`: how many jobs that were fetched may be at work. `ended` is called with each of them once its row is
    gone."""

    def __init__(self, connector: BaseAsyncConnector, *, concurrency: int, ended: Callable[[Job], None]) -> None:
        super().__init__(connector)
        self._concurrency = concurrency
        self._ended = ended
        self._fetching = asyncio.Lock()
        self._fetched: deque[Job] = deque()
        """begun in the database, and not handed over yet"""
        self._at_work = 0
        """handed over by `fetch_job`, and not ended"""
        self._told = False
        """somebody said that there is work, after the last look began"""
        self._seen_the_last = False
        """the last look brought something, and all that there was"""
        self.news = 0
        """how often there was word of work, or some was found"""
        self._quiet_at: int | None = None
        """`news` when there was nothing to be done at all; None: there may be something"""
        self._ending: list[tuple[Job, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._held: set[int] = set()
        """jobs that were handed to this process and whose end is not recorded yet"""
        self._let_go = asyncio.Event()
        """nothing is held"""
        self._let_go.set()
        self._leaving = False
        self._closing = False
        self.worker_id: int | None = None

    def close(self) -> None:
        """From now on a failure is final: others will see to what is left behind."""
        self._closing = True
        self._let_go.set()

    async def register_worker(self) -> int:
        self.worker_id = await super().register_worker()
        self._leaving = False
        return self.worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        """Others take over at once what a worker that has left still holds: so it leaves when that has ended."""
        self._leaving = True
        await self.hand_back()
        await self._let_go.wait()
        await super().unregister_worker(worker_id)

    async def begin(self, claim: Callable[[int], Awaitable[Collection[int]]]) -> None:
        """Holds the jobs that `claim` makes for this worker, as if they had been fetched. May raise what `claim` does."""
        async with self._fetching:
            if self.worker_id is None or self._leaving:
                return
            async with asyncio.timeout(CALL_S):
                self._hold(await claim(self.worker_id))

    async def end(self, jobs: Collection[int]) -> bool:
        """Lets go of these, whoever has taken some of them away before; or tells that it failed."""
        try:
            await self._delete(jobs)
        except ConnectorException as fault:
            log.warning("engine.end_not_recorded", error=_name(fault))
            return False
        self._release(jobs)
        return True

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        async def told(*, channel: str, notification: Notification) -> None:
            self._told = True
            self.news += 1
            await on_notification(channel=channel, notification=notification)

        await super().listen_for_jobs(on_notification=told, queues=queues)

    def quiet(self, as_of: int | None) -> None:
        """There was nothing to be done at all when `news` was this; None: there is, or nobody knows. As long as there are
        no news, nobody need look for work."""
        self._quiet_at = as_of

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Who asks again and again until there is none is spared the last look, and while it is quiet all of them, unless
        there is news."""
        async with self._fetching:
            if not self._fetched:
                spared = not self._told and (self._seen_the_last or self._quiet_at == self.news)
                self._seen_the_last = False
                if spared:
                    return None
                try:
                    async with asyncio.timeout(CALL_S):
                        await self._look(queues, worker_id)
                except (ConnectorException, TimeoutError) as fault:
                    if isinstance(fault.__cause__, ForeignKeyViolation):
                        raise  # this worker was struck off while it was frozen: a new one must register
                    log.warning("engine.look_failed", error=_name(fault))
                    return None
            if not self._fetched:
                return None
            self._at_work += 1
            return self._fetched.popleft()

    async def _look(self, queues: Iterable[str] | None, worker_id: int) -> None:
        most = max(1, min(AT_A_LOOK, self._concurrency - self._at_work))
        while True:
            self._told = False
            rows = []
            with suppress(UniqueViolation):  # somebody began with a chat at the same moment: there may be others
                rows = await self.connector.execute_query_all_async(
                    _FETCH, queues=queues, worker_id=worker_id, most=most
                )
            self._fetched.extend(Job.from_row(row) for row in rows if row["id"] is not None)
            self._hold([job.id for job in self._fetched if job.id is not None])
            self.news += bool(self._fetched)
            self._seen_the_last = bool(self._fetched) and rows[-1]["id"] is None
            if self._fetched or (rows and not self._told):
                return

    async def update_heartbeat(self, worker_id: int) -> None:
        try:
            await super().update_heartbeat(worker_id)
        except ConnectorException as fault:
            log.warning("engine.heartbeat_failed", error=_name(fault))

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Returns when it is recorded, together with those that ended meanwhile. Every job is deleted."""
        recorded = asyncio.get_running_loop().create_future()
        self._ending.append((job, recorded))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_ends())
        await recorded

    async def hand_back(self) -> None:
        """What was fetched and not begun with is left to others."""
        async with self._fetching:
            left = list(self._fetched)
            self._fetched.clear()
            self._at_work += len(left)
        await asyncio.gather(*(self.finish_job(job, Status.ABORTED, delete_job=True) for job in left))

    async def _record_ends(self) -> None:
        while self._ending:
            ending, self._ending = self._ending, []
            numbers = [job.id for job, _ in ending if job.id is not None]
            if await self.end(numbers):
                self._at_work -= len(ending)
                for job, recorded in ending:
                    self._ended(job)
                    _answer(recorded)
            elif self._closing:
                for _, recorded in ending:
                    _answer(recorded)
            else:
                self._ending = ending + self._ending
                await asyncio.sleep(AGAIN_S)

    async def drop(self, job: Job) -> None:
        """Takes a job away that nobody works on; one that has ended meanwhile is left alone.

        It is not put back into the queue: under its old number, its former worker could still end it.
        """
        if job.id is not None:
            await self._delete([job.id])

    async def live(self, worker_id: int, *, silent_s: float, unheard_s: float) -> Census:
        """Tells that this worker lives, and looks which jobs are whose. After `silent_s` seconds others are silent, after
        `unheard_s` this one was."""
        async with self._fetching:  # nothing is added to what is held
            held = set(self._held)
            rows = await self.connector.execute_query_all_async(
                _LIVE, worker_id=worker_id, silent_s=silent_s, unheard_s=unheard_s
            )
            jobs = [Job.from_row(row) for row in rows if row["id"] is not None]
            recorded = {job.id: job for job in jobs if job.worker_id == worker_id}
            lost = self._held - recorded.keys()
            self._release({job.id for job in self._fetched if job.id in lost})
            self._fetched = deque(job for job in self._fetched if job.id in self._held)
            return Census(
                adrift=[job for number, job in recorded.items() if number not in held],
                lost=lost,
                orphaned=[job for job in jobs if job.worker_id != worker_id],
                unheard=rows[0]["unheard"],
            )

    def _hold(self, jobs: Collection[int]) -> None:
        self._held.update(jobs)
        if self._held and not self._closing:
            self._let_go.clear()

    def _release(self, jobs: Collection[int | None]) -> None:
        self._held.difference_update(jobs)
        if not self._held:
            self._let_go.set()

    async def _delete(self, jobs: Collection[int]) -> None:
        await self.connector.execute_query_async(_END, numbers=list(jobs))


def _answer(recorded: asyncio.Future[None]) -> None:
    if not recorded.done():
        recorded.set_result(None)


def _name(fault: BaseException) -> str:
    return type(fault.__cause__ or fault).__name__

"""Procrastinate's dealings with its table of jobs, steady while the database comes and goes.

As it comes, one failing heartbeat or look for work stops a worker, which then takes no work until all it has is done;
and a job whose end could not be recorded, or whose hand-over was cut off on its way, stays "doing" and blocks its chat
for as long as the worker lives.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress

import structlog
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.errors import ForeignKeyViolation, RaiseException

CALL_S = 10.0
"""a look for work that takes longer is given up: its connection is dead"""
AGAIN_S = 0.5

log = structlog.get_logger()


class SteadyJobs(JobManager):
    """`ended` is called with each job of this process once its row is gone."""

    def __init__(self, connector: BaseAsyncConnector, *, ended: Callable[[Job], None]) -> None:
        super().__init__(connector)
        self._ended = ended
        self._fetching = asyncio.Lock()
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
        await self._let_go.wait()
        await super().unregister_worker(worker_id)

    async def begin(self, claim: Callable[[int], Awaitable[Collection[int]]]) -> None:
        """Holds the jobs that `claim` makes for this worker, as if they had been fetched. May raise what `claim` does."""
        async with self._fetching:
            if self.worker_id is None or self._leaving:
                return
            async with asyncio.timeout(CALL_S):
                self._hold(await claim(self.worker_id))

    async def end(self, jobs: Collection[int], delete: Callable[[Collection[int]], Awaitable[None]]) -> bool:
        """Lets go of jobs that `delete` takes away, whoever has taken some of them away before; or tells that it failed."""
        try:
            await delete(jobs)
        except ConnectorException as fault:
            log.warning("engine.end_not_recorded", error=_name(fault))
            return False
        self._release(jobs)
        return True

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        async with self._fetching:
            try:
                async with asyncio.timeout(CALL_S):
                    job = await self._fetched(queues, worker_id)
            except (ConnectorException, TimeoutError) as fault:
                if isinstance(fault.__cause__, ForeignKeyViolation):
                    raise  # this worker was struck off while it was frozen: a new one must register
                log.warning("engine.look_failed", error=_name(fault))
                return None
            if job is not None and job.id is not None:
                self._hold([job.id])
            return job

    async def _fetched(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        while True:
            with suppress(UniqueViolation):  # somebody began with this chat at the same moment: there may be others
                return await super().fetch_job(queues, worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        try:
            await super().update_heartbeat(worker_id)
        except ConnectorException as fault:
            log.warning("engine.heartbeat_failed", error=_name(fault))

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        if job.id is None:
            return
        while True:
            if await self._finished(job.id, status, delete_job=delete_job):
                break
            await asyncio.sleep(AGAIN_S)
        self._release([job.id])
        self._ended(job)

    async def drop(self, job: Job) -> None:
        """Takes a job away that nobody works on; one that has ended meanwhile is left alone.

        It is not put back into the queue: under its old number, its former worker could still end it.
        """
        if job.id is not None:
            await self._finished(job.id, Status.FAILED, delete_job=True)

    async def compare(self, worker_id: int) -> tuple[list[Job], set[int]]:
        """The jobs that are this worker's in the database only, and those that it only believes to have."""
        async with self._fetching:  # nothing is added to what is held
            held = set(self._held)
            recorded = {job.id: job for job in await self.list_jobs_async(status="doing", worker_id=worker_id)}
            return [job for number, job in recorded.items() if number not in held], self._held - recorded.keys()

    def _hold(self, jobs: Collection[int]) -> None:
        self._held.update(jobs)
        if self._held and not self._closing:
            self._let_go.clear()

    def _release(self, jobs: Collection[int]) -> None:
        self._held.difference_update(jobs)
        if not self._held:
            self._let_go.set()

    async def _finished(self, job_id: int, status: Status, *, delete_job: bool) -> bool:
        try:
            await self.finish_job_by_id_async(job_id, status, delete_job)
        except ConnectorException as fault:
            if isinstance(fault.__cause__, RaiseException):
                return True  # "Job was not found": it was taken over, or an earlier try did succeed
            if self._closing:
                raise
            log.warning("engine.end_not_recorded", error=_name(fault))
            return False
        return True


def _name(fault: BaseException) -> str:
    return type(fault.__cause__ or fault).__name__

"""Procrastinate's dealings with its table of jobs, steady while the database comes and goes.

As it comes, one failing heartbeat or look for work stops a worker, which then takes no work until all it has is done;
and a job whose end could not be recorded, or whose hand-over was cut off on its way, stays "doing" and blocks its chat
for as long as the worker lives.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException
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
        self._closing = False
        self.worker_id: int | None = None

    def close(self) -> None:
        """From now on a failure is final: others will see to what is left behind."""
        self._closing = True

    async def register_worker(self) -> int:
        self.worker_id = await super().register_worker()
        return self.worker_id

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        async with self._fetching:
            try:
                async with asyncio.timeout(CALL_S):
                    job = await super().fetch_job(queues, worker_id)
            except (ConnectorException, TimeoutError) as fault:
                if isinstance(fault.__cause__, ForeignKeyViolation):
                    raise  # this worker was struck off while it was frozen: a new one must register
                log.warning("engine.look_failed", error=_name(fault))
                return None
            if job is not None and job.id is not None:
                self._held.add(job.id)
            return job

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
        self._held.discard(job.id)
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

import asyncio

from procrastinate import PsycopgConnector
from procrastinate.jobs import Job, Status
from structlog.testing import capture_logs

from adapters.engine.steady_jobs import SteadyJobs
from tests.adapters.engine.postgres_post import opened_post
from tests.contracts.engine import eventually
from tests.postgres import PostgresServer

QUEUED = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('any', 'any');"
    "INSERT INTO procrastinate_workers DEFAULT VALUES"
)


async def test_the_end_of_a_job_is_recorded_once_the_database_is_back(
    url: str, postgres_server: PostgresServer
) -> None:
    ended: list[Job] = []
    connector = PsycopgConnector(conninfo=url, min_size=1, timeout=0.1)
    await connector.open_async()
    async with opened_post(url) as post:
        await post.run(QUEUED)
    jobs = SteadyJobs(connector, ended=ended.append)
    job = await jobs.fetch_job(None, 1)
    assert job is not None

    postgres_server.refuse_connections(url)
    with capture_logs() as logs:
        ending = asyncio.create_task(jobs.finish_job(job, Status.SUCCEEDED, delete_job=True))
        await eventually(lambda: any(entry["event"] == "engine.end_not_recorded" for entry in logs))
        assert not ended
        postgres_server.take_connections(url)
        await ending

    assert ended == [job]
    assert await jobs.compare(1) == ([], set())
    await connector.close_async()

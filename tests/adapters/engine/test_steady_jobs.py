import asyncio
from collections.abc import AsyncIterator

import pytest
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job, Notification, Status
from structlog.testing import capture_logs

from adapters.engine.steady_jobs import AT_A_LOOK, Census, SteadyJobs
from tests.adapters.engine.postgres_post import PostgresPost, opened_post
from tests.contracts.engine import eventually
from tests.postgres import PostgresServer

WORKER = 1
QUEUE = "INSERT INTO procrastinate_jobs (queue_name, task_name) SELECT 'any', 'any' FROM generate_series(1, {});"


class Bench:
    """One worker, and those who queue jobs for it."""

    def __init__(self, connector: PsycopgConnector, post: PostgresPost) -> None:
        self.ended: list[Job] = []
        self.post = post
        self.jobs = SteadyJobs(connector, concurrency=4, ended=self.ended.append)

    async def queue(self, jobs: int) -> None:
        await self.post.run(QUEUE.format(jobs))

    async def fetch(self) -> Job | None:
        return await self.jobs.fetch_job(None, WORKER)

    async def fetch_all(self) -> list[Job]:
        """As a worker does, until there is none."""
        fetched = []
        while (job := await self.fetch()) is not None:
            fetched.append(job)
        return fetched

    async def live(self) -> Census:
        return await self.jobs.live(WORKER, silent_s=6, unheard_s=4)

    async def statuses(self) -> list[str]:
        return [str(row[0]) for row in await self.post.rows("SELECT status FROM procrastinate_jobs ORDER BY id")]


@pytest.fixture
async def bench(url: str) -> AsyncIterator[Bench]:
    connector = PsycopgConnector(conninfo=url, min_size=1, timeout=0.1)
    await connector.open_async()
    async with opened_post(url) as post:
        await post.run("INSERT INTO procrastinate_workers DEFAULT VALUES")
        yield Bench(connector, post)
    await connector.close_async()


async def test_the_end_of_a_job_is_recorded_once_the_database_is_back(
    bench: Bench, url: str, postgres_server: PostgresServer
) -> None:
    await bench.queue(1)
    job = await bench.fetch()
    assert job is not None

    postgres_server.refuse_connections(url)
    with capture_logs() as logs:
        ending = asyncio.create_task(bench.jobs.finish_job(job, Status.SUCCEEDED, delete_job=True))
        await eventually(lambda: any(entry["event"] == "engine.end_not_recorded" for entry in logs))
        assert not bench.ended
        postgres_server.take_connections(url)
        await ending

    assert bench.ended == [job]
    assert await bench.live() == Census(adrift=[], lost=set(), orphaned=[], unheard=False)


async def test_a_worker_takes_what_it_has_room_for_in_the_order_of_arrival(bench: Bench) -> None:
    await bench.queue(6)
    fetched = [await bench.fetch() for _ in range(4)]
    assert [job.id for job in fetched if job is not None] == [1, 2, 3, 4]
    assert await bench.statuses() == ["doing"] * 4 + ["todo"] * 2


async def test_jobs_that_end_together_are_all_gone_and_each_is_told_of(bench: Bench) -> None:
    await bench.queue(3)
    fetched = await bench.fetch_all()
    await asyncio.gather(*(bench.jobs.finish_job(job, Status.SUCCEEDED, delete_job=True) for job in fetched))
    assert [job.id for job in bench.ended] == [1, 2, 3]
    assert await bench.statuses() == []


async def test_what_was_fetched_and_not_begun_with_is_left_to_others(bench: Bench) -> None:
    await bench.queue(3)
    assert await bench.fetch() is not None
    await bench.jobs.hand_back()
    assert [job.id for job in bench.ended] == [2, 3]
    assert await bench.statuses() == ["doing"]


async def test_what_others_took_over_before_it_was_begun_with_is_not_begun(bench: Bench) -> None:
    await bench.queue(3)
    assert await bench.fetch() is not None
    await bench.post.run("DELETE FROM procrastinate_jobs WHERE id = 2")
    assert (await bench.live()).lost == {2}
    assert [job.id for job in await bench.fetch_all()] == [3]


async def test_jobs_of_those_who_fell_silent_or_are_gone_are_orphaned(bench: Bench) -> None:
    await bench.queue(4)
    mine = await bench.fetch()
    await bench.post.run(
        """
        INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '7 seconds');
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = 2 WHERE id = 2;
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = 3 WHERE id = 3;
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE id = 4;
        """
    )
    assert mine is not None
    census = await bench.live()
    assert {job.id for job in census.orphaned} == {3, 4}


async def test_who_lives_says_so(bench: Bench) -> None:
    silent = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
    await bench.post.run(silent)
    await bench.live()
    assert await bench.post.rows("SELECT now() - last_heartbeat < interval '1 minute' FROM procrastinate_workers") == [
        (True,)
    ]


async def test_after_the_last_job_one_look_is_spared_and_no_more(bench: Bench) -> None:
    await bench.queue(1)
    assert await bench.fetch() is not None
    await bench.queue(1)  # nobody listens: a poll must find it
    assert await bench.fetch() is None
    assert await bench.fetch() is not None


async def test_no_look_is_spared_when_there_is_news(bench: Bench) -> None:
    heard = asyncio.Event()

    async def told(*, channel: str, notification: Notification) -> None:
        assert channel
        assert notification["type"] == "job_inserted"
        heard.set()

    async def heard_of_one_more() -> bool:
        await bench.queue(1)
        return heard.is_set()

    listening = asyncio.create_task(bench.jobs.listen_for_jobs(on_notification=told))
    await eventually(heard_of_one_more)
    await bench.fetch_all()
    for quiet in (False, True):
        bench.jobs.quiet(bench.jobs.news if quiet else None)
        heard.clear()
        await bench.queue(1)
        await heard.wait()
        assert await bench.fetch() is not None
    listening.cancel()


async def test_while_it_is_quiet_nobody_looks_for_work(bench: Bench) -> None:
    bench.jobs.quiet(bench.jobs.news)
    await bench.queue(1)
    assert await bench.fetch() is None
    bench.jobs.quiet(None)
    assert await bench.fetch() is not None


async def test_what_was_quiet_before_work_was_found_says_nothing_of_what_is_left(bench: Bench) -> None:
    before = bench.jobs.news
    await bench.queue(AT_A_LOOK + 1)
    found = await bench.fetch()
    bench.jobs.quiet(before)
    assert found is not None
    assert len(await bench.fetch_all()) == AT_A_LOOK

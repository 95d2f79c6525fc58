"""What is Procrastinate's own: the database that goes away, what is left behind in it, and who may begin."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.engine import procrastinate_engine
from adapters.engine.last_calls import NEVER, LastCalls
from adapters.engine.listening_connector import ListeningConnector
from adapters.engine.procrastinate_engine import ProcrastinateEngine
from application.ports import Lane
from tests.adapters.engine.postgres_post import PostgresPost, opened_post
from tests.contracts.engine import LONG_S, Work, Workshop, eventually, lane
from tests.postgres import PostgresServer


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


@pytest.fixture
async def post(url: str) -> AsyncIterator[PostgresPost]:
    async with opened_post(url) as post:
        yield post


@asynccontextmanager
async def running(
    url: str, work: Work | None, *, per_installation: int = 20, last_calls: LastCalls = NEVER
) -> AsyncIterator[ProcrastinateEngine]:
    engine = ProcrastinateEngine(url=url, work=work, per_installation=per_installation, last_calls=last_calls)
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop(0)


async def wake_ups(post: PostgresPost, status: str) -> int:
    ((count,),) = await post.rows("SELECT count(*) FROM procrastinate_jobs WHERE status::text = %s", status)
    return int(count)


async def is_empty(post: PostgresPost) -> bool:
    return not await post.rows("SELECT FROM procrastinate_jobs")


async def is_at_work(post: PostgresPost) -> bool:
    return await wake_ups(post, "doing") > 0


# --- what the inbox knows ---------------------------------------------------------------------------------------------


async def test_what_nobody_was_woken_for_is_found(url: str, shop: Workshop, post: PostgresPost) -> None:
    async with running(url, post.reading(shop.work)):
        await post.deliver(lane("a"))
        await shop.end(lane("a"))


async def test_a_process_without_work_wakes_the_others_up(url: str, post: PostgresPost) -> None:
    async with running(url, None) as engine:
        await post.deliver(lane("a"))
        engine.wake(lane("a"))
        await eventually(lambda: rung(post))


async def rung(post: PostgresPost) -> bool:
    return await wake_ups(post, "todo") == 1


async def test_a_storm_has_no_more_wake_ups_than_places_and_the_next_is_made_when_one_ends(
    url: str, shop: Workshop, post: PostgresPost
) -> None:
    await post.deliver(*(lane("storm", chat) for chat in range(30)))
    async with running(url, post.reading(shop.work), per_installation=3) as engine:
        for chat in range(30):
            engine.wake(lane("storm", chat))
        for ended in range(30):
            await eventually(lambda ended=ended: len(shop.started) >= min(ended + 3, 30))  # type: ignore[misc]
            assert await wake_ups(post, "todo") + await wake_ups(post, "doing") <= 3
            await shop.end_next()

    assert sorted(shop.started) == sorted(lane("storm", chat) for chat in range(30))


async def test_installations_begin_in_turn(url: str, shop: Workshop, post: PostgresPost) -> None:
    await post.deliver(*(lane("storm", chat) for chat in range(5)), lane("quiet"), lane("calm"))
    async with running(url, None) as engine:
        for installation in ("storm", "quiet", "calm"):
            engine.wake(lane(installation))
        await eventually(lambda: all_rung(post))

    rows = await post.rows("SELECT args->>'installation_id' FROM procrastinate_jobs ORDER BY id")
    assert [row[0] for row in rows[:3]] == ["storm", "quiet", "calm"]


async def all_rung(post: PostgresPost) -> bool:
    return await wake_ups(post, "todo") == 7


async def test_nothing_is_left_of_a_wake_up_that_ended(url: str, shop: Workshop, post: PostgresPost) -> None:
    async with running(url, post.reading(shop.work)) as engine:
        await post.deliver(lane("a"), lane("b"))
        for each in (lane("a"), lane("b")):
            engine.wake(each)
        await shop.end(lane("b"), RuntimeError())
        await shop.end(lane("a"))
        await shop.end(lane("b"))
        await eventually(lambda: is_empty(post))


# --- who is let go ----------------------------------------------------------------------------------------------------


def letting_go(work: Work) -> LastCalls:
    return LastCalls(work=work, patience_s=lambda _: LONG_S)


async def test_workers_share_those_who_are_let_go_and_none_is_called_twice(url: str, post: PostgresPost) -> None:
    crowd = [lane(installation, chat) for installation in ("storm", "gale") for chat in range(40)]
    called: list[Lane] = []

    async def call(lane: Lane) -> float | None:
        called.append(lane)
        return None

    last_calls = letting_go(post.reading(call))
    await post.deliver(*crowd, waited_s=LONG_S)
    busy, busy_too = Workshop(), Workshop()
    async with (
        running(url, post.reading(busy.work), per_installation=1, last_calls=last_calls),
        running(url, post.reading(busy_too.work), per_installation=1, last_calls=last_calls),
    ):
        await eventually(lambda: len(called) + len(busy.at_work) + len(busy_too.at_work) >= len(crowd))
        # Here, not after the block: what the one that stops first leaves behind, the other rightly takes over.
        assert sorted([*called, *busy.started, *busy_too.started]) == sorted(crowd)


async def test_what_arrives_during_a_last_call_is_worked_on_after_it(
    url: str, shop: Workshop, post: PostgresPost
) -> None:
    desk = Workshop()
    await post.deliver(lane("a", 1), waited_s=LONG_S)
    await post.deliver(lane("a", 2))
    last_calls = letting_go(post.reading(desk.work))
    async with running(url, post.reading(shop.work), per_installation=1, last_calls=last_calls) as engine:
        await eventually(lambda: lane("a", 1) in desk.at_work)
        await post.deliver(lane("a", 1))
        engine.wake(lane("a", 1))
        await shop.end(lane("a", 2))
        assert lane("a", 1) not in shop.at_work
        await desk.end(lane("a", 1))
        await shop.end(lane("a", 1))
        await eventually(lambda: is_empty(post))


async def test_a_last_call_may_ask_for_a_rest_and_may_fail(url: str, shop: Workshop, post: PostgresPost) -> None:
    desk = Workshop()
    await post.deliver(lane("a", 1), lane("a", 2), waited_s=LONG_S)
    await post.deliver(lane("a", 3))
    last_calls = letting_go(post.reading(desk.work))
    async with running(url, post.reading(shop.work), per_installation=1, last_calls=last_calls):
        await desk.end(lane("a", 1), 0.05)
        await desk.end(lane("a", 2), RuntimeError())
        for chat in (3, 1, 2):
            await shop.end(lane("a", chat))
        await eventually(lambda: is_empty(post))

    assert desk.started == [lane("a", 1), lane("a", 2)]


async def test_a_worker_that_is_being_stopped_ends_its_last_calls_and_begins_no_more(
    url: str, shop: Workshop, post: PostgresPost
) -> None:
    desk, other = Workshop(), Workshop()
    await post.deliver(lane("a", 1), waited_s=LONG_S)
    await post.deliver(lane("a", 2))
    async with running(
        url, post.reading(shop.work), per_installation=1, last_calls=letting_go(post.reading(desk.work))
    ) as engine:
        await eventually(lambda: lane("a", 1) in desk.at_work)
        await eventually(lambda: lane("a", 2) in shop.at_work)
        stopping = asyncio.create_task(engine.stop(60))
        await shop.end(lane("a", 2))
        async with running(url, post.reading(other.work)):
            await post.deliver(lane("b"))
            await other.end(lane("b"), 2.0)
            await other.end(lane("b"))  # long enough for a worker that has left to lose its chats
            assert lane("a", 1) in desk.at_work
            await desk.end(lane("a", 1))
            await stopping
            await eventually(lambda: is_empty(post))

    assert lane("a", 1) not in other.started


# --- what is left behind ----------------------------------------------------------------------------------------------


async def test_a_wake_up_that_never_reached_its_worker_is_made_again(
    url: str, shop: Workshop, post: PostgresPost
) -> None:
    async with running(url, post.reading(shop.work)):
        await eventually(lambda: has_worker(post))
        await leave_behind(post)
        await post.deliver(lane("a"))
        await shop.end(lane("a"))


async def has_worker(post: PostgresPost) -> bool:
    return bool(await post.rows("SELECT FROM procrastinate_workers"))


@pytest.mark.parametrize("with_successor", [False, True], ids=["alone", "with a successor in the queue"])
async def test_what_a_dead_worker_was_at_is_taken_over(
    url: str, shop: Workshop, post: PostgresPost, monkeypatch: pytest.MonkeyPatch, with_successor: bool
) -> None:
    watch_closely(monkeypatch)
    await register(post, "now() - interval '1 hour'")
    await leave_behind(post)
    if with_successor:
        await leave_behind(post, status="todo")
    await post.deliver(lane("a"))
    async with running(url, post.reading(shop.work)):
        await shop.end(lane("a"))
        await eventually(lambda: is_empty(post))


async def test_a_worker_that_was_struck_off_registers_again(url: str, shop: Workshop, post: PostgresPost) -> None:
    with capture_logs():
        async with running(url, post.reading(shop.work)):
            await eventually(lambda: has_worker(post))
            await post.run("DELETE FROM procrastinate_workers")
            await post.deliver(lane("a"))
            await shop.end(lane("a"))


async def test_what_a_dead_worker_was_letting_go_is_taken_over(
    url: str, shop: Workshop, post: PostgresPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_closely(monkeypatch)
    await register(post, "now() - interval '1 hour'")
    await post.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id)"
        ' SELECT \'any\', \'work_lane\', \'a:1\', \'{"installation_id": "a", "chat_id": "1", "last_call": true}\','
        " 'doing', max(id) FROM procrastinate_workers RETURNING id"
    )
    await post.deliver(lane("a"), waited_s=LONG_S)
    async with running(url, post.reading(shop.work), last_calls=letting_go(post.reading(shop.work))):
        await shop.end(lane("a"))
        await eventually(lambda: is_empty(post))


async def test_when_nobody_was_heard_of_nobody_takes_over_from_those_who_live(
    url: str, shop: Workshop, post: PostgresPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database stood still, or its clock was set: whoever looks first sees that it was silent itself."""
    watch_closely(monkeypatch)
    await register(post, "now() - interval '1 hour'")
    await leave_behind(post)
    await post.deliver(lane("a"))
    async with running(url, post.reading(shop.work)):
        await eventually(lambda: lane("a") in shop.at_work)  # so it takes over what is left behind
        living = await register(post, "now() + interval '1 hour'")
        await leave_behind(post, at="b")
        await post.deliver(lane("b"))
        await post.run("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '2 hours'")
        for _ in range(2):
            await eventually(lambda: somebody_is_heard(post))
            await post.run(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
                " WHERE last_heartbeat > now() - interval '30 seconds'"
            )
        held_by = await post.rows("SELECT worker_id FROM procrastinate_jobs WHERE lock = 'b:1' AND status = 'doing'")
        assert held_by == [(living,)]
        await shop.end(lane("a"))


async def somebody_is_heard(post: PostgresPost) -> bool:
    heard = "SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"
    return bool(await post.rows(heard))


def watch_closely(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(procrastinate_engine, "STALLED_S", 2.0)
    patch.setattr(procrastinate_engine, "CARE_S", 0.5)


async def register(post: PostgresPost, last_heartbeat: str) -> int:
    ((number,),) = await post.rows(
        f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({last_heartbeat}) RETURNING id"  # noqa: S608
    )
    return int(number)


async def leave_behind(post: PostgresPost, status: str = "doing", *, at: str = "a") -> None:
    """A wake-up for chat 1 of an installation; when it is `doing`, of the worker that registered last."""
    await post.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status, worker_id)"
        " SELECT 'any', 'work_lane', at || ':1', at || ':1', jsonb_build_object('installation_id', at, 'chat_id', '1'),"
        " status, CASE status WHEN 'doing' THEN (SELECT max(id) FROM procrastinate_workers) END"
        " FROM (SELECT %s::text AS at, %s::procrastinate_job_status AS status) AS given RETURNING id",
        at,
        status,
    )


async def test_a_worker_that_is_being_stopped_keeps_the_chats_it_is_at(
    url: str, shop: Workshop, post: PostgresPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_closely(monkeypatch)
    other = Workshop()
    async with running(url, post.reading(shop.work)) as engine:
        await post.deliver(lane("a"))
        await eventually(lambda: lane("a") in shop.at_work)
        stopping = asyncio.create_task(engine.stop(60))
        async with running(url, post.reading(other.work)):
            # Two rests, as measured by the other: longer than a silent worker would have kept its chats.
            await post.deliver(lane("b"))
            await other.end(lane("b"), 2.0)
            await other.end(lane("b"), 2.0)
            await other.end(lane("b"))
            assert lane("a") in shop.at_work
            await shop.end(lane("a"))
            await stopping

    assert lane("a") not in other.started


# --- the database that goes away --------------------------------------------------------------------------------------


async def test_work_goes_on_when_all_connections_are_lost(
    url: str, shop: Workshop, post: PostgresPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procrastinate_engine, "POLL_S", 3600.0)  # only who listens hears of new work
    with capture_logs() as logs:
        async with running(url, post.reading(shop.work)) as engine:
            await eventually(lambda: listens(post))
            await post.deliver(lane("a"))
            engine.wake(lane("a"))
            await eventually(lambda: lane("a") in shop.at_work)

            await cut_all(post)
            await shop.end(lane("a"))
            await eventually(lambda: is_empty(post))
            await eventually(lambda: listens(post))
            await post.deliver(lane("b"))
            engine.wake(lane("b"))
            await shop.end(lane("b"))
            await eventually(lambda: is_empty(post))

    assert shop.started == [lane("a"), lane("b")]
    assert "engine.worker_restarts" not in {entry["event"] for entry in logs}


async def listens(post: PostgresPost) -> bool:
    return bool(
        await post.rows(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s AND state = 'idle'",
            "SELECT pg_notify(%'')",
        )
    )


async def cut_all(post: PostgresPost) -> None:
    await post.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def test_work_goes_on_when_the_database_was_away(
    url: str, shop: Workshop, postgres_server: PostgresServer
) -> None:
    async with opened_post(url) as post, running(url, finishing(url, shop)):
        await post.deliver(lane("a"), lane("b"))
        await eventually(lambda: {lane("a"), lane("b")} <= set(shop.at_work))
        postgres_server.refuse_connections(url)
        await shop.end(lane("a"))
        await shop.end(lane("b"), 0.1)
        postgres_server.take_connections(url)
        async with opened_post(url) as post_again:
            await post_again.deliver(lane("c"))
            for left in (lane("a"), lane("b"), lane("c")):  # what `a` did could not be recorded
                await shop.end(left)
            await eventually(lambda: is_empty(post_again))


def finishing(url: str, shop: Workshop) -> Work:
    """As `PostgresPost.reading`, over a connection of each lane's own."""

    async def work(lane: Lane) -> float | None:
        rest_s = await shop.work(lane)
        if rest_s is None:
            async with opened_post(url) as post:
                await post.finish(await post.unfinished(lane))
        return rest_s

    return work


async def test_the_database_need_not_be_there_at_the_start(
    url: str, shop: Workshop, postgres_server: PostgresServer
) -> None:
    postgres_server.refuse_connections(url)
    with capture_logs() as logs:
        async with running(url, finishing(url, shop)):
            await eventually(lambda: any(entry["event"] == "engine.ring_failed" for entry in logs))
            postgres_server.take_connections(url)
            async with opened_post(url) as post:
                await post.deliver(lane("a"))
            await shop.end(lane("a"))


async def test_an_engine_that_never_reached_its_database_stops(url: str, postgres_server: PostgresServer) -> None:
    postgres_server.refuse_connections(url)
    with capture_logs():
        async with asyncio.timeout(30), running(url, Workshop().work) as engine:
            engine.wake(lane("a"))


async def test_an_ear_that_hears_no_canary_is_renewed(url: str, post: PostgresPost) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(*, channel: str, payload: str) -> None:
        heard.put_nowait(f"{channel} {payload}")

    # Here the canary is sent nowhere, as it would be through a pooler that lends connections by the transaction.
    await post.run(
        "CREATE SCHEMA deaf; CREATE FUNCTION deaf.pg_notify(text, text) RETURNS void LANGUAGE sql RETURN NULL"
    )
    connector = ListeningConnector(f"{url}&options=-csearch_path%3Ddeaf,pg_catalog", canary_s=0.1)
    with capture_logs() as logs:
        listening = asyncio.create_task(connector.listen_notify(hear, ["news"]))
        await eventually(lambda: sum(entry["error"] == "_Deaf" for entry in logs) >= 2)
        await post.run("DROP SCHEMA deaf CASCADE")
        await eventually(lambda: told(post, heard))
        listening.cancel()
        await asyncio.wait({listening})

    assert await heard.get() == "news today"


async def test_an_ear_hears_each_word_when_it_is_said(url: str, post: PostgresPost) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(*, channel: str, payload: str) -> None:
        heard.put_nowait(f"{channel} {payload}")

    connector = ListeningConnector(url, canary_s=600)
    listening = asyncio.create_task(connector.listen_notify(hear, ["news"]))
    await eventually(lambda: told(post, heard))
    words = [f"news {number}" for number in range(3)]
    for word in words:
        await post.rows(f"SELECT pg_notify('news', '{word.removeprefix('news ')}')")
        async with asyncio.timeout(10):
            while await heard.get() != word:
                pass  # "today", which was said until it was heard
    listening.cancel()
    await asyncio.wait({listening})


async def test_an_ear_that_was_cut_off_is_not_watched_any_more(url: str, post: PostgresPost) -> None:
    """Else its number would be given to another connection, of which the loop then hears nothing."""
    loop = asyncio.get_running_loop()
    watch, ignore, heard = loop.add_reader, loop.remove_reader, asyncio.Queue[str]()
    watched: Counter[int] = Counter()

    def add_reader(number: int, *call: Any) -> None:
        watched[number] += 1
        watch(number, *call)

    def remove_reader(number: int) -> bool:
        watched[number] -= 1
        return ignore(number)

    async def hear(*, channel: str, payload: str) -> None:
        heard.put_nowait(payload)

    with capture_logs() as logs, pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "add_reader", add_reader)
        patch.setattr(loop, "remove_reader", remove_reader)
        connector = ListeningConnector(f"{url}&application_name=ear", canary_s=600)
        listening = asyncio.create_task(connector.listen_notify(hear, ["news"]))
        await eventually(lambda: told(post, heard))
        await post.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ear'")
        await eventually(lambda: bool(logs))
        listening.cancel()
        await asyncio.wait({listening})
    assert not any(watched.values())


async def told(post: PostgresPost, heard: asyncio.Queue[str]) -> bool:
    await post.rows("SELECT pg_notify('news', 'today')")
    return not heard.empty()


def test_a_bound_below_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="never work"):
        ProcrastinateEngine(url=url, work=None, per_installation=0)

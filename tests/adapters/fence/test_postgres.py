import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from adapters.fence.postgres import MARGIN_S, PostgresFence, PostgresFences
from application.failures import Unavailable
from application.ports import Fence
from domain.identifiers import InstallationId
from tests.adapters.fence.hours import Hours
from tests.contracts.fence import FenceBench, FenceContract, Visit, call, kept_out
from tests.postgres import PostgresServer

CALL_S = 8.0
PROVIDER = InstallationId("inst-1")


def fence_of(
    fences: PostgresFences,
    *,
    installation_id: InstallationId = PROVIDER,
    api: str = "pbx",
    concurrency: int = 1,
    per_minute: int | None = None,
) -> PostgresFence:
    return fences.fence(installation_id, api, concurrency=concurrency, per_minute=per_minute, call_s=CALL_S)


async def age(url: str, seconds: float) -> None:
    """For what the database's clock measures, so many seconds have passed."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        past = {"past": seconds}
        await connection.execute(
            """UPDATE fence_places SET until = until - %(past)s * interval '1 second',
               heir_until = heir_until - %(past)s * interval '1 second'""",
            past,
        )
        await connection.execute("UPDATE fence_paces SET due = due - %(past)s * interval '1 second'", past)


class PostgresBench(FenceBench):
    def __init__(self, url: str) -> None:
        self.url = url
        self._hours = Hours()
        self.fences = PostgresFences(url, monotonic=self._hours.monotonic, sleep=self._hours.sleep)

    def fence(self, *, concurrency: int, per_minute: int | None = None) -> Fence:
        return fence_of(self.fences, concurrency=concurrency, per_minute=per_minute)

    async def let_pass(self, seconds: float) -> None:
        await age(self.url, seconds)
        await self._hours.let_pass(seconds)

    async def until_asleep(self) -> None:
        await self._hours.until_asleep(1)


@asynccontextmanager
async def process(url: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncIterator[PostgresFences]:
    fences = PostgresFences(url, sleep=sleep)
    await fences.open()
    yield fences
    await fences.close()


class TestPostgresFence(FenceContract):
    @pytest.fixture
    async def bench(self, fence_url: str) -> AsyncIterator[PostgresBench]:
        bench = PostgresBench(fence_url)
        await bench.fences.open()
        yield bench
        await bench.fences.close()


async def test_processes_share_the_places(fence_url: str) -> None:
    inside = most = 0
    full = asyncio.Event()

    async def ask(fence: Fence) -> None:
        nonlocal inside, most
        async with fence.turn("people"):
            inside += 1
            most = max(most, inside)
            if inside == 2:
                full.set()
            await full.wait()
            inside -= 1

    async with process(fence_url) as one, process(fence_url) as two:
        fences = [fence_of(fences, concurrency=2) for fences in (one, two)]
        await asyncio.gather(*(ask(fence) for _ in range(20) for fence in fences))
    assert most == 2


async def test_processes_share_the_pace(fence_url: str) -> None:
    async with process(fence_url) as one, process(fence_url) as two:
        await call(fence_of(one, per_minute=2))
        waiting = Visit(fence_of(two, per_minute=2))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting.task), 0.3)
        assert not waiting.is_inside
        await waiting.give_up()


async def test_a_crowd_in_one_process_does_not_keep_another_waiting(fence_url: str) -> None:
    """Of two processes that ask for the only place all the time, neither gets less than a quarter. Who looks away
    for longer than a turn lasts misses some: turns are short here, and calls of an ERP are not."""
    turns = {"one": 0, "two": 0}
    enough = asyncio.Event()

    async def crowd(fence: Fence, name: str) -> None:
        while not enough.is_set():
            async with fence.turn("people"):
                turns[name] += 1
                if sum(turns.values()) >= 200:
                    enough.set()

    async def look_again_at_once(_: float) -> None:
        await asyncio.sleep(0)

    async with process(fence_url, look_again_at_once) as one, process(fence_url, look_again_at_once) as two:
        fences = {"one": fence_of(one), "two": fence_of(two)}
        for fence in fences.values():
            await call(fence)  # who is still on the way to the database does not wait for a place yet
        async with asyncio.TaskGroup() as group:
            for name, fence in fences.items():
                for _ in range(4):
                    group.create_task(crowd(fence, name))
    assert min(turns.values()) >= 50


async def test_apis_and_installations_have_fences_of_their_own(fence_url: str) -> None:
    async with process(fence_url) as fences:
        for other in (
            fence_of(fences),
            fence_of(fences, api="third_party"),
            fence_of(fences, installation_id=InstallationId("inst-2")),
        ):
            visit = Visit(other)
            await visit.inside()


async def test_the_place_of_a_process_that_died_is_free_when_its_lease_ends(fence_url: str) -> None:
    async with process(fence_url) as survivor:
        killed = PostgresFences(fence_url)
        await killed.open()
        held = Visit(fence_of(killed))
        await held.inside()
        next_one = Visit(fence_of(survivor))
        await age(fence_url, CALL_S + MARGIN_S - 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(next_one.task), 0.3)
        assert not next_one.is_inside
        await age(fence_url, 2)
        await next_one.inside()
        # One that comes back from the dead frees nothing that is another's by now.
        await held.end()
        await killed.close()
        third = Visit(fence_of(survivor))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(third.task), 0.3)
        assert not third.is_inside
        await next_one.end()
        await third.inside()
        await third.end()


async def test_a_place_kept_for_an_heir_that_died_is_free_a_moment_later(fence_url: str) -> None:
    async with process(fence_url) as one, await psycopg.AsyncConnection.connect(fence_url) as connection:
        await call(fence_of(one))
        await connection.execute(
            "UPDATE fence_places SET heir = 'dead', heir_until = clock_timestamp() + interval '300 ms'"
        )
        await connection.commit()
        await call(fence_of(one))


HOUR_S = 3600.0


async def test_after_the_databases_clock_was_set_back_the_pace_goes_on_from_there(fence_url: str) -> None:
    async with process(fence_url) as fences, asyncio.timeout(10):
        fence = fence_of(fences, concurrency=2, per_minute=2)
        await call(fence)
        await age(fence_url, -HOUR_S)
        await call(fence)
        waiting = Visit(fence)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting.task), 0.3)
        assert not waiting.is_inside
        await waiting.give_up()


async def test_after_the_databases_clock_was_set_back_a_place_is_kept_for_no_heir_that_is_gone(fence_url: str) -> None:
    async with process(fence_url) as one, process(fence_url) as two, asyncio.timeout(10):
        held = Visit(fence_of(one))
        await held.inside()
        async with await psycopg.AsyncConnection.connect(fence_url, autocommit=True) as connection:
            await connection.execute("UPDATE fence_places SET heir = 'gone', heir_until = clock_timestamp()")
        await age(fence_url, -HOUR_S)
        await held.end()
        await call(fence_of(two))


async def test_after_the_databases_clock_was_set_back_a_process_that_died_holds_no_place(fence_url: str) -> None:
    async with process(fence_url) as survivor, asyncio.timeout(10):
        killed = PostgresFences(fence_url)
        await killed.open()
        await Visit(fence_of(killed)).inside()
        await age(fence_url, -HOUR_S)
        await call(fence_of(survivor))
        await killed.close()


async def test_a_call_that_may_last_longer_keeps_its_place_where_time_outs_are_lowered_meanwhile(
    fence_url: str,
) -> None:
    async with process(fence_url) as one, process(fence_url) as two:
        longer, _ = (
            fences.fence(PROVIDER, "pbx", concurrency=1, per_minute=None, call_s=CALL_S + 60) for fences in (one, two)
        )
        held = Visit(longer)
        await held.inside()
        waiting = Visit(fence_of(two))
        await kept_out(waiting)
        await held.end()
        await waiting.inside()
        await waiting.end()


async def test_more_places_than_before_are_used_and_fewer_are_kept_to(fence_url: str) -> None:
    async with process(fence_url) as fences:
        await call(fence_of(fences, concurrency=1))
        three = fence_of(fences, concurrency=3)
        visits = [Visit(three) for _ in range(3)]
        for visit in visits:
            await visit.inside()
            await visit.end()
        held = Visit(fence_of(fences, concurrency=1))
        await held.inside()
        waiting = Visit(fence_of(fences, concurrency=1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting.task), 0.2)
        assert not waiting.is_inside
        await waiting.give_up()
        await held.end()


async def test_after_a_crash_of_the_server_that_emptied_the_tables_places_are_made_anew(fence_url: str) -> None:
    async with process(fence_url) as fences:
        await call(fence_of(fences))
        async with await psycopg.AsyncConnection.connect(fence_url, autocommit=True) as connection:
            await connection.execute("TRUNCATE fence_places, fence_paces")
        await call(fence_of(fences))


async def test_a_restart_of_the_server_is_waited_out(postgres_server: PostgresServer, fence_url: str) -> None:
    async with process(fence_url) as fences:
        fence = fence_of(fences, concurrency=4)
        visits = [Visit(fence) for _ in range(4)]
        for visit in visits:
            await visit.inside()
        postgres_server.refuse_connections(fence_url)
        postgres_server.take_connections(fence_url)
        for visit in visits:
            await visit.end()
        await age(fence_url, CALL_S + MARGIN_S)
        await call(fence)


async def test_without_the_database_nobody_gets_a_turn_and_it_is_not_the_erps_fault(
    postgres_server: PostgresServer, fence_url: str
) -> None:
    async with process(fence_url) as fences:
        fence = fence_of(fences)
        await call(fence)
        postgres_server.refuse_connections(fence_url)
        with pytest.raises(Unavailable) as caught:
            await call(fence)
        postgres_server.take_connections(fence_url)
        assert caught.value.cause == "storage.unavailable"
        await call(fence)

import asyncio
import threading
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from adapters.storage.postgres_batches import Batches, Rows, Statement, ask
from adapters.storage.postgres_server import Session, connect
from application.failures import Unavailable

BATCH_MAX = 10
HELD = 7
"""the number of a lock"""


class Bench:
    """One connection, and a lock that holds it up."""

    def __init__(self, url: str) -> None:
        self.transactions: list[int] = []
        """how many questions each held"""
        self.batches: Batches[Sequence[Statement], Sequence[Rows]] = Batches(
            url,
            self._ask,
            name="test",
            connections=1,
            batch_max=BATCH_MAX,
            waiting_max=BATCH_MAX + 5,
            waiting_bytes_max=1000,
        )
        self._beside = psycopg.connect(url, autocommit=True)
        self._beside.execute("CREATE TABLE numbers (number integer CHECK (number >= 0))")

    def _ask(self, session: Session, questions: Sequence[Sequence[Statement]]) -> Sequence[Sequence[Rows]]:
        self.transactions.append(len(questions))
        return ask(session, questions)

    async def write(self, number: int, size: int = 0) -> int:
        question = [("INSERT INTO numbers VALUES (%s) RETURNING number", (number,))]
        ((row,),) = await self.batches.run(question, size=size)
        return int(row[0])

    def numbers(self) -> list[int]:
        return [number for (number,) in self._beside.execute("SELECT number FROM numbers ORDER BY ctid")]

    async def hold_up(self) -> "asyncio.Task[Sequence[Rows]]":
        """The connection is at work from now on until `release`."""
        self._beside.execute("SELECT pg_advisory_lock(%s)", (HELD,))
        held = asyncio.create_task(self.batches.run([("SELECT pg_advisory_xact_lock(%s)", (HELD,))]))
        async with asyncio.timeout(10):
            while not self._beside.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():  # noqa: ASYNC110  # PostgreSQL tells nobody who waits
                await asyncio.sleep(0)
        return held

    def release(self) -> None:
        self._beside.execute("SELECT pg_advisory_unlock_all()")

    def throw_out(self) -> None:
        self._beside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

    def close(self) -> None:
        self.release()
        self.batches.close()
        self._beside.close()


@pytest.fixture
def bench(postgres_url: str) -> Iterator[Bench]:
    bench = Bench(postgres_url)
    yield bench
    bench.close()


async def settle() -> None:
    """Lets every callback that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_waits_is_asked_together_and_in_order_no_more_than_a_batch_at_once(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.write(number) for number in range(BATCH_MAX + 3)))
    await settle()
    bench.release()

    assert await waiting == list(range(BATCH_MAX + 3))
    await held
    assert bench.transactions == [1, BATCH_MAX, 3]
    assert bench.numbers() == list(range(BATCH_MAX + 3))


async def test_a_fault_of_our_own_in_the_middle_undoes_what_was_sent_before_it(bench: Bench) -> None:
    unsendable = "\0"
    with pytest.raises(Unavailable):
        await bench.batches.run([("INSERT INTO numbers VALUES (1)", ()), ("SELECT %s::text", (unsendable,))])
    assert await bench.write(2) == 2
    assert bench.numbers() == [2]


async def test_each_statement_of_a_question_is_answered(bench: Bench) -> None:
    await bench.write(7)
    answers = await bench.batches.run(
        [
            ("UPDATE numbers SET number = 8", ()),
            ("SELECT number, %s FROM numbers", ("x",)),
            ("SELECT 1 FROM numbers WHERE number = 7", ()),
        ]
    )

    assert answers == [[], [(8, "x")], []]


async def test_a_question_that_fails_fails_alone(bench: Bench) -> None:
    held = await bench.hold_up()
    asked = [asyncio.create_task(bench.write(number)) for number in (1, -1, 2)]
    await settle()
    bench.release()
    results = await asyncio.gather(*asked, return_exceptions=True)
    await held

    assert [getattr(result, "cause", result) for result in results] == [1, "storage.failed", 2]
    assert bench.numbers() == [1, 2]
    assert await bench.write(3) == 3


async def test_too_many_that_wait_are_refused_until_there_is_room(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = [asyncio.create_task(bench.write(number)) for number in range(BATCH_MAX + 5)]
    await settle()
    with pytest.raises(Unavailable) as refused:
        await bench.write(100)
    assert (refused.value.cause, refused.value.retry_after_s) == ("storage.busy", 1)

    bench.release()
    await asyncio.gather(held, *waiting)
    assert await bench.write(101) == 101
    assert 100 not in bench.numbers()


async def test_too_many_bytes_that_wait_are_refused_until_there_is_room(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.create_task(bench.write(1, size=600))
    await settle()
    with pytest.raises(Unavailable, match=r"storage\.busy"):
        await bench.write(2, size=401)

    bench.release()
    await asyncio.gather(held, waiting)
    assert await bench.write(3, size=1000) == 3


async def test_a_connection_that_was_lost_between_two_questions_is_replaced(bench: Bench) -> None:
    await bench.write(1)
    bench.throw_out()

    assert await bench.write(2) == 2
    assert bench.numbers() == [1, 2]


async def test_a_connection_that_is_lost_in_a_transaction_loses_nothing_and_writes_nothing_twice(bench: Bench) -> None:
    await bench.write(0)
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.write(number) for number in (1, 2)))
    await settle()
    bench.throw_out()
    bench.release()

    await held
    assert await waiting == [1, 2]
    assert bench.numbers() == [0, 1, 2]


async def test_closing_asks_what_waits_and_refuses_what_comes(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.write(number) for number in range(10)))
    await settle()
    bench.release()
    await asyncio.to_thread(bench.batches.close)

    assert await waiting == list(range(10))
    await held
    with pytest.raises(Unavailable, match=r"storage\.closed"):
        await bench.write(11)


async def test_a_caller_who_went_away_changes_nothing_for_the_others(bench: Bench) -> None:
    held = await bench.hold_up()
    gone, stays = (asyncio.create_task(bench.write(number)) for number in (1, 2))
    await settle()
    gone.cancel()
    bench.release()

    assert await stays == 2
    await held
    assert gone.cancelled()


def test_several_event_loops_may_ask_at_once(bench: Bench) -> None:
    async def write_ten(worker: int) -> None:
        for number in range(10):
            await bench.write(worker * 10 + number)

    threads = [threading.Thread(target=asyncio.run, args=(write_ten(worker),)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(bench.numbers()) == list(range(30))


def test_a_commit_is_durable_and_no_lock_is_held_for_ever_whatever_the_role_was_set_to(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$"
        )
    with connect(postgres_url) as session:
        shown = [session.execute(f"SHOW {name}").fetchall()[0][0] for name in ("synchronous_commit", "lock_timeout")]

    assert shown == ["on", "3s"]

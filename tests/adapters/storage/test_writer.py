import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Connection, Engine, event

from adapters.storage.sqlite_file import database_path, writing_engine
from adapters.storage.writer import BATCH_MAX, Together, Writer
from application.failures import Rejected, Unavailable


class Bench:
    """A table of numbers, and a writer that a test can hold up."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = writing_engine(database_path(url), checkpoints=True)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER, weight BLOB)")
        self.deaths = 0
        self.writer = Writer(self.engine, on_fatal=self._die, waiting_max=BATCH_MAX + 100, waiting_bytes_max=1000)
        self._released = threading.Event()

    def _die(self) -> None:
        self.deaths += 1

    def numbers(self) -> list[int]:
        with self.engine.begin() as connection:
            return list(connection.exec_driver_sql("SELECT number FROM numbers ORDER BY rowid").scalars())

    async def hold_up(self) -> "asyncio.Task[None]":
        """The writer is at work from now on until `release`."""
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(_: Connection) -> None:
            loop.call_soon_threadsafe(began.set)
            self._released.wait()

        held = asyncio.create_task(self.writer.run(wait))
        await began.wait()
        return held

    def release(self) -> None:
        self._released.set()

    def close(self) -> None:
        self._released.set()
        self.writer.close()
        self.engine.dispose()


@pytest.fixture
def bench(url: str) -> Iterator[Bench]:
    bench = Bench(url)
    yield bench
    bench.close()


def write(number: int, weight: int = 0) -> Callable[[Connection], int]:
    def insert(connection: Connection) -> int:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (?, zeroblob(?))", (number, weight))
        return number

    return insert


def refuse(connection: Connection) -> None:
    write(-1)(connection)
    raise Rejected("test.refused")


def disk_error(_: Connection) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    raise error


def commits(engine: Engine) -> list[None]:
    seen: list[None] = []
    event.listen(engine, "commit", lambda _: seen.append(None))
    return seen


async def settle() -> None:
    """Lets every callback that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_result_of_an_operation_comes_back(bench: Bench) -> None:
    assert await bench.writer.run(write(7)) == 7
    assert bench.numbers() == [7]


async def test_what_waits_while_a_commit_runs_is_committed_together_and_in_order(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.writer.run(write(number)) for number in range(300)))
    await settle()
    seen = commits(bench.engine)
    bench.release()
    await asyncio.gather(held, waiting)

    assert len(seen) == 2
    assert bench.numbers() == list(range(300))


async def test_what_is_asked_in_one_turn_of_the_loop_is_committed_together(bench: Bench) -> None:
    seen = commits(bench.engine)
    await asyncio.gather(*(bench.writer.run(write(number)) for number in range(20)))

    assert len(seen) == 1
    assert bench.numbers() == list(range(20))


async def test_a_commit_holds_no_more_than_a_batch(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.writer.run(write(number)) for number in range(BATCH_MAX + 1)))
    await settle()
    seen = commits(bench.engine)
    bench.release()
    await asyncio.gather(held, waiting)

    assert len(seen) == 3


async def test_what_is_of_one_kind_and_rides_one_commit_is_carried_out_by_one_call(bench: Bench) -> None:
    carried_out: list[Sequence[int]] = []
    told: list[Sequence[int]] = []

    def carry_out(connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        carried_out.append(numbers)
        return [write(number)(connection) * 10 for number in numbers]

    kind = Together(carry_out, then=told.append)
    held = await bench.hold_up()
    waiting = asyncio.gather(
        bench.writer.run_together(kind, 1),
        bench.writer.run(write(2)),
        bench.writer.run_together(kind, 3),
        bench.writer.run_together(Together(carry_out, then=told.append), 4),
    )
    await settle()
    bench.release()
    await held

    assert list(await waiting) == [10, 2, 30, 40]
    assert carried_out == [[1, 3], [4]]
    assert told == [[10, 30], [40]]
    assert bench.numbers() == [1, 3, 2, 4]


async def test_what_is_of_one_kind_is_told_to_memory_only_when_it_is_durable(bench: Bench) -> None:
    told: list[Sequence[None]] = []

    def fail(connection: Connection, _: Sequence[int]) -> Sequence[None]:
        write(-1)(connection)
        raise RuntimeError

    with pytest.raises(Unavailable, match=r"storage\.failed"):
        await bench.writer.run_together(Together(fail, then=told.append), 1)
    assert told == []
    assert bench.numbers() == []


async def test_nobody_is_answered_before_the_commit(bench: Bench) -> None:
    order: list[str] = []
    event.listen(bench.engine, "commit", lambda _: order.append("commit"))
    await bench.writer.run(write(1), then=lambda _: order.append("then"))
    order.append("answer")

    assert order == ["commit", "then", "answer"]


async def test_of_a_kind_all_are_told_together_and_then_each_by_itself_before_the_answer(bench: Bench) -> None:
    order: list[object] = []
    event.listen(bench.engine, "commit", lambda _: order.append("commit"))

    def carry_out(_: Connection, numbers: Sequence[int]) -> Sequence[int]:
        return [number * 10 for number in numbers]

    kind = Together(carry_out, then=order.append)
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.writer.run_together(kind, number, then=order.append) for number in (1, 2)))
    await settle()
    bench.release()
    await held
    await waiting
    order.append("answer")

    assert order == ["commit", "commit", [10, 20], 10, 20, "answer"]


async def test_a_batch_that_can_not_be_told_to_memory_is_answered_all_the_same(bench: Bench) -> None:
    def fail(_: int) -> None:
        raise RuntimeError

    with pytest.raises(Unavailable):
        await bench.writer.run(write(1), then=fail)
    assert await bench.writer.run(write(2)) == 2


async def test_too_many_that_wait_are_refused_until_there_is_room(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = [asyncio.create_task(bench.writer.run(write(number))) for number in range(BATCH_MAX + 100)]
    await settle()
    with pytest.raises(Unavailable) as refused:
        await bench.writer.run(write(-1))
    assert (refused.value.cause, refused.value.retry_after_s) == ("storage.busy", 1)

    bench.release()
    await asyncio.gather(held, *waiting)
    assert await bench.writer.run(write(1000)) == 1000
    assert -1 not in bench.numbers()


async def test_too_many_bytes_that_wait_are_refused_until_there_is_room(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.create_task(bench.writer.run(write(1), size=600))
    await settle()
    with pytest.raises(Unavailable, match=r"storage\.busy"):
        await bench.writer.run(write(2), size=401)
    fits = asyncio.create_task(bench.writer.run(write(3), size=400))
    await settle()

    bench.release()
    await asyncio.gather(held, waiting, fits)
    await bench.writer.run(write(4), size=1000)
    assert bench.numbers() == [1, 3, 4]


async def test_an_operation_that_refuses_undoes_itself_alone(bench: Bench) -> None:
    held = await bench.hold_up()
    happened: list[object] = []
    refused = asyncio.create_task(bench.writer.run(refuse, guarded=True, then=happened.append))
    others = asyncio.gather(*(bench.writer.run(write(number)) for number in (1, 2)))
    await settle()
    bench.release()
    await held
    with pytest.raises(Rejected, match=r"test\.refused"):
        await refused

    assert await others == [1, 2]
    assert bench.numbers() == [1, 2]
    assert happened == []


async def test_an_error_fails_its_batch_as_a_whole_and_later_ones_succeed(bench: Bench) -> None:
    held = await bench.hold_up()
    happened: list[int] = []
    good = asyncio.create_task(bench.writer.run(write(1), then=happened.append))
    bad = asyncio.create_task(bench.writer.run(lambda connection: connection.exec_driver_sql("NONSENSE")))
    await settle()
    bench.release()
    results = await asyncio.gather(good, bad, return_exceptions=True)

    await held
    assert [isinstance(each, Unavailable) and each.cause for each in results] == ["storage.failed"] * 2
    assert happened == []
    assert await bench.writer.run(write(2)) == 2
    assert bench.numbers() == [2]
    assert bench.deaths == 0


async def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(bench: Bench) -> None:
    def limit(pages: int) -> Callable[[Connection], None]:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").close()

    await bench.writer.run(limit(40))
    with pytest.raises(Unavailable, match=r"storage\.failed"):
        await bench.writer.run(write(1, weight=10**6))
    assert await bench.writer.run(write(2)) == 2

    await bench.writer.run(limit(10**6))
    assert await bench.writer.run(write(3, weight=10**6)) == 3
    assert bench.numbers() == [2, 3]
    assert bench.deaths == 0


async def test_after_an_error_of_the_disk_nothing_is_written_any_more(bench: Bench) -> None:
    held = await bench.hold_up()
    failing = asyncio.create_task(bench.writer.run(disk_error))
    beside = asyncio.create_task(bench.writer.run(write(1)))
    await settle()
    bench.release()
    results = await asyncio.gather(failing, beside, return_exceptions=True)
    await held

    assert [isinstance(each, Unavailable) for each in results] == [True, True]
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"storage\.failed"):
            await bench.writer.run(write(2))
    await asyncio.to_thread(bench.writer.close)
    assert bench.deaths == 1
    assert bench.numbers() == []


async def test_what_waited_behind_an_error_of_the_disk_is_refused(bench: Bench) -> None:
    held = await bench.hold_up()
    first = [asyncio.create_task(bench.writer.run(disk_error)) for _ in range(BATCH_MAX)]
    behind = asyncio.create_task(bench.writer.run(write(1)))
    await settle()
    bench.release()
    await asyncio.gather(held, *first, return_exceptions=True)
    with pytest.raises(Unavailable, match=r"storage\.failed"):
        await behind

    await asyncio.to_thread(bench.writer.close)
    assert bench.deaths == 1
    assert bench.numbers() == []


async def test_a_caller_who_went_away_changes_nothing_for_the_others(bench: Bench) -> None:
    held = await bench.hold_up()
    happened: list[int] = []
    gone = asyncio.create_task(bench.writer.run(write(1), then=happened.append))
    stays = asyncio.create_task(bench.writer.run(write(2)))
    await settle()
    gone.cancel()
    await settle()
    bench.release()

    assert await stays == 2
    await held
    assert gone.cancelled()
    assert bench.numbers() == [1, 2]
    assert happened == [1], "what is durable is told to the picture in memory, whoever still listens"


async def test_closing_writes_what_waits_and_refuses_what_comes(bench: Bench) -> None:
    held = await bench.hold_up()
    waiting = asyncio.gather(*(bench.writer.run(write(number)) for number in range(10)))
    await settle()
    bench.release()
    await asyncio.to_thread(bench.writer.close)

    assert await waiting == list(range(10))
    await held
    with pytest.raises(Unavailable, match=r"storage\.closed"):
        await bench.writer.run(write(11))
    assert bench.numbers() == list(range(10))


def test_several_event_loops_may_write_at_once(bench: Bench) -> None:
    results: dict[int, list[int]] = {}

    async def write_many(worker: int) -> None:
        results[worker] = await asyncio.gather(*(bench.writer.run(write(worker * 100 + n)) for n in range(100)))

    threads = [threading.Thread(target=asyncio.run, args=(write_many(worker),)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {worker: list(range(worker * 100, worker * 100 + 100)) for worker in range(3)}
    assert sorted(bench.numbers()) == list(range(300))


def test_a_loop_that_is_gone_by_the_time_of_the_answer_harms_nobody(bench: Bench) -> None:
    async def leave() -> None:
        held = await bench.hold_up()
        writing = asyncio.create_task(bench.writer.run(write(1)))
        await settle()
        held.cancel()
        writing.cancel()

    asyncio.run(leave())
    bench.release()

    assert asyncio.run(bench.writer.run(write(2))) == 2
    assert bench.numbers() == [1, 2]

"""Several workers over one database, some of which die or freeze."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from adapters.clock.system import SystemClock
from adapters.storage.database import ServedDatabase, serve_database
from application.ports import Lane
from domain.identifiers import Secret
from tests.adapters.engine.postgres_post import PostgresPost, opened_post
from tests.adapters.engine.work_until_stopped import STEPS, TABLES
from tests.contracts.engine import eventually
from tests.contracts.journal import HERE, arrival, lane

ROOT = Path(__file__).parents[3]
SCRIPT = "tests.adapters.engine.work_until_stopped"
TAKEN_OVER_WITHIN_S = 15.0

Said = tuple[str, str, int, str]


class Floor:
    """Workers, what they tell, and the gates that hold them."""

    def __init__(self, url: str, database: ServedDatabase, post: PostgresPost, key: str) -> None:
        self._url = url
        self._database = database
        self._key = key
        self.post = post
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    async def hire(self, worker: str) -> None:
        self._start(worker)
        await self.told((worker, "", 0, "started"))

    def _start(self, worker: str) -> None:
        self.processes[worker] = subprocess.Popen(
            [sys.executable, "-m", SCRIPT, self._url, self._key, worker], cwd=ROOT
        )

    def signal(self, worker: str, number: signal.Signals) -> None:
        self.processes[worker].send_signal(number)

    async def accept(self, key: str, chat: str) -> Lane:
        await self._database.journal.accept(HERE, [arrival(key, chat)], window_s=60)
        return lane(chat)

    async def close_gate(self, worker: str, step: int) -> None:
        await self.post.rows("INSERT INTO gates VALUES (%s, %s) RETURNING step", worker, step)

    async def open_gate(self, worker: str) -> None:
        await self.post.rows("DELETE FROM gates WHERE worker = %s RETURNING step", worker)

    async def trail(self) -> list[Said]:
        rows = await self.post.rows("SELECT worker, key, step, state FROM trail ORDER BY at")
        return [(str(worker), str(key), int(step), str(state)) for worker, key, step, state in rows]

    async def told(self, *said: Said, within_s: float = 30.0) -> None:
        async def all_said() -> bool:
            return set(said) <= set(await self.trail())

        await eventually(all_said, within_s)

    async def finished(self, lane: Lane, within_s: float = 30.0) -> None:
        async def nothing_left() -> bool:
            return not await self.post.unfinished(lane)

        await eventually(nothing_left, within_s)


@pytest.fixture
async def floor(url: str) -> AsyncIterator[Floor]:
    key = Fernet.generate_key().decode()
    database = serve_database(url, keys=[Secret(value=key)], clock=SystemClock(), on_fatal=lambda: None)
    async with opened_post(url) as post:
        await post.run(TABLES)
        floor = Floor(url, database, post, key)
        try:
            yield floor
        finally:
            for process in floor.processes.values():
                process.kill()
                process.wait()
            database.close()


def fresh(trail: list[Said]) -> list[tuple[str, int]]:
    return sorted((key, step) for _, key, step, state in trail if state == "fresh")


async def begun_by(floor: Floor, step: int) -> bool:
    return any(said[2] == step and said[3] == "fresh" for said in await floor.trail())


async def test_what_a_killed_worker_leaves_is_finished_by_another(floor: Floor) -> None:
    await floor.hire("first")
    await floor.hire("second")
    await floor.close_gate("first", 1)
    await floor.close_gate("second", 1)
    chat = await floor.accept("n-1", "55501")
    await eventually(lambda: begun_by(floor, 1), 30)
    victim = (await floor.trail())[-1][0]
    survivor = "second" if victim == "first" else "first"

    floor.signal(victim, signal.SIGKILL)
    await floor.open_gate(survivor)
    await floor.finished(chat, TAKEN_OVER_WITHIN_S)

    trail = await floor.trail()
    assert [said for said in trail if said[1]] == [
        (victim, "n-1", 0, "fresh"),
        (victim, "n-1", 1, "fresh"),
        (survivor, "n-1", 0, "done"),
        (survivor, "n-1", 1, "doubtful"),
        (survivor, "n-1", 2, "fresh"),
    ]


async def test_a_worker_that_froze_and_comes_back_begins_nothing_a_second_time(floor: Floor) -> None:
    await floor.hire("frozen")
    await floor.close_gate("frozen", 1)
    chat = await floor.accept("n-1", "55501")
    await floor.told(("frozen", "n-1", 1, "fresh"))
    floor.signal("frozen", signal.SIGSTOP)
    await floor.close_gate("other", 2)
    await floor.hire("other")
    await floor.told(("other", "n-1", 2, "fresh"), within_s=TAKEN_OVER_WITHIN_S)

    floor.signal("frozen", signal.SIGCONT)
    await floor.told(("frozen", "n-1", 1, "cancelled"))
    await floor.open_gate("other")
    await floor.finished(chat)

    assert fresh(await floor.trail()) == [("n-1", step) for step in range(STEPS)]


async def test_a_worker_that_froze_works_again_when_it_comes_back(floor: Floor) -> None:
    await floor.hire("frozen")
    floor.signal("frozen", signal.SIGSTOP)
    await floor.hire("other")
    chat = await floor.accept("n-1", "55501")
    await floor.finished(chat, TAKEN_OVER_WITHIN_S)
    floor.signal("frozen", signal.SIGCONT)
    floor.signal("other", signal.SIGTERM)
    floor.processes["other"].wait(30)

    await floor.accept("n-2", "55502")
    await floor.told(("frozen", "n-2", STEPS - 1, "fresh"))


async def test_a_worker_that_is_told_to_stop_hands_over_at_once(floor: Floor) -> None:
    await floor.hire("first")
    await floor.close_gate("first", 1)
    chat = await floor.accept("n-1", "55501")
    await floor.told(("first", "n-1", 1, "fresh"))
    await floor.hire("second")

    floor.signal("first", signal.SIGTERM)
    await floor.finished(chat)

    assert floor.processes["first"].wait(30) == 0
    assert fresh(await floor.trail()) == [("n-1", step) for step in range(STEPS)]

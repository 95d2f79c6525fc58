"""What the console keeps, over a real file and a real PostgreSQL, with another process beside it."""

import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet

from adapters.memory.clock import SetClock
from adapters.storage import file_turns, patience
from adapters.storage.database import ServedDatabase, visit_database
from adapters.storage.file_turns import FileTurns
from adapters.storage.rotation import reseal_all
from application.console_ports import Turns
from application.failures import Unavailable
from domain.identifiers import CompanyId, Secret
from tests.adapters.storage.files import KEY, all_bytes, served
from tests.contracts.installations import FIRST, SECOND
from tests.contracts.journal import NOON

HASH = Secret(value="$argon2id$first")
OTHER_HASH = Secret(value="$argon2id$second")
HOURS, DAYS = 3600, 24 * 3600


class Bench(NamedTuple):
    url: str
    clock: SetClock
    database: ServedDatabase


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    url = request.getfixturevalue("url" if request.param == "sqlite" else "kept_url")
    clock = SetClock(NOON)
    with served(url, clock=clock) as database:
        yield Bench(url, clock, database)


class Admin(NamedTuple):
    name: str
    is_operator: bool


# --- sessions


async def test_a_session_is_found_by_its_id_and_by_no_other(bench: Bench) -> None:
    sessions = bench.database.sessions
    first, second = await sessions.begin(b"one"), await sessions.begin(b"two")
    assert first != second
    assert len(first) >= 43
    assert (await sessions.read(first), await sessions.read(second)) == (b"one", b"two")
    for stranger in ("", first[:-1], "\ud800", first.swapcase()):
        assert await sessions.read(stranger) is None


async def test_a_session_keeps_what_was_kept_last_until_it_ends(bench: Bench) -> None:
    sessions = bench.database.sessions
    session_id = await sessions.begin(b"one")
    await sessions.keep(session_id, b"two")
    assert await sessions.read(session_id) == b"two"
    await sessions.end(session_id)
    await sessions.keep(session_id, b"three")
    assert await sessions.read(session_id) is None


async def test_a_session_ends_twelve_hours_after_it_was_last_used(bench: Bench) -> None:
    sessions, clock = bench.database.sessions, bench.clock
    session_id = await sessions.begin(b"one")
    for _ in range(3):
        clock.advance(12 * HOURS - 1)
        assert await sessions.read(session_id) == b"one"
    clock.advance(12 * HOURS)
    assert await sessions.read(session_id) is None
    await sessions.keep(session_id, b"two")
    assert await sessions.read(session_id) is None


async def test_a_session_ends_after_seven_days_however_much_it_is_used(bench: Bench) -> None:
    sessions, clock = bench.database.sessions, bench.clock
    session_id = await sessions.begin(b"one")
    for _ in range(7 * 24 // 8 - 1):
        clock.advance(8 * HOURS)
        assert await sessions.read(session_id) == b"one"
    clock.advance(8 * HOURS)
    assert await sessions.read(session_id) is None


async def test_neither_the_id_nor_the_content_of_a_session_stands_in_the_file(url: str) -> None:
    with served(url) as database:
        session_id = await database.sessions.begin(b"agent-301 and a t0ken")
    written = all_bytes(Path(url.removeprefix("sqlite:///")).parent)
    assert session_id.encode() not in written
    assert b"t0ken" not in written


# --- operators


async def test_operators_are_added_once_found_listed_and_removed(bench: Bench) -> None:
    operators = bench.database.operators
    assert await operators.get("rita") is None
    assert await operators.add("rita", HASH)
    assert await operators.add("ana", OTHER_HASH)
    assert not await operators.add("rita", OTHER_HASH)
    assert [each.name for each in await operators.all()] == ["ana", "rita"]
    rita = await operators.get("rita")
    assert rita is not None
    assert (rita.password_hash, rita.created_at) == (HASH, NOON)
    assert "argon2" not in repr(rita)
    assert await operators.remove("rita")
    assert not await operators.remove("rita")
    assert await operators.get("rita") is None


async def test_a_password_is_changed_where_there_is_an_operator(bench: Bench) -> None:
    operators = bench.database.operators
    assert not await operators.set_password("rita", HASH)
    await operators.add("rita", HASH)
    assert await operators.set_password("rita", OTHER_HASH)
    rita = await operators.get("rita")
    assert rita is not None
    assert rita.password_hash == OTHER_HASH


async def test_an_operator_that_a_command_adds_is_known_to_whoever_serves(bench: Bench) -> None:
    visited = visit_database(bench.url, keys=[KEY], clock=bench.clock)
    try:
        assert await visited.operators.add("rita", HASH)
    finally:
        visited.close()
    assert await bench.database.operators.get("rita") is not None


async def test_of_equal_names_at_the_same_moment_one_wins(bench: Bench) -> None:
    operators = bench.database.operators
    added = await asyncio.gather(*(operators.add("rita", HASH) for _ in range(5)))
    assert sorted(added) == [False, False, False, False, True]


# --- agents


async def test_an_agents_companies_are_remembered_once_and_forgotten(bench: Bench) -> None:
    agents = bench.database.agents
    for company in ("1002", "1001", "1002"):
        await agents.remember("301", CompanyId(company))
    await agents.remember("302", CompanyId("1001"))
    assert await agents.companies("301") == ["1001", "1002"]
    await agents.forget("301", CompanyId("1001"))
    assert await agents.companies("301") == ["1002"]
    assert await agents.companies("302") == ["1001"]
    assert await agents.companies("303") == []


# --- audit


async def test_changes_are_noted_newest_first_for_their_installation(bench: Bench) -> None:
    audit = bench.database.audit
    for number in range(3):
        bench.clock.advance(60)
        await audit.note(FIRST.id, Admin("Ana", False), f"mudança {number}", {"nome": "Provedor"})
    await audit.note(SECOND.id, Admin("rita", True), "outra")
    notes = await audit.recent(FIRST.id)
    assert [note.what for note in notes] == ["mudança 2", "mudança 1", "mudança 0"]
    newest = notes[0]
    assert (newest.author, newest.by_operator, newest.details) == ("Ana", False, {"nome": "Provedor"})
    assert newest.at == NOON + timedelta(minutes=3)
    assert [note.what for note in await audit.recent(FIRST.id, before=newest.id, limit=1)] == ["mudança 1"]
    (other,) = await audit.recent(SECOND.id)
    assert (other.author, other.by_operator, other.details) == ("rita", True, {})
    assert "Ana" not in repr(newest)


async def test_what_was_noted_goes_with_its_installation(bench: Bench) -> None:
    database = bench.database
    for installation in (FIRST, SECOND):
        await database.installations.save(installation)
        await database.audit.note(installation.id, Admin("Ana", False), "mudou")
    await database.installations.remove(FIRST.id)
    assert await database.audit.recent(FIRST.id) == []
    assert len(await database.audit.recent(SECOND.id)) == 1


# --- keys, turns, trouble


async def test_keys_are_rotated_under_sessions_and_notes(url: str) -> None:
    new = Secret(value=Fernet.generate_key().decode())
    with served(url) as database:
        session_id = await database.sessions.begin(b"one")
        await database.audit.note(FIRST.id, Admin("Ana", False), "mudou")
    assert reseal_all(url, keys=[new, KEY]) == 2
    with served(url, new) as database:
        assert await database.sessions.read(session_id) == b"one"
        assert len(await database.audit.recent(FIRST.id)) == 1


async def test_a_turn_is_taken_by_one_at_a_time_and_names_do_not_wait_for_each_other(bench: Bench) -> None:
    turns, steps = bench.database.turns, list[str]()
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with turns("a"):
            inside.set()
            await go_on.wait()
            steps.append("first")

    async def second() -> None:
        async with turns("a"):
            steps.append("second")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first())
        await inside.wait()
        tasks.create_task(second())
        async with turns("b"):
            steps.append("other")
        go_on.set()
    assert steps == ["other", "first", "second"]


async def test_a_turn_is_given_back_by_a_block_that_failed(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="within"):
            async with bench.database.turns("a"):
                raise ValueError("within")


async def test_a_turn_holds_over_a_process_that_serves_and_a_command_beside_it(bench: Bench) -> None:
    order: list[int] = []

    async def take(turns: Turns) -> None:
        async with turns("a"):
            order.append(2)

    with closing(visit_database(bench.url, keys=[KEY], clock=bench.clock)) as visited:
        for here, there in ((bench.database.turns, visited.turns), (visited.turns, bench.database.turns)):
            async with here("a"):
                waiting = asyncio.create_task(take(there))
                async with here("b"), there("c"):
                    await asyncio.sleep(0)
                    order.append(1)
            await waiting
    assert order == [1, 2] * 2


def test_in_a_crowd_a_turn_of_a_file_is_one_at_a_time_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_turns, "LOOK_AGAIN_S", 0)
    inside: list[int] = []
    met: list[list[int]] = []

    async def take_many(number: int) -> None:
        turns = FileTurns(tmp_path / "ponte.db")
        for _ in range(100):
            async with turns("a"):
                inside.append(number)
                await asyncio.sleep(0)
                met.append(inside.copy())
                inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: asyncio.run(take_many(number)), range(8)))
    assert [len(each) for each in met] == [1] * 800
    assert os.listdir(tmp_path) == []


async def test_a_turn_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(tmp_path / "ponte.db"), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    taken: list[str] = []

    async def take() -> None:
        async with FileTurns(tmp_path / "ponte.db")("a"):
            taken.append("a")

    waiting = asyncio.create_task(take())
    async with FileTurns(tmp_path / "ponte.db")("b"):
        assert taken == []
    holder.kill()
    await holder.wait()
    async with asyncio.timeout(10):
        await waiting
    assert taken == ["a"]


HOLDER = """
import asyncio, sys
from pathlib import Path
from adapters.storage.file_turns import FileTurns

async def hold():
    async with FileTurns(Path(sys.argv[1]))("a"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_whoever_never_gets_a_turn_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0)
    turns = FileTurns(tmp_path / "ponte.db")
    async with turns("a"):
        with pytest.raises(Unavailable, match=r"storage\.busy"):
            async with turns("a"):
                pass
    with pytest.raises(Unavailable, match=r"storage\.failed"):
        async with FileTurns(tmp_path / "nowhere" / "ponte.db")("a"):
            pass

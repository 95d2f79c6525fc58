"""A real process dies, by `kill -9` and by a failing disk; what it acknowledged is there when the next one looks."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from adapters.storage.migrate import upgrade
from application.ports import EffectState
from domain.identifiers import EffectKey
from tests.adapters.storage.files import KEY, served
from tests.adapters.storage.recorded import recorded
from tests.contracts.journal import HERE, arrival, lane

ROOT = Path(__file__).resolve().parents[3]
FATAL = 70


@contextmanager
def accepting(url: str, *how: str) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    command = [sys.executable, "-m", "tests.adapters.storage.accept_until_killed", url, KEY.reveal(), *how]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def whole(lines: list[str], what: str) -> list[list[str]]:
    """The words after `what`; a last line that the death cut off is none."""
    return [line.split()[1:] for line in lines if line.startswith(f"{what} ") and line.endswith("\n")]


async def assert_nothing_is_lost(url: str, lines: list[str]) -> None:
    acknowledged = [key for (key,) in whole(lines, "accepted")]
    with served(url) as database:
        events = await recorded(database.history, HERE)
        kept = [each.notification.key for each in events]
        assert set(acknowledged) <= set(kept)
        assert len(kept) == len(set(kept))
        for worker in range(8):
            of_chat = [each.notification.key for each in events if each.row.chat_id == str(worker)]
            numbers = [int(key.split("-")[1]) for key in reversed(of_chat)]
            assert numbers == list(range(len(numbers)))
        repeated = [arrival(key, key.split("-")[0]) for key in acknowledged]
        receipt = await database.journal.accept(HERE, repeated, window_s=60)
        assert (receipt.accepted, receipt.duplicates) == (0, len(acknowledged))
        for key, effect in whole(lines, "begun"):
            entry = await database.journal.head(lane(key.split("-")[0]))
            assert entry is not None
            assert entry.resumed
            begun = await database.journal.recall(entry, EffectKey(effect))
            assert begun is not None
            assert begun.state is EffectState.DOUBTFUL


async def test_what_was_acknowledged_survives_a_kill(url: str) -> None:
    with accepting(url) as (process, output):
        lines = list(islice(output, 500))
        process.kill()
        lines += list(output)

    assert len(whole(lines, "accepted")) > 400
    await assert_nothing_is_lost(url, lines)


async def test_what_was_acknowledged_survives_kill_after_kill(url: str) -> None:
    lines: list[str] = []
    for first_lines in (1, 37):
        with accepting(url) as (process, output):
            lines += list(islice(output, first_lines))
            process.kill()
            lines += list(output)

    await assert_nothing_is_lost(url, lines)


async def test_what_was_acknowledged_survives_kill_after_kill_in_postgres(postgres_url: str) -> None:
    upgrade(postgres_url)
    lines: list[str] = []
    for first_lines in (1, 37, 300):
        with accepting(postgres_url) as (process, output):
            lines += list(islice(output, first_lines))
            process.kill()
            lines += list(output)

    await assert_nothing_is_lost(postgres_url, lines)


async def test_a_failing_disk_ends_the_process_and_loses_nothing_that_was_acknowledged(url: str) -> None:
    with accepting(url, "disk-fails") as (process, output):
        lines = list(output)
        assert process.wait() == FATAL

    assert whole(lines, "refused") == [["storage.failed"]]
    assert lines.count("fatal\n") == 1
    assert len(whole(lines, "accepted")) > 10
    await assert_nothing_is_lost(url, lines)

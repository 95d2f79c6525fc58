import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.storage.database import visit_database
from adapters.storage.installations import SqliteInstallations
from adapters.storage.refusals import DatabaseInUse
from adapters.storage.rotation import reseal_all
from adapters.storage.seal import Unsealable
from adapters.storage.sqlite_file import database_path
from tests.adapters.storage.files import KEY, OTHER_KEY, ServedFile, all_bytes, served
from tests.adapters.storage.filled import SECRETS, fill
from tests.adapters.storage.recorded import history_beside, recorded
from tests.adapters.storage.two_loops import delivered_in_one_loop_and_worked_off_in_another
from tests.contracts.installations import FIRST
from tests.contracts.journal import EFFECT, HERE, accept, head


async def test_nothing_secret_or_personal_can_be_read_in_the_file(file: ServedFile) -> None:
    await fill(file)
    directory = database_path(file.url).parent
    with (
        closing(sqlite3.connect(directory / "copy.db")) as copy,
        closing(sqlite3.connect(database_path(file.url))) as db,
    ):
        db.backup(copy)
        assert copy.execute("SELECT count(*) FROM inbox").fetchone() == (1,)
    file.close()

    stored = all_bytes(directory)
    assert b"Provedor Exemplo" in stored, "this is what a plain value looks like"
    assert [secret for secret in SECRETS if secret in stored] == []


async def test_a_key_that_does_not_open_the_database_is_told_by_the_settings_name(file: ServedFile) -> None:
    await fill(file)
    file.close()

    with pytest.raises(Unsealable, match="PONTE_SECRET_KEYS"), served(file.url, OTHER_KEY):
        pass
    with pytest.raises(Unsealable, match="PONTE_SECRET_KEYS"):
        visit_database(file.url, keys=[OTHER_KEY], clock=file.clock)
    with served(file.url, OTHER_KEY, KEY) as database:
        assert (await database.installations.get(FIRST.id)) is not None


async def test_after_rotation_the_new_key_alone_opens_everything(file: ServedFile) -> None:
    await fill(file)
    before = await recorded(file.history, HERE), await file.history.unknown(HERE), await file.installations.all()
    entry = await head(file)
    intent = await file.journal.recall(entry, EFFECT)
    file.close()

    assert reseal_all(file.url, keys=[OTHER_KEY, KEY]) == 6
    with served(file.url, OTHER_KEY) as database:
        after = (
            await recorded(database.history, HERE),
            await database.history.unknown(HERE),
            await database.installations.all(),
        )
        assert after == before
        assert await database.journal.recall(entry, EFFECT) == intent
    with pytest.raises(Unsealable), served(file.url, KEY):
        pass


async def test_rotation_passes_over_no_row_however_many_there_are(file: ServedFile) -> None:
    keys = [f"n-{number}" for number in range(450)]
    await accept(file, *keys)
    for key in ("a", "b"):
        await file.journal.begin(await head(file), EFFECT, key.encode())

    assert reseal_all(file.url, keys=[OTHER_KEY, KEY]) == 451, "beside a process that serves"
    file.close()
    with served(file.url, OTHER_KEY) as database:
        assert len(await recorded(database.history, HERE)) == 450


async def test_rotation_without_the_key_of_a_value_stops(file: ServedFile) -> None:
    await fill(file)

    with pytest.raises(Unsealable):
        reseal_all(file.url, keys=[OTHER_KEY])


def test_one_process_serves_from_a_file(file: ServedFile) -> None:
    with pytest.raises(DatabaseInUse, match="já está em uso"), served(file.url):
        pass

    file.close()
    with served(file.url):
        pass


async def test_a_refused_opening_leaves_the_file_to_the_next(file: ServedFile) -> None:
    await fill(file)
    file.close()
    with pytest.raises(Unsealable), served(file.url, OTHER_KEY):
        pass

    with served(file.url):
        pass


async def test_a_visitor_reads_and_writes_beside_the_process_that_serves(file: ServedFile) -> None:
    await accept(file, "n-1")
    visit = visit_database(file.url, keys=[KEY], clock=file.clock)
    await visit.installations.save(FIRST)
    await accept(file, "n-2")

    assert list(await visit.installations.all()) == [FIRST]
    beside = history_beside(file.url, KEY)
    assert [each.notification.key for each in await recorded(beside, HERE)] == ["n-2", "n-1"]
    visit.close()
    await accept(file, "n-3")
    file.reopen()
    assert list(await file.installations.all()) == [FIRST]
    assert len(await recorded(file.history, HERE)) == 3


def test_every_commit_reaches_the_disk_and_nobody_but_the_server_resets_the_log(file: ServedFile) -> None:
    visit = visit_database(file.url, keys=[KEY], clock=file.clock)
    settings = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 1000}
    visitors = settings | {"wal_autocheckpoint": 0}
    for installations, expected in ((file.installations, settings), (visit.installations, visitors)):
        assert isinstance(installations, SqliteInstallations)
        with installations._writer._engine.connect() as connection:
            for pragma, value in expected.items():
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    visit.close()


def test_the_journal_serves_two_event_loops_at_once(file: ServedFile) -> None:
    assert asyncio.run(delivered_in_one_loop_and_worked_off_in_another(file, 200)) == 200


def test_the_file_of_a_url(tmp_path: Path) -> None:
    assert database_path("sqlite:///var/ponte.db") == Path("var/ponte.db")
    assert database_path(f"sqlite:///{tmp_path}/ponte.db") == tmp_path / "ponte.db"

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.storage.database import visit_database
from adapters.storage.refusals import DatabaseInUse
from adapters.storage.rotation import reseal_all
from adapters.storage.seal import Unsealable
from adapters.storage.sqlite_file import database_path
from application.ports import Arrival
from domain.action import Message, Route, Say, StartFlow
from domain.identifiers import ChatId, NotificationKey
from domain.installation import FlowKey
from domain.notification import ChatRef, NotForUs, TicketRequested
from domain.outcome import CustomerInOutage
from tests.adapters.storage.files import KEY, OTHER_KEY, ServedFile, all_bytes, served
from tests.contracts.installations import FIRST
from tests.contracts.journal import EFFECT, HERE, accept, head

SECRETS = (
    b"52998224725",
    b"529.982.247-25",
    b"Zulmira",
    b"98765",
    b"erp-token-1",
    b"erp-secret-1",
    b"huggy-token-1",
    b"webhook-key-1",
    b"flow-key-1",
    b"pinned-token",
)


async def fill(file: ServedFile) -> None:
    """Puts every secret and every piece of personal data in each place that could hold one."""
    await file.installations.save(FIRST)
    await file.installations.pin_webhook_token(FIRST.id, "pinned-token")
    notification = TicketRequested(
        key=NotificationKey("n-1"),
        chat=ChatRef(id=ChatId("55501"), phone="+55 11 98765-4321"),
        document="529.982.247-25",
        description="Zulmira, CPF 52998224725, sem internet",
    )
    arrival = Arrival(notification=notification, raw=b'{"name": "Zulmira", "cpf": "52998224725"}')
    await file.journal.accept(HERE, [arrival], window_s=60)
    entry = await head(file)
    await file.journal.begin(entry, EFFECT, b"before: Zulmira 52998224725")
    route = Route(
        remarks=(Say(message=Message(key="customer.found", values={"name": "Zulmira"})),),
        terminal=StartFlow(flow=FlowKey.CUSTOMER_FOUND, flow_id=None),
    )
    outcome = CustomerInOutage(first_name="Zulmira", contracts=(), told="Zulmira", protocol=None)
    await file.journal.conclude(entry, outcome, route)
    await file.journal.keep_unknown(HERE, NotForUs(reason="event_unknown"), b'{"cpf": "52998224725"}')


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
    before = await file.history.recent(HERE), await file.history.unknown(HERE), await file.installations.all()
    entry = await head(file)
    intent = await file.journal.recall(entry, EFFECT)
    file.close()

    assert reseal_all(file.url, keys=[OTHER_KEY, KEY]) == 5
    with served(file.url, OTHER_KEY) as database:
        after = (
            await database.history.recent(HERE),
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
        assert len(await database.history.recent(HERE, limit=1000)) == 450


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

    assert [each.notification.key for each in await visit.history.recent(HERE)] == ["n-2", "n-1"]
    visit.close()
    await accept(file, "n-3")
    file.reopen()
    assert list(await file.installations.all()) == [FIRST]
    assert len(await file.history.recent(HERE)) == 3


def test_every_commit_reaches_the_disk_and_nobody_but_the_server_resets_the_log(file: ServedFile) -> None:
    visit = visit_database(file.url, keys=[KEY], clock=file.clock)
    settings = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 1000}
    visitors = settings | {"wal_autocheckpoint": 0}
    for writer, expected in (
        (file.installations._writer, settings),
        (visit.installations._writer, visitors),
    ):
        with writer._engine.connect() as connection:
            for pragma, value in expected.items():
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    visit.close()


def test_the_journal_serves_two_event_loops_at_once(file: ServedFile) -> None:
    async def work() -> int:
        served_until_now = 0
        while served_until_now < 200:
            for lane in await file.journal.unfinished():
                entry = await file.journal.head(lane)
                if entry is not None:
                    await file.journal.finish_entry(entry)
                    served_until_now += 1
        return served_until_now

    async def deliver() -> None:
        for number in range(200):
            await accept(file, f"n-{number}", chat=str(number % 7))

    async def both() -> int:
        working = asyncio.to_thread(asyncio.run, work())
        _, served_in_all = await asyncio.gather(deliver(), working)
        return served_in_all

    assert asyncio.run(both()) == 200


def test_the_file_of_a_url(tmp_path: Path) -> None:
    assert database_path("sqlite:///var/ponte.db") == Path("var/ponte.db")
    assert database_path(f"sqlite:///{tmp_path}/ponte.db") == tmp_path / "ponte.db"

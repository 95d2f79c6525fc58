import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from adapters.memory.clock import SetClock
from adapters.storage.database import visit_database
from adapters.storage.postgres_server import single_use_engine
from adapters.storage.revision_cache import REST_S
from adapters.storage.rotation import reseal_all
from adapters.storage.seal import Unsealable
from adapters.storage.tables import metadata
from application.failures import Unavailable
from tests.adapters.storage.files import KEY, OTHER_KEY, served
from tests.adapters.storage.filled import SECRETS, fill
from tests.adapters.storage.postgres_bench import ServedPostgres
from tests.adapters.storage.recorded import recorded
from tests.adapters.storage.two_loops import delivered_in_one_loop_and_worked_off_in_another
from tests.contracts.installations import FIRST
from tests.contracts.journal import EFFECT, HERE, accept, head
from tests.postgres import PostgresServer


@pytest.fixture
def kept(kept_url: str) -> Iterator[ServedPostgres]:
    kept = ServedPostgres(kept_url)
    yield kept
    kept.close()


def everything(url: str) -> bytes:
    """Every value of every row."""
    engine = single_use_engine(url)
    with engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


async def test_nothing_secret_or_personal_can_be_read_in_the_database(kept: ServedPostgres) -> None:
    await fill(kept)

    stored = everything(kept.url)
    assert b"Provedor Exemplo" in stored, "this is what a plain value looks like"
    assert [secret for secret in SECRETS if secret in stored] == []


async def test_a_key_that_does_not_open_the_database_is_told_by_the_settings_name(kept: ServedPostgres) -> None:
    await fill(kept)

    with pytest.raises(Unsealable, match="PONTE_SECRET_KEYS"), served(kept.url, OTHER_KEY):
        pass
    with pytest.raises(Unsealable, match="PONTE_SECRET_KEYS"):
        visit_database(kept.url, keys=[OTHER_KEY], clock=kept.clock)
    with served(kept.url, OTHER_KEY, KEY) as database:
        assert (await database.installations.get(FIRST.id)) is not None


async def test_after_rotation_beside_a_process_that_serves_the_new_key_alone_opens_everything(
    kept: ServedPostgres,
) -> None:
    await fill(kept)
    before = await recorded(kept.history, HERE), await kept.history.unknown(HERE), await kept.installations.all()
    entry = await head(kept)
    intent = await kept.journal.recall(entry, EFFECT)

    assert reseal_all(kept.url, keys=[OTHER_KEY, KEY]) == 6
    with served(kept.url, OTHER_KEY) as database:
        after = (
            await recorded(database.history, HERE),
            await database.history.unknown(HERE),
            await database.installations.all(),
        )
        assert after == before
        assert await database.journal.recall(entry, EFFECT) == intent


async def test_several_processes_serve_from_one_database(kept: ServedPostgres) -> None:
    with served(kept.url) as elsewhere:
        await elsewhere.installations.save(FIRST)
        await accept(kept, "n-1")
        assert len(await elsewhere.journal.unfinished()) == 1
        assert len(await recorded(elsewhere.history, HERE)) == 1


async def test_while_the_database_is_gone_installations_and_history_are_unavailable_and_afterwards_not(
    kept: ServedPostgres, postgres_server: PostgresServer
) -> None:
    await kept.installations.save(FIRST)
    postgres_server.refuse_connections(kept.url)
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"storage\.failed"):
                await kept.installations.by_webhook_key("webhook-key-1")
            with pytest.raises(Unavailable, match=r"storage\.failed"):
                await kept.installations.save(FIRST)
            with pytest.raises(Unavailable, match=r"storage\.failed"):
                await kept.history.events(HERE)
    finally:
        postgres_server.take_connections(kept.url)

    SetClock.advance(kept.clock, REST_S)
    assert await kept.installations.by_webhook_key("webhook-key-1") == FIRST
    await kept.installations.save(FIRST)
    assert await recorded(kept.history, HERE) == []


def test_the_journal_serves_two_event_loops_at_once(kept: ServedPostgres) -> None:
    assert asyncio.run(delivered_in_one_loop_and_worked_off_in_another(kept, 100)) == 100

import asyncio
from collections.abc import Mapping

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, make_url
from sqlalchemy.sql.schema import SchemaItem

from adapters.storage import migrate
from adapters.storage.postgres_server import single_use_engine
from adapters.storage.refusals import DatabaseNewer, DatabaseOutdated, DatabaseRefused
from adapters.storage.tables import metadata
from tests.adapters.storage.files import served

BESIDE_THE_JOURNAL = ("procrastinate_", "queue_", "fence_")
OF_POSTGRES_ALONE = ("inbox_waiting",)


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def shape(url: str) -> Mapping[str, object]:
    """Every table with its columns, and what the migrations noted."""
    engine = single_use_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        columns = {table: [column["name"] for column in inspect(connection).get_columns(table)] for table in tables}
    return columns | {"": run(url, "SELECT * FROM queue_migrations ORDER BY name")}


def test_migrating_makes_everything_and_again_changes_nothing(postgres_url: str) -> None:
    assert migrate.current(postgres_url) is None
    migrate.upgrade(postgres_url)
    assert migrate.current(postgres_url) == migrate.head()
    migrate.ensure_current(postgres_url)
    before = shape(postgres_url)
    assert {"inbox", "procrastinate_jobs"} <= before.keys()

    migrate.upgrade(postgres_url)
    assert shape(postgres_url) == before


async def test_of_several_hosts_that_migrate_at_once_all_succeed(postgres_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, postgres_url) for _ in range(4)))

    migrate.ensure_current(postgres_url)


def test_the_migrations_lead_to_the_tables_that_the_code_knows(postgres_url: str) -> None:
    def is_ours(_: SchemaItem, name: str | None, kind: str, *__: object) -> bool:
        return not (name or "").startswith(BESIDE_THE_JOURNAL if kind == "table" else OF_POSTGRES_ALONE)

    migrate.upgrade(postgres_url)
    with single_use_engine(postgres_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, metadata) == []


def test_a_queue_of_an_earlier_version_is_to_be_migrated_and_then_is_up_to_date(postgres_url: str) -> None:
    migrate.upgrade(postgres_url)
    whole = shape(postgres_url)
    ((newest,),) = run(postgres_url, "SELECT max(name) FROM queue_migrations")
    run(postgres_url, f"DELETE FROM queue_migrations WHERE name = '{newest}'")  # noqa: S608
    with pytest.raises(DatabaseOutdated, match="ponte migrate"):
        migrate.ensure_current(postgres_url)

    migrate.upgrade(postgres_url)
    migrate.ensure_current(postgres_url)
    assert shape(postgres_url) == whole


def test_nobody_serves_from_an_empty_database(postgres_url: str) -> None:
    with pytest.raises(DatabaseOutdated, match="ponte migrate"), served(postgres_url):
        pass


def test_a_database_of_a_newer_version_is_left_alone(postgres_url: str) -> None:
    migrate.upgrade(postgres_url)
    run(postgres_url, "UPDATE alembic_version SET version_num = '9999'")

    for refused in (migrate.ensure_current, migrate.upgrade):
        with pytest.raises(DatabaseNewer, match="mais novo"):
            refused(postgres_url)
    assert migrate.current(postgres_url) == "9999"


def test_a_database_out_of_reach_is_refused_without_telling_its_password(postgres_url: str) -> None:
    missing = make_url(postgres_url).set(database="none", password="p4ss").render_as_string(hide_password=False)
    nobody = "postgresql://user:p4ss@127.0.0.1:1/ponte"

    for url in (missing, nobody, f"{nobody}?no_such_option=1"):
        for ask in (migrate.current, migrate.ensure_current, migrate.upgrade):
            with pytest.raises(DatabaseRefused, match="PONTE_DATABASE_URL") as refused:
                ask(url)
            assert "p4ss" not in str(refused.value)

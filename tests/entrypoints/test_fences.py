import psycopg

from adapters.storage.migrate import upgrade
from domain.identifiers import InstallationId
from entrypoints.composition.erps import make_fences


async def test_the_fences_reach_the_database_as_the_journal_does(postgres_url: str) -> None:
    """By the name that tells what else their connections are set to: how long a silent server is waited for."""
    upgrade(postgres_url)
    fences = make_fences(postgres_url)
    await fences.open()
    try:
        async with fences.fence(InstallationId("inst-1"), "pbx", concurrency=1, per_minute=None, call_s=8).turn(
            "people"
        ):
            with psycopg.connect(postgres_url) as connection:
                names = connection.execute(
                    "SELECT DISTINCT application_name FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
        assert names == [("ponte",)]
    finally:
        await fences.close()

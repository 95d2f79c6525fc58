"""What is kept of each event, opened: for those who check it."""

from collections.abc import Sequence

from adapters.storage.database_kind import is_postgres
from adapters.storage.history import History
from adapters.storage.postgres_database import open_history
from adapters.storage.seal import Seal
from adapters.storage.sqlite_file import async_reading_engine, database_path
from application.history import Event
from domain.identifiers import InstallationId, Secret

ALL = 10**6


def history_beside(url: str, *keys: Secret) -> History:
    """Reads beside whoever serves from the database."""
    seal = Seal(keys)
    if is_postgres(url):
        return open_history(url, seal)
    return History(engine=async_reading_engine(database_path(url)), seal=seal)


async def recorded(history: History, installation_id: InstallationId, *, newest: int = ALL) -> Sequence[Event]:
    """What was accepted last comes first."""
    rows = (await history.events(installation_id, limit=ALL)).rows
    seqs = sorted((row.seq for row in rows), reverse=True)[:newest]
    events = [await history.event(installation_id, seq) for seq in seqs]
    return [event for event in events if event is not None]

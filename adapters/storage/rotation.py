"""`ponte keys rotate`: everything that is sealed, sealed anew with the first key."""

from collections.abc import Sequence

from sqlalchemy import Column, Engine, select, tuple_, update

from adapters.storage.database_kind import is_postgres
from adapters.storage.migrate import ensure_current
from adapters.storage.seal import Seal
from adapters.storage.sqlite_file import database_path, writing_engine
from adapters.storage.tables import SEALED
from domain.identifiers import Secret

ROWS_AT_ONCE = 200
"""per transaction; a process that serves from a file waits some 20 ms for each"""


def reseal_all(url: str, *, keys: Sequence[Secret]) -> int:
    """How many values were sealed anew. May run beside `ponte serve`, and again after a break-off.

    Whoever serves must know the first key already. `Unsealable` when no key opens a value; what was done until then
    stays done.
    """
    ensure_current(url)
    engine = _engine(url)
    try:
        return sum(_reseal_column(engine, column, Seal(keys)) for column in SEALED)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    if not is_postgres(url):
        return writing_engine(database_path(url), checkpoints=False)
    from adapters.storage.postgres_server import single_use_engine

    return single_use_engine(url)


def _reseal_column(engine: Engine, column: Column[bytes], seal: Seal) -> int:
    table = column.table
    identity = tuple(table.primary_key.columns)
    rows_from_here = (
        select(column, *identity).where(column.is_not(None)).order_by(*identity).limit(ROWS_AT_ONCE).with_for_update()
    )
    here = rows_from_here
    resealed = 0
    while True:
        with engine.begin() as connection:
            rows = connection.execute(here).all()
            for sealed, *values in rows:
                change = update(table).where(*(part == value for part, value in zip(identity, values, strict=True)))
                connection.execute(change.values({column: seal.reseal(sealed)}))
        if not rows:
            return resealed
        resealed += len(rows)
        here = rows_from_here.where(tuple_(*identity) > tuple_(*rows[-1][1:]))

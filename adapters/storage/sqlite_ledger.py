"""What is recorded of entries while they are worked on: one statement of each kind for all that one commit takes along.

As with what arrives (`sqlite_accept.py`): the driver lets go of the interpreter at every statement, and beside a thread
that works it waits long to get it back.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Final, cast

from msgspec import Struct
from sqlalchemy import Connection

from domain.identifiers import EffectKey

ROWS_MAX: Final = 64
"""in one statement. A statement has place for 1, 2, 4 … rows, so that the driver keeps each length ready to run: what is
left over is null, and an entry without a number is none."""

_DONE: Final = """
INSERT INTO effects (entry_seq, key, state, note, at)
SELECT column1, column2, 'done', column3, column4 FROM (VALUES {rows})
WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = column1)
ON CONFLICT (entry_seq, key) DO UPDATE SET state = excluded.state, note = excluded.note, at = excluded.at
"""
_PLAN: Final = """
INSERT INTO effects (entry_seq, key, state, note, at)
SELECT column1, column2, 'planned', column3, column4 FROM (VALUES {rows})
WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = column1)
ON CONFLICT DO NOTHING RETURNING entry_seq, key
"""
# Even a repetition needs room to be recorded: while the disk is full nobody is told the same thing again and again.
_TRY_AGAIN: Final = "UPDATE effects SET at = ? WHERE entry_seq = ? AND key = ? AND state = 'planned'"
_EFFECT: Final = "SELECT state, note FROM effects WHERE entry_seq = ? AND key = ?"
_FORGET: Final = "DELETE FROM effects WHERE entry_seq = ? AND key = ? AND state = 'planned'"
_CONCLUDE: Final = """
UPDATE inbox SET outcome_tag = column2, conclusion = column3, document = column4, protocol = column5, flow = column6,
       cause = column7, state = CASE state WHEN 'finished' THEN state ELSE 'concluded' END
FROM (VALUES {rows}) WHERE seq = column1
"""
# Before the end itself, which is told once.
_KEEP_TRAIL: Final = """
INSERT INTO trails (entry_seq, attempt, at, sealed)
SELECT seq, 1 + coalesce((SELECT max(attempt) FROM trails WHERE entry_seq = seq), 0), column2, column3
FROM (VALUES {rows}) JOIN inbox ON seq = column1 WHERE finished_at IS NULL
"""
_FINISH: Final = """
UPDATE inbox SET state = 'finished', finished_at = column2, flow = coalesce(column3, flow),
       cause = coalesce(column4, cause)
FROM (VALUES {rows}) WHERE seq = column1 AND finished_at IS NULL
"""

Row = tuple[object, ...]


class Effect(Struct, frozen=True, kw_only=True):
    key: EffectKey
    note: bytes | None = None
    """sealed"""


class Change(Struct, frozen=True, kw_only=True):
    """What one call records of one entry at a moment, in the order of these fields. The rows are what the statements
    above take, after the entry's number, and after the moment where it is finished."""

    seq: int
    at: int
    forgotten: EffectKey | None = None
    done: Effect | None = None
    planned: Effect | None = None
    concluded: Row | None = None
    trail: Row | None = None
    finished: Row | None = None

    @property
    def size(self) -> int:
        """What it holds in memory, in bytes, but for numbers and short texts."""
        notes = [effect.note for effect in (self.done, self.planned) if effect is not None]
        columns = [*(self.concluded or ()), *(self.trail or ())]
        return sum(len(sealed) for sealed in (*notes, *columns) if isinstance(sealed, bytes))


class Changed(Struct, frozen=True, kw_only=True):
    fresh: bool = False
    """`planned` was not known before"""
    earlier: tuple[str, bytes | None] | None = None
    """where it is not fresh: the state of the effect, and its sealed note; None where the entry is gone"""


def change(connection: Connection, asked: Sequence[Change]) -> Sequence[Changed]:
    """Of an entry that is concluded twice the last counts, of one that is finished twice the first."""
    driver = driver_of(connection)
    for each in asked:
        if each.forgotten is not None:
            driver.execute(_FORGET, (each.seq, each.forgotten))
    ends = {each.seq: each for each in reversed(asked) if each.finished is not None}.values()
    _all(driver, _DONE, [_row(each, each.done) for each in asked if each.done is not None])
    fresh = set(_all(driver, _PLAN, [_row(each, each.planned) for each in asked if each.planned is not None]))
    concluded = {each.seq: (each.seq, *each.concluded) for each in asked if each.concluded is not None}
    _all(driver, _CONCLUDE, list(concluded.values()))
    _all(driver, _KEEP_TRAIL, [(each.seq, *each.trail) for each in ends if each.trail is not None])
    _all(driver, _FINISH, [(each.seq, each.at, *each.finished) for each in ends if each.finished is not None])
    return [_changed(connection, each, fresh) for each in asked]


def effect(connection: Connection, seq: int, key: EffectKey) -> tuple[str, bytes | None] | None:
    """Its state and its sealed note, where it was begun."""
    found: tuple[str, bytes | None] | None = driver_of(connection).execute(_EFFECT, (seq, key)).fetchone()
    return found


def _changed(connection: Connection, asked: Change, fresh: set[Row]) -> Changed:
    if asked.planned is None:
        return Changed()
    key = asked.planned.key
    if (asked.seq, key) in fresh:
        fresh.remove((asked.seq, key))  # whoever plans it at the same moment comes second
        return Changed(fresh=True)
    driver_of(connection).execute(_TRY_AGAIN, (asked.at, asked.seq, key))
    return Changed(earlier=effect(connection, asked.seq, key))


def driver_of(connection: Connection) -> sqlite3.Connection:
    """What SQLAlchemy does around a statement costs more than most of these."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _row(asked: Change, of: Effect) -> Row:
    return asked.seq, of.key, of.note, asked.at


def _all(driver: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> Sequence[Row]:
    returned: list[Row] = []
    for start in range(0, len(rows), ROWS_MAX):
        some = rows[start : start + ROWS_MAX]
        places, width = 1 << (len(some) - 1).bit_length(), len(some[0])
        values = [value for row in some for value in row] + [None] * (width * (places - len(some)))
        returned += driver.execute(_with_places(statement, places, width), values).fetchall()
    return returned


@cache
def _with_places(statement: str, places: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.format(rows=", ".join([row] * places))

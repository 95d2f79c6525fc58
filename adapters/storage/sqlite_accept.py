"""Storing what arrives: one statement for all that one commit takes along.

The driver lets go of the interpreter with every row that it inserts or returns, and under load it waits long to get it
back. So many rows go in by one statement that returns none: where each of them was new, their numbers follow from the
last one's.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection

from adapters.storage.tables import CONTENT_KEY, to_microseconds
from application.ports import Entry
from domain.identifiers import InstallationId
from domain.notification import Notification, kind_of

ROWS_MAX = 64
"""in one statement: the driver keeps each length of it ready to run, and SQLite bounds its values"""

_NEWEST_OF_KEY = """
SELECT recurrence, accepted_at FROM inbox WHERE installation_id = ? AND event_key = ? ORDER BY recurrence DESC LIMIT 1
"""
_ACCEPT = """
INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state)
VALUES {rows} ON CONFLICT DO NOTHING
"""
_ROW = "(?, ?, ?, ?, ?, ?, ?, 'accepted')"
_LAST = "SELECT seq, installation_id, event_key, recurrence FROM inbox ORDER BY seq DESC LIMIT ?"


class Delivery(Struct, frozen=True, kw_only=True):
    """What one call brings: notifications, each with its sealed payload."""

    installation_id: InstallationId
    arrivals: Sequence[tuple[Notification, bytes]]
    accepted_at: datetime
    window_s: float

    @property
    def size(self) -> int:
        return sum(len(payload) for _, payload in self.arrivals)


class _Key(NamedTuple):
    installation_id: str
    event_key: str
    recurrence: int


class _Row(NamedTuple):
    key: _Key
    notification: Notification
    payload: bytes
    delivery: int
    """its place among the deliveries"""


def store(connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Entry]]:
    """The new entries of each delivery; of equal notifications the first is."""
    stored: list[list[Entry]] = [[] for _ in deliveries]
    rows = _rows(connection, deliveries)
    for start in range(0, len(rows), ROWS_MAX):
        for seq, row in _insert(connection, deliveries, rows[start : start + ROWS_MAX]):
            delivery = deliveries[row.delivery]
            entry = Entry(
                seq=seq,
                installation_id=delivery.installation_id,
                notification=row.notification,
                accepted_at=delivery.accepted_at,
                age_s=0,
                resumed=False,
            )
            stored[row.delivery].append(entry)
    return stored


def _rows(connection: Connection, deliveries: Sequence[Delivery]) -> list[_Row]:
    """All but those whose content was accepted within their window."""
    newest: dict[tuple[str, str], tuple[int, int] | None] = {}
    rows = []
    for place, delivery in enumerate(deliveries):
        for notification, payload in delivery.arrivals:
            recurrence: int | None = 0
            if notification.key.startswith(CONTENT_KEY):
                recurrence = _recurrence(connection, delivery, notification.key, newest)
            if recurrence is not None:
                key = _Key(delivery.installation_id, notification.key, recurrence)
                rows.append(_Row(key, notification, payload, place))
    return rows


def _recurrence(
    connection: Connection, delivery: Delivery, event_key: str, newest: dict[tuple[str, str], tuple[int, int] | None]
) -> int | None:
    """How often a key made from content alone came before; None: within its window. `newest` is told of this one."""
    key, now = (delivery.installation_id, event_key), to_microseconds(delivery.accepted_at)
    if key not in newest:
        row = connection.exec_driver_sql(_NEWEST_OF_KEY, key).first()
        newest[key] = None if row is None else (row.recurrence, row.accepted_at)
    before = newest[key]
    # A clock that was set back must not swallow what a customer asks an hour later.
    if before is not None and abs(now - before[1]) < delivery.window_s * 1_000_000:
        return None
    recurrence = 0 if before is None else before[0] + 1
    newest[key] = (recurrence, now)
    return recurrence


def _insert(connection: Connection, deliveries: Sequence[Delivery], rows: Sequence[_Row]) -> Sequence[tuple[int, _Row]]:
    """The rows that went in, each with its `seq`, in order."""
    values: list[object] = []
    for row in rows:
        values += row.key
        values += (
            kind_of(row.notification),
            row.notification.chat.id,
            to_microseconds(deliveries[row.delivery].accepted_at),
            row.payload,
        )
    done = connection.exec_driver_sql(_accept(len(rows)), tuple(values))
    if done.rowcount == len(rows):
        return list(zip(range(done.lastrowid - len(rows) + 1, done.lastrowid + 1), rows, strict=True))
    seqs = {_Key(*key): seq for seq, *key in connection.exec_driver_sql(_LAST, (done.rowcount,))}
    return [(seq, row) for row in rows if (seq := seqs.pop(row.key, None)) is not None]


@cache
def _accept(rows: int) -> str:
    return _ACCEPT.format(rows=", ".join([_ROW] * rows))

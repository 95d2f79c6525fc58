"""Keeping a request that is answered in the same breath: a row that is finished from the start, so that nobody works it
off, and that effects and a conclusion hang on like on any other."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, Row

from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import unseal_conclusion, unseal_payload
from adapters.storage.tables import CONTENT_KEY, from_microseconds, to_microseconds
from application.ports import Entry
from domain.identifiers import InstallationId
from domain.notification import Notification, kind_of

_NEWEST_OF_KEY = """
SELECT seq, recurrence, accepted_at, payload, conclusion FROM inbox
WHERE installation_id = ? AND event_key = ? ORDER BY recurrence DESC LIMIT 1
"""
_RECORD = """
INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state, shell)
VALUES (?, ?, ?, ?, ?, ?, ?, 'finished', 'flow') RETURNING seq
"""


class Request(Struct, frozen=True, kw_only=True):
    installation_id: InstallationId
    notification: Notification
    payload: bytes
    at: datetime
    window_s: float


def record(connection: Connection, asked: Request, seal: Seal) -> Entry:
    """The entry of the first of its key, or a new one."""
    key, now = asked.notification.key, to_microseconds(asked.at)
    newest = connection.exec_driver_sql(_NEWEST_OF_KEY, (asked.installation_id, key)).first()
    # A clock that was set back must not give an hour's old answer.
    is_new = newest is None or (
        key.startswith(CONTENT_KEY) and abs(now - newest.accepted_at) >= asked.window_s * 1_000_000
    )
    if newest is not None and not is_new:
        return _earlier(newest, asked, seal)
    recurrence = 0 if newest is None else newest.recurrence + 1
    kind, chat_id = kind_of(asked.notification), asked.notification.chat.id
    row = (asked.installation_id, key, recurrence, kind, chat_id, now, asked.payload)
    (seq,) = connection.exec_driver_sql(_RECORD, row).one()
    return Entry(
        seq=seq,
        installation_id=asked.installation_id,
        notification=asked.notification,
        accepted_at=asked.at,
        age_s=0,
        resumed=False,
    )


def _earlier(row: Row[*tuple[object, ...]], asked: Request, seal: Seal) -> Entry:
    concluded = unseal_conclusion(row.conclusion, seal)
    accepted_at = from_microseconds(row.accepted_at)
    return Entry(
        seq=row.seq,
        installation_id=asked.installation_id,
        notification=unseal_payload(row.payload, seal).notification,
        accepted_at=accepted_at,
        age_s=max(0.0, (asked.at - accepted_at).total_seconds()),
        resumed=True,
        outcome=concluded.outcome if concluded else None,
        route=concluded.route if concluded else None,
    )

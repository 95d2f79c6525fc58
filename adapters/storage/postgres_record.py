"""Keeping a request that is answered in the same breath: a row that is finished from the start, so that nobody works it
off, and that effects and a conclusion hang on like on any other.

Of equal requests at the same moment, in whatever processes, the table's own constraint lets one in: the others wait for
its commit and find it.
"""

from collections.abc import Sequence

from adapters.storage.postgres_accept import Row
from adapters.storage.postgres_batches import Statement
from adapters.storage.tables import CONTENT_KEY
from domain.identifiers import InstallationId

_RECORD = """
WITH clock AS MATERIALIZED (SELECT ponte_now() AS now),
     newest AS (
         SELECT recurrence, accepted_at FROM inbox
         WHERE installation_id = %s AND event_key = %s ORDER BY recurrence DESC LIMIT 1
     )
INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state, shell)
SELECT %s, %s, coalesce(newest.recurrence + 1, 0), %s, %s, clock.now, %b, 'finished', 'flow'
FROM clock LEFT JOIN newest ON true
WHERE newest.accepted_at IS NULL
   OR (starts_with(%s, %s) AND abs(clock.now - newest.accepted_at) >= %s::float8 * 1000000)
ON CONFLICT DO NOTHING RETURNING seq
"""
_NEWEST_OF_KEY = """
SELECT seq, accepted_at, payload, conclusion, ponte_now() AS now, true AS touched FROM inbox
WHERE installation_id = %s AND event_key = %s ORDER BY recurrence DESC LIMIT 1
"""


def record(installation_id: InstallationId, row: Row, window_s: float) -> Sequence[Statement]:
    """The first tells the new row's `seq`, if there is one; the second is the row of the key, as `head` reads it."""
    key = row.event_key
    values = (
        *(installation_id, key),
        *(installation_id, key, row.kind, row.chat_id, row.payload),
        *(key, CONTENT_KEY, window_s),
    )
    return [(_RECORD, values), (_NEWEST_OF_KEY, (installation_id, key))]

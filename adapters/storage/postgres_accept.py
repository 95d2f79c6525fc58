"""Storing what arrives: one statement for all that waits, in which the order within each chat is the order of commits.

Two processes, or two connections of one, may accept for one chat at the same moment. Were the row with the lower `seq`
committed last, it would become the head of a chat whose worker already began the other one. So every transaction first
takes a lock for each of its chats (in one order for all, hence without deadlock) and draws its `seq`s only then:
PostgreSQL makes a commit visible before it lets go of the locks, so that whoever draws a higher `seq` for the same chat
comes after the commit of every lower one. The same locks make "is this key new?" a question with one answer.
"""

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from adapters.storage.postgres_server import Session
from adapters.storage.tables import CONTENT_KEY
from domain.identifiers import InstallationId

DELIVERIES_MAX = 128
"""in one transaction; each holds a lock in PostgreSQL's table of locks, which has room for some 6,400"""

# No row comes out, and none draws its `seq`, before `clock` tells the moment: that is when all locks are taken. What
# others committed while they were waited for is too new to be seen as `newest`; then the key that it has is a conflict.
_ACCEPT = """
WITH locked AS MATERIALIZED (SELECT count(pg_advisory_xact_lock(chat)) FROM unnest(%b::bigint[]) AS chat),
     clock AS MATERIALIZED (SELECT ponte_now() AS now FROM locked)
INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state)
SELECT coming.installation_id, coming.event_key, coalesce(newest.recurrence + 1, 0),
       coming.kind, coming.chat_id, clock.now, coming.payload, 'accepted'
FROM clock,
     unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::float8[]) WITH ORDINALITY
         AS coming (installation_id, event_key, kind, chat_id, payload, window_s, place)
     LEFT JOIN LATERAL (
         SELECT recurrence, accepted_at FROM inbox
         WHERE starts_with(coming.event_key, %s)
           AND inbox.installation_id = coming.installation_id AND inbox.event_key = coming.event_key
         ORDER BY recurrence DESC LIMIT 1
     ) AS newest ON true
WHERE newest.accepted_at IS NULL OR abs(clock.now - newest.accepted_at) >= coming.window_s * 1000000
ORDER BY coming.place
ON CONFLICT DO NOTHING
RETURNING installation_id, event_key
"""


class Row(Struct, frozen=True, kw_only=True):
    event_key: str
    kind: str
    chat_id: str
    payload: bytes


class Delivery(Struct, frozen=True, kw_only=True):
    """What one call brings; stored as a whole or not at all."""

    installation_id: InstallationId
    rows: Sequence[Row]
    window_s: float

    @property
    def size(self) -> int:
        return sum(len(row.payload) for row in self.rows)


def store(session: Session, deliveries: Sequence[Delivery]) -> Sequence[int]:
    """How many rows of each delivery were new; of equal ones the first is."""
    coming = [(delivery, row) for delivery in deliveries for row in delivery.rows]
    chats = sorted({_chat_lock(delivery.installation_id, row.chat_id) for delivery, row in coming})
    columns = (
        chats,
        [delivery.installation_id for delivery, _ in coming],
        [row.event_key for _, row in coming],
        [row.kind for _, row in coming],
        [row.chat_id for _, row in coming],
        [row.payload for _, row in coming],
        [delivery.window_s for delivery, _ in coming],
        CONTENT_KEY,
    )
    new = set(session.execute(_ACCEPT, columns).fetchall())
    return [_count_off(delivery, new) for delivery in deliveries]


def _count_off(delivery: Delivery, new: set[tuple[str, str]]) -> int:
    count = 0
    for row in delivery.rows:
        key = (delivery.installation_id, row.event_key)
        if key in new:
            new.remove(key)
            count += 1
    return count


def _chat_lock(installation_id: str, chat_id: str) -> int:
    """The same number in every process; two chats that share one merely wait for each other."""
    digest = blake2b(f"{installation_id}\0{chat_id}".encode(), digest_size=8, person=b"ponte.chat").digest()
    return int.from_bytes(digest, signed=True)

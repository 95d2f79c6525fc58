"""What the server remembers of browsers: found by a hash of an id that only the browser knows, kept sealed."""

import secrets
from datetime import timedelta
from hashlib import blake2b

from sqlalchemy import delete, insert, select, update

from adapters.storage.seal import Seal
from adapters.storage.tables import console_sessions as sessions
from adapters.storage.tables import to_microseconds
from adapters.storage.transactions import Transactions
from application.ports import Clock

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
SEEN_AGAIN_AFTER = timedelta(minutes=1)
"""how much sooner than promised a session may end by idleness, for a write less at every page"""


class KeptSessions:
    """Implements `application.console_ports.Sessions`."""

    def __init__(self, *, reads: Transactions, transactions: Transactions, seal: Seal, clock: Clock) -> None:
        self._reads = reads
        self._transactions = transactions
        self._seal = seal
        self._clock = clock

    async def begin(self, content: bytes) -> str:
        session_id = secrets.token_urlsafe(32)
        now = self._clock.now()
        row = {
            "id_hash": _hash(session_id),
            "sealed": self._seal.seal(content),
            "created_at": to_microseconds(now),
            "seen_at": to_microseconds(now),
            "expires_at": to_microseconds(now + IDLE),
        }
        await self._transactions.run(lambda connection: connection.execute(insert(sessions).values(row)).rowcount)
        return session_id

    async def read(self, session_id: str, *, counts_as_use: bool = True) -> bytes | None:
        id_hash, now = _hash(session_id), to_microseconds(self._clock.now())
        living = select(sessions).where(sessions.c.id_hash == id_hash, sessions.c.expires_at > now)
        row = await self._reads.run(lambda connection: connection.execute(living).one_or_none())
        if row is None:
            return None
        if counts_as_use and now - row.seen_at >= SEEN_AGAIN_AFTER // timedelta(microseconds=1):
            ends_at = min(
                now + IDLE // timedelta(microseconds=1), row.created_at + LONGEST // timedelta(microseconds=1)
            )
            seen = update(sessions).where(sessions.c.id_hash == id_hash).values(seen_at=now, expires_at=ends_at)
            await self._transactions.run(lambda connection: connection.execute(seen).rowcount)
        return self._seal.unseal(row.sealed)

    async def keep(self, session_id: str, content: bytes) -> None:
        now = to_microseconds(self._clock.now())
        living = update(sessions).where(sessions.c.id_hash == _hash(session_id), sessions.c.expires_at > now)
        kept = living.values(sealed=self._seal.seal(content))
        await self._transactions.run(lambda connection: connection.execute(kept).rowcount)

    async def end(self, session_id: str) -> None:
        ended = delete(sessions).where(sessions.c.id_hash == _hash(session_id))
        await self._transactions.run(lambda connection: connection.execute(ended).rowcount)


def _hash(session_id: str) -> bytes:
    return blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=32).digest()

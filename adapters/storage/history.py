"""What the console reads: the audit of every notification, and what was not understood.

Read-only and beside the writer: a long query here delays nobody who is being answered.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Row, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import Select

from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import unseal_conclusion, unseal_payload
from adapters.storage.tables import from_microseconds, inbox, unknown
from application.failures import Unavailable
from domain.action import Route
from domain.identifiers import ChatId, InstallationId, Personal
from domain.notification import Notification
from domain.outcome import Outcome


class Recorded(Personal, frozen=True, kw_only=True):
    """One accepted notification and what became of it."""

    safe = ("seq", "accepted_at", "finished_at")

    seq: int
    notification: Notification
    raw: bytes
    accepted_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    route: Route | None


class KeptUnknown(Struct, frozen=True, kw_only=True):
    """What Huggy sent and nobody understood: the first sample, redacted, and how often it came."""

    reason: str
    event: str
    occurrences: int
    sample: bytes
    first_at: datetime
    last_at: datetime


class History:
    """May be asked on any event loop. `Unavailable` when the database can't be read."""

    def __init__(self, *, engine: AsyncEngine, seal: Seal) -> None:
        self._engine = engine
        self._seal = seal

    async def recent(
        self,
        installation_id: InstallationId,
        *,
        chat_id: ChatId | None = None,
        before_seq: int | None = None,
        limit: int = 50,
    ) -> Sequence[Recorded]:
        """The newest first; `before_seq` goes on after an earlier page."""
        query = select(inbox).where(inbox.c.installation_id == installation_id).order_by(inbox.c.seq.desc())
        if chat_id is not None:
            query = query.where(inbox.c.chat_id == chat_id)
        if before_seq is not None:
            query = query.where(inbox.c.seq < before_seq)
        return [self._recorded(row) for row in await self._rows(query.limit(limit))]

    async def unknown(self, installation_id: InstallationId) -> Sequence[KeptUnknown]:
        """What came last first."""
        query = select(unknown).where(unknown.c.installation_id == installation_id)
        return [
            KeptUnknown(
                reason=row.reason,
                event=row.event,
                occurrences=row.occurrences,
                sample=self._seal.unseal(row.sample),
                first_at=from_microseconds(row.first_at),
                last_at=from_microseconds(row.last_at),
            )
            for row in await self._rows(query.order_by(unknown.c.last_at.desc(), unknown.c.reason, unknown.c.event))
        ]

    async def _rows(self, query: Select[*tuple[object, ...]]) -> Sequence[Row[*tuple[object, ...]]]:
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).all()
        except DBAPIError:
            raise Unavailable("storage.failed", "the database could not read") from None

    def _recorded(self, row: Row[*tuple[object, ...]]) -> Recorded:
        payload = unseal_payload(row.payload, self._seal)
        concluded = unseal_conclusion(row.conclusion, self._seal)
        return Recorded(
            seq=row.seq,
            notification=payload.notification,
            raw=payload.raw,
            accepted_at=from_microseconds(row.accepted_at),
            finished_at=None if row.finished_at is None else from_microseconds(row.finished_at),
            outcome=concluded.outcome if concluded else None,
            route=concluded.route if concluded else None,
        )

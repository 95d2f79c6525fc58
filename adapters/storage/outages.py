"""The registry of outages in either database: those that stand are in memory, and a counter tells when they changed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, Engine, or_, select
from sqlalchemy.sql import Select

from adapters.storage.outage_rows import (
    any_lapsing,
    change_outage,
    count_told,
    decode_outage,
    get_outage,
    recent_outages,
    take_lapsing,
    tell_chat,
)
from adapters.storage.revision_cache import Revised, RevisionCache
from adapters.storage.seal import Seal
from adapters.storage.tables import outages, outages_revision, to_microseconds
from adapters.storage.transactions import Transactions
from application.outage_ports import ChangeOutage, Lapse, Told
from application.ports import Clock
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId

JUST_ENDED = timedelta(hours=1)
_REVISION = select(outages_revision.c.value)


class _Snapshot(Revised, frozen=True, kw_only=True):
    by_installation: Mapping[InstallationId, Sequence[DeclaredOutage]] = {}


class StoredOutages:
    """Implements `application.outage_ports.OutageRegistry`. May be asked on any event loop.

    A change by another process may go unseen for `fresh_for_s`; this process's own are seen at once. `waits`: a look at
    the database may take its time, so it is taken on a thread.
    """

    def __init__(
        self,
        *,
        transactions: Transactions,
        reads: Transactions,
        reader: Engine,
        seal: Seal,
        clock: Clock,
        fresh_for_s: float,
        waits: bool,
    ) -> None:
        self._transactions = transactions
        self._reads = reads
        self._seal = seal
        self._clock = clock
        self._waits = waits
        self._cache = RevisionCache(
            reader, revision=_REVISION, first=_Snapshot(), read=self._read, clock=clock, fresh_for_s=fresh_for_s
        )

    async def standing(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        now = self._clock.now()
        return [each for each in await self._current(installation_id) if each.stands(now)]

    async def just_ended(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        now = self._clock.now()
        return [
            each
            for each in await self._current(installation_id)
            if each.ended_at is not None and now - JUST_ENDED < each.ended_at <= now < each.expires_at
        ]

    async def recent(self, installation_id: InstallationId, *, limit: int = 50) -> Sequence[DeclaredOutage]:
        return await self._reads.run(lambda connection: recent_outages(connection, installation_id, limit, self._seal))

    async def get(self, installation_id: InstallationId, outage_id: OutageId) -> DeclaredOutage | None:
        return await self._reads.run(lambda connection: get_outage(connection, installation_id, outage_id, self._seal))

    async def change(
        self, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage
    ) -> DeclaredOutage | None:
        def commit(connection: Connection) -> DeclaredOutage | None:
            return change_outage(connection, installation_id, outage_id, change, self._seal)

        try:
            return await self._transactions.run(commit)
        finally:
            self._cache.outdated()

    async def tell(
        self, installation_id: InstallationId, chat_id: ChatId, outage: Outage, by: NotificationKey, *, closes: bool
    ) -> bool:
        now = self._clock.now()
        return await self._transactions.run(
            lambda connection: tell_chat(connection, installation_id, chat_id, outage, by, closes=closes, now=now)
        )

    async def told(self, installation_id: InstallationId) -> Mapping[OutageId, Told]:
        return await self._reads.run(lambda connection: count_told(connection, installation_id))

    async def lapsing(self) -> Sequence[Lapse]:
        now = self._clock.now()
        if not await self._reads.run(lambda connection: any_lapsing(connection, now)):
            return ()
        return await self._transactions.run(lambda connection: take_lapsing(connection, now, self._seal))

    async def _current(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        known = self._cache.fresh()
        if known is None:
            known = await asyncio.to_thread(self._cache.current) if self._waits else self._cache.current()
        return known.by_installation.get(installation_id, ())

    def _read(self, connection: Connection, revision: int, _: _Snapshot) -> _Snapshot:
        by_installation: dict[InstallationId, list[DeclaredOutage]] = {}
        for row in connection.execute(self._unexpired()):
            outage = decode_outage(self._seal.unseal(row.sealed))
            by_installation.setdefault(InstallationId(row.installation_id), []).append(outage)
        return _Snapshot(revision=revision, by_installation=by_installation)

    def _unexpired(self) -> Select[str, bytes]:
        """What may stand or has just ended, until the next change."""
        now = self._clock.now()
        return (
            select(outages.c.installation_id, outages.c.sealed)
            .where(
                outages.c.expires_at > to_microseconds(now),
                or_(outages.c.ended_at.is_(None), outages.c.ended_at > to_microseconds(now - JUST_ENDED)),
            )
            .order_by(outages.c.started_at, outages.c.id)
        )

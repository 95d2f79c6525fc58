"""Taking away what has been kept long enough, so little at a time that nobody who is being answered waits for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    exists,
    literal,
    or_,
    select,
    text,
    tuple_,
)

from adapters.storage.tables import (
    console_sessions,
    inbox,
    installations,
    notices,
    outage_tellings,
    outages,
    problems,
    to_microseconds,
    unknown,
)
from adapters.storage.transactions import Transactions
from domain.identifiers import InstallationId

FINISHED = text("state = 'finished'")
ASIDE: tuple[Column[int], ...] = (
    notices.c.created_at,
    problems.c.over_at,
    unknown.c.last_at,
    outage_tellings.c.at,
    outages.c.ended_at,
)
"""what is kept besides the events, by the moment that tells its age; none yet: it is not over"""


class StoredRetention:
    """Implements `application.history.Retention`, in either database. Of several processes none waits for another."""

    def __init__(self, *, transactions: Transactions, reads: Transactions) -> None:
        """`reads` are asked nothing but who keeps something old: no commit waits for that."""
        self._transactions = transactions
        self._reads = reads

    async def with_old(self, installation_ids: Sequence[InstallationId], before: datetime) -> Sequence[InstallationId]:
        cut = to_microseconds(before)
        old_events = exists().where(_is_old_event(installations.c.id, cut))
        old_aside = [
            exists().where(moment.table.c.installation_id == installations.c.id, moment < cut) for moment in ASIDE
        ]
        some = select(installations.c.id).where(installations.c.id.in_(installation_ids), or_(old_events, *old_aside))
        return await self._reads.run(
            lambda connection: [InstallationId(each) for each in connection.execute(some).scalars()]
        )

    async def forget_events(self, installation_id: InstallationId, before: datetime, *, most: int) -> int:
        old = (
            select(inbox.c.seq)
            .where(_is_old_event(literal(installation_id), to_microseconds(before)))
            .order_by(inbox.c.accepted_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return await self._run(old)

    async def forget_aside(self, installation_id: InstallationId, before: datetime, *, most: int) -> int:
        return max([await self._forget_old(moment, installation_id, before, most) for moment in ASIDE])

    async def _forget_old(
        self, moment: Column[int], installation_id: InstallationId, before: datetime, most: int
    ) -> int:
        table = moment.table
        old = (
            select(*table.primary_key.columns)
            .where(table.c.installation_id == installation_id, moment < to_microseconds(before))
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return await self._run(old)

    async def forget_sessions(self, before: datetime, *, most: int) -> int:
        over = (
            select(console_sessions.c.id_hash)
            .where(console_sessions.c.expires_at < to_microseconds(before))
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return await self._run(over)

    async def _run(self, chosen: Select[*tuple[Any, ...]]) -> int:
        """Chosen by primary key first, then deleted: inside one statement PostgreSQL may choose anew for every row, and
        so take more than it was told to."""
        identity = tuple(chosen.selected_columns)
        (table,) = chosen.get_final_froms()

        def forget(connection: Connection) -> int:
            keys = [tuple(row) for row in connection.execute(chosen)]
            if not keys:
                return 0
            return connection.execute(delete(cast("Table", table)).where(tuple_(*identity).in_(keys))).rowcount

        return await self._transactions.run(forget)


def _is_old_event(installation_id: ColumnElement[str], cut: int) -> ColumnElement[bool]:
    return and_(inbox.c.installation_id == installation_id, inbox.c.accepted_at < cut, FINISHED)

"""Taking away what has been kept long enough, so little at a time that nobody who is being answered waits for it."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Connection, Select, Table, delete, select, text, tuple_

from adapters.storage.tables import (
    console_sessions,
    inbox,
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

    def __init__(self, *, transactions: Transactions) -> None:
        self._transactions = transactions

    async def forget_events(self, installation_id: InstallationId, before: datetime, *, most: int) -> int:
        old = (
            select(inbox.c.seq)
            .where(inbox.c.installation_id == installation_id, inbox.c.accepted_at < to_microseconds(before), FINISHED)
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

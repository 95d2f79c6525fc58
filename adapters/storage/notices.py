"""What the provider's people were told and what waits to be sent, in either database; the words are sealed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, Row, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import Select

from adapters.storage.seal import Seal
from adapters.storage.tables import from_microseconds, inbox, installations, notices, to_microseconds
from adapters.storage.transactions import Transactions
from adapters.storage.waiting import failed_to_read
from application.notice_ports import KeptNotice, NewNotice
from domain.identifiers import InstallationId
from domain.notice import Letter, NoticeKind

_letter = msgspec.json.Decoder(Letter).decode


class StoredNotices:
    """Implements `application.notice_ports.Notices`. May be asked on any event loop."""

    def __init__(self, *, transactions: Transactions, reads: AsyncEngine, seal: Seal) -> None:
        self._transactions = transactions
        self._reads = reads
        self._seal = seal

    async def keep(self, notice: NewNotice) -> bool:
        return await self._transactions.run(insert_notice(notice, self._seal))

    async def take(self, now: datetime, *, lease_s: float) -> KeptNotice | None:
        due = (
            select(notices.c.id)
            .where(notices.c.next_try_at <= to_microseconds(now))
            .order_by(notices.c.next_try_at, notices.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        lease = (
            update(notices)
            .where(notices.c.id == due.scalar_subquery())
            .values(next_try_at=to_microseconds(now + timedelta(seconds=lease_s)), tries=notices.c.tries + 1)
            .returning(notices)
        )
        row = await self._transactions.run(lambda connection: connection.execute(lease).one_or_none())
        return None if row is None else self._kept(row)

    async def sent(self, notice: KeptNotice, at: datetime) -> None:
        await self._change(notice, next_try_at=None, sent_at=to_microseconds(at), failure=None)

    async def failed(self, notice: KeptNotice, cause: str, next_try_at: datetime | None) -> None:
        again_at = None if next_try_at is None else to_microseconds(next_try_at)
        await self._change(notice, next_try_at=again_at, failure=cause)

    async def recent(
        self, installation_id: InstallationId, *, before_id: int | None = None, limit: int = 50
    ) -> Sequence[KeptNotice]:
        query = select(notices).where(notices.c.installation_id == installation_id).order_by(notices.c.id.desc())
        if before_id is not None:
            query = query.where(notices.c.id < before_id)
        return [self._kept(row) for row in await self._rows(query.limit(limit))]

    async def tally(self, installation_id: InstallationId, start: datetime, end: datetime) -> Mapping[str, int]:
        query = (
            select(func.coalesce(inbox.c.outcome_tag, "").label("tag"), func.count().label("times"))
            .where(
                inbox.c.installation_id == installation_id,
                inbox.c.accepted_at >= to_microseconds(start),
                inbox.c.accepted_at < to_microseconds(end),
            )
            .group_by(inbox.c.outcome_tag)
        )
        return {row.tag: row.times for row in await self._rows(query)}

    async def _change(self, notice: KeptNotice, **values: object) -> None:
        change = update(notices).where(notices.c.id == notice.id).values(**values)
        await self._transactions.run(lambda connection: connection.execute(change).close())

    async def _rows(self, query: Select[*tuple[object, ...]]) -> Sequence[Row[*tuple[object, ...]]]:
        try:
            async with self._reads.connect() as connection:
                return (await connection.execute(query)).all()
        except DBAPIError:
            raise failed_to_read() from None

    def _kept(self, row: Row[*tuple[object, ...]]) -> KeptNotice:
        return KeptNotice(
            id=row.id,
            installation_id=InstallationId(row.installation_id),
            kind=NoticeKind(row.kind),
            cause=row.cause,
            letter=_letter(self._seal.unseal(row.sealed)),
            created_at=from_microseconds(row.created_at),
            next_try_at=None if row.next_try_at is None else from_microseconds(row.next_try_at),
            tries=row.tries,
            sent_at=None if row.sent_at is None else from_microseconds(row.sent_at),
            failure=row.failure or "",
        )


def insert_notice(notice: NewNotice, seal: Seal) -> Callable[[Connection], bool]:
    """To be done inside a transaction: whether it is kept; not if its installation is gone, or the day has its digest."""
    row = {
        "installation_id": notice.installation_id,
        "kind": notice.kind.value,
        "cause": notice.cause,
        "sealed": seal.seal(msgspec.json.encode(notice.letter)),
        "created_at": to_microseconds(notice.created_at),
        "next_try_at": None if notice.next_try_at is None else to_microseconds(notice.next_try_at),
        "tries": 0,
    }
    wanted = select(*(literal(value, notices.c[name].type) for name, value in row.items())).where(
        exists().where(installations.c.id == notice.installation_id)
    )

    def insert(connection: Connection) -> bool:
        into = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        kept = into(notices).from_select(list(row), wanted).on_conflict_do_nothing().returning(notices.c.id)
        return connection.execute(kept).first() is not None

    return insert

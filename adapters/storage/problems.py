"""What keeps failing, by provider and cause, in either database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.storage.notices import insert_notice
from adapters.storage.seal import Seal
from adapters.storage.tables import from_microseconds, problems, to_microseconds
from adapters.storage.transactions import Transactions
from adapters.storage.waiting import failed_to_read
from application.notice_ports import NewNotice
from domain.identifiers import InstallationId
from domain.problem import Occurrences, Problem

# `domain.problem.recur`, in the database's own words: several processes count at once.
_COUNT = text("""
INSERT INTO problems (installation_id, cause, occurrences, first_at, last_at, tellings)
SELECT :installation_id, :cause, :count, :first_at, :last_at, 0
WHERE EXISTS (SELECT 1 FROM installations WHERE id = :installation_id)
ON CONFLICT (installation_id, cause) DO UPDATE SET
    occurrences = excluded.occurrences + CASE WHEN problems.over_at IS NULL THEN problems.occurrences ELSE 0 END,
    first_at = CASE WHEN problems.over_at IS NULL THEN problems.first_at ELSE excluded.first_at END,
    last_at = excluded.last_at,
    tellings = CASE WHEN problems.over_at IS NULL THEN problems.tellings ELSE 0 END,
    told_at = CASE WHEN problems.over_at IS NULL THEN problems.told_at END,
    over_at = NULL
""")


class StoredProblems:
    """Implements `application.notice_ports.Problems`. May be asked on any event loop."""

    def __init__(self, *, transactions: Transactions, reads: AsyncEngine, seal: Seal) -> None:
        self._transactions = transactions
        self._reads = reads
        self._seal = seal

    async def count(self, seen: Sequence[Occurrences]) -> None:
        # In one order, so that processes that count the same causes do not wait for each other in a circle.
        rows = [_counted(each) for each in sorted(seen, key=lambda each: (each.installation_id, each.cause))]
        if rows:
            await self._transactions.run(lambda connection: connection.execute(_COUNT, rows).close())

    async def open(self) -> Sequence[Problem]:
        query = select(problems).where(problems.c.over_at.is_(None)).order_by(problems.c.first_at)
        return await self._transactions.run(lambda connection: [_problem(row) for row in connection.execute(query)])

    async def settle(self, before: Problem, after: Problem, notice: NewNotice | None) -> bool:
        change = update(problems).where(
            problems.c.installation_id == before.installation_id,
            problems.c.cause == before.cause,
            problems.c.first_at == to_microseconds(before.first_at),
            problems.c.tellings == before.tellings,
            problems.c.over_at.is_(None),
        )
        if after.over_at is not None:
            change = change.where(problems.c.last_at == to_microseconds(before.last_at))
        change = change.values(
            tellings=after.tellings, told_at=_microseconds(after.told_at), over_at=_microseconds(after.over_at)
        )
        insert = None if notice is None else insert_notice(notice, self._seal)

        def keep(connection: Connection) -> bool:
            if connection.execute(change).rowcount == 0:
                return False
            if insert is not None:
                insert(connection)
            return True

        return await self._transactions.run(keep)

    async def of(self, installation_id: InstallationId) -> Sequence[Problem]:
        goes_on_first = func.coalesce(problems.c.over_at, 0) > 0
        query = (
            select(problems)
            .where(problems.c.installation_id == installation_id)
            .order_by(goes_on_first, problems.c.last_at.desc(), problems.c.cause)
        )
        try:
            async with self._reads.connect() as connection:
                return [_problem(row) for row in (await connection.execute(query)).all()]
        except DBAPIError:
            raise failed_to_read() from None

    async def mute(self, installation_id: InstallationId, cause: str, until: datetime | None) -> bool:
        change = (
            update(problems)
            .where(problems.c.installation_id == installation_id, problems.c.cause == cause)
            .values(muted_until=_microseconds(until))
        )
        return await self._transactions.run(lambda connection: connection.execute(change).rowcount > 0)


def _counted(seen: Occurrences) -> dict[str, object]:
    return {
        "installation_id": seen.installation_id,
        "cause": seen.cause,
        "count": seen.count,
        "first_at": to_microseconds(seen.first_at),
        "last_at": to_microseconds(seen.last_at),
    }


def _problem(row: Row[*tuple[object, ...]]) -> Problem:
    return Problem(
        installation_id=InstallationId(row.installation_id),
        cause=row.cause,
        occurrences=row.occurrences,
        first_at=from_microseconds(row.first_at),
        last_at=from_microseconds(row.last_at),
        tellings=row.tellings,
        told_at=_moment(row.told_at),
        over_at=_moment(row.over_at),
        muted_until=_moment(row.muted_until),
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)

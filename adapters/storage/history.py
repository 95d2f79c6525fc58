"""What the console reads: the audit of every notification, and what was not understood.

Read-only and beside the writer: a long query here delays nobody who is being answered.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.storage import figures
from adapters.storage.event_rows import PLAIN, Narrowed, read_row
from adapters.storage.questions import Questions
from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import unseal_conclusion, unseal_payload, unseal_steps
from adapters.storage.tables import effects, from_microseconds, inbox, trails, unknown
from adapters.storage.waiting import failed_to_read
from application.history import (
    Attempt,
    Bucket,
    Changes,
    Cursor,
    EffectRow,
    Event,
    EventRow,
    Filters,
    Glance,
    Health,
    KeptUnknown,
    Mark,
    Page,
    ProblemGroup,
)
from application.ports import EffectState
from domain.identifiers import EffectKey, InstallationId
from domain.resend_key import Lineage
from domain.tax_id import TaxId, read_document

ALL = Filters()
OPENED_AT_ONCE, OPENED_MAX = 250, 5000
"""payloads, to find the events of one document among those that share its last digits"""
JOINED_WITHIN = 5_000_000
"""microseconds within which an event may appear behind one that was accepted later"""
CHANGES_MAX = 500
_SEPARATORS = str.maketrans("", "", " ./-")


class History:
    """Implements `application.history.History`."""

    def __init__(self, *, engine: AsyncEngine, seal: Seal) -> None:
        self._engine = engine
        self._seal = seal

    async def events(
        self,
        installation_id: InstallationId,
        filters: Filters = ALL,
        *,
        older_than: Cursor | None = None,
        newer_than: Cursor | None = None,
        limit: int = 50,
    ) -> Page:
        async with self._questions() as ask:
            narrowed = Narrowed(
                installation_id,
                filters,
                older=older_than,
                newer=newer_than,
                unfinished=ask.unfinished(installation_id),
            )
            if narrowed.finds_nothing:
                return Page(rows=(), newer=None, older=None)
            if narrowed.document is not None:
                found = await self._of_document(ask, narrowed, narrowed.document, limit + 1)
            else:
                found = [read_row(row) for row in await ask(narrowed.query(limit + 1))]
        rows = tuple(narrowed.newest_first(found[:limit]))
        more = len(found) > limit
        goes_newer = more if newer_than is not None else older_than is not None
        goes_older = more if newer_than is None else True
        return Page(
            rows=rows,
            newer=rows[0].cursor if rows and goes_newer else None,
            older=rows[-1].cursor if rows and goes_older else None,
        )

    async def event(self, installation_id: InstallationId, seq: int) -> Event | None:
        one = select(inbox).where(inbox.c.installation_id == installation_id, inbox.c.seq == seq)
        async with self._questions() as ask:
            found = await ask(one)
            if not found:
                return None
            row = read_row(found[0])
            payload = unseal_payload(found[0].payload, self._seal)
            concluded = unseal_conclusion(found[0].conclusion, self._seal)
            return Event(
                row=row,
                notification=payload.notification,
                raw=payload.raw,
                outcome=concluded.outcome if concluded else None,
                route=concluded.route if concluded else None,
                effects=await _effects(ask, seq),
                attempts=await self._attempts(ask, seq),
                chain=tuple(await _chain(ask, installation_id, row)),
            )

    async def chain(self, installation_id: InstallationId, row: EventRow) -> Sequence[EventRow]:
        async with self._questions() as ask:
            return await _chain(ask, installation_id, row)

    async def changes(self, installation_id: InstallationId, after: Mark | None) -> Changes:
        ours = inbox.c.installation_id == installation_id
        async with self._questions() as ask:
            if after is None:
                ((at,),) = await ask(select(func.max(inbox.c.accepted_at)).where(ours))
                at = 0 if at is None else at
                unfinished = select(ask.unfinished(installation_id).c.seq).limit(CHANGES_MAX)
                waiting = [row.seq for row in await ask(unfinished)]
                return Changes(rows=(), mark=_mark(at, await _newest(ask, installation_id, at), waiting))
            newest = await _newest(ask, installation_id, after.at)
            watched = select(*PLAIN).where(ours, inbox.c.seq.in_(after.waiting))
            went_on = [read_row(row) for row in await ask(watched)] if after.waiting else []
        told = set(after.told)
        new = [row for row in newest if row.seq not in told]
        rows = {row.seq: row for row in (*went_on, *new) if row.finished_at is not None or row in new}
        waiting = [row.seq for row in (*went_on, *new) if row.finished_at is None]
        return Changes(
            rows=tuple(sorted(rows.values(), key=lambda row: row.seq)), mark=_mark(after.at, newest, waiting)
        )

    async def health(self, installation_id: InstallationId, now: datetime) -> Health:
        async with self._questions() as ask:
            return await figures.health(ask, installation_id, now)

    async def glances(
        self, installation_ids: Sequence[InstallationId], now: datetime
    ) -> Mapping[InstallationId, Glance]:
        async with self._questions() as ask:
            return await figures.glances(ask, installation_ids, now)

    async def series(
        self, installation_id: InstallationId, *, start: datetime, width: timedelta, buckets: int
    ) -> Sequence[Bucket]:
        async with self._questions() as ask:
            return await figures.series(ask, installation_id, start=start, width=width, buckets=buckets)

    async def problems(self, installation_id: InstallationId) -> Sequence[ProblemGroup]:
        async with self._questions() as ask:
            return await figures.problems(ask, installation_id)

    async def unknown(self, installation_id: InstallationId) -> Sequence[KeptUnknown]:
        """What came last first."""
        query = select(unknown).where(unknown.c.installation_id == installation_id)
        async with self._questions() as ask:
            rows = await ask(query.order_by(unknown.c.last_at.desc(), unknown.c.reason, unknown.c.event))
        return [
            KeptUnknown(
                reason=row.reason,
                event=row.event,
                occurrences=row.occurrences,
                sample=self._seal.unseal(row.sample),
                first_at=from_microseconds(row.first_at),
                last_at=from_microseconds(row.last_at),
            )
            for row in rows
        ]

    async def _of_document(self, ask: Questions, narrowed: Narrowed, document: TaxId, limit: int) -> list[EventRow]:
        found: list[EventRow] = []
        after: Cursor | None = None
        for _ in range(OPENED_MAX // OPENED_AT_ONCE):
            rows = await ask(narrowed.query(OPENED_AT_ONCE, after=after))
            found += [read_row(row) for row in rows if self._names(row.payload, document)]
            if len(rows) < OPENED_AT_ONCE or len(found) >= limit:
                break
            after = read_row(rows[-1]).cursor
        return found[:limit]

    def _names(self, payload: bytes, document: TaxId) -> bool:
        typed = unseal_payload(payload, self._seal).notification.document
        if typed.isascii() and document.plain[-6:] not in typed.upper().translate(_SEPARATORS):
            return False  # most of those that share the last digits, told apart at a fifth of the price
        return read_document(typed) == document

    async def _attempts(self, ask: Questions, seq: int) -> tuple[Attempt, ...]:
        query = select(trails).where(trails.c.entry_seq == seq).order_by(trails.c.attempt)
        return tuple(
            Attempt(number=row.attempt, at=from_microseconds(row.at), steps=unseal_steps(row.sealed, self._seal))
            for row in await ask(query)
        )

    @asynccontextmanager
    async def _questions(self) -> AsyncIterator[Questions]:
        """One connection for the questions of the block."""
        try:
            async with self._engine.connect() as connection:
                yield Questions(connection)
        except DBAPIError:
            raise failed_to_read() from None


async def _chain(ask: Questions, installation_id: InstallationId, row: EventRow) -> Sequence[EventRow]:
    lineage = Lineage(row.key, row.seq)
    ours = select(*PLAIN).where(inbox.c.installation_id == installation_id)
    found = list(await ask(ours.where(inbox.c.event_key.in_(lineage.keys))))
    if lineage.first_seq is not None:
        found += await ask(ours.where(inbox.c.seq == lineage.first_seq))
    return sorted(map(read_row, found), key=lambda each: Lineage(each.key, each.seq).number)


async def _effects(ask: Questions, seq: int) -> tuple[EffectRow, ...]:
    query = select(effects.c.key, effects.c.state, effects.c.at).where(effects.c.entry_seq == seq)
    return tuple(
        EffectRow(
            key=EffectKey(row.key),
            state=EffectState.DONE if row.state == "done" else EffectState.DOUBTFUL,
            at=from_microseconds(row.at),
        )
        for row in await ask(query.order_by(effects.c.at, effects.c.key))
    )


async def _newest(ask: Questions, installation_id: InstallationId, since: int) -> list[EventRow]:
    """Oldest first."""
    query = select(*PLAIN).where(
        inbox.c.installation_id == installation_id, inbox.c.accepted_at >= since - JOINED_WITHIN
    )
    rows = await ask(query.order_by(inbox.c.accepted_at.desc(), inbox.c.seq.desc()).limit(CHANGES_MAX))
    return [read_row(row) for row in reversed(rows)]


def _mark(at: int, newest: Sequence[EventRow], waiting: Iterable[int]) -> Mark:
    at = max((at, *(row.cursor.at for row in newest)))
    told = (row.seq for row in newest if row.cursor.at >= at - JOINED_WITHIN)
    return Mark(at=at, told=tuple(told), waiting=tuple(dict.fromkeys(waiting))[-CHANGES_MAX:])

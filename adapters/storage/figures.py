"""An installation's figures, from indexes where there is one: what the status card and the sparklines show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Row, func, literal, select, union_all
from sqlalchemy.sql import Select

from adapters.storage.event_rows import FAILED
from adapters.storage.questions import Questions
from adapters.storage.tables import from_microseconds, inbox, to_microseconds
from application.history import Bucket, Glance, Health, ProblemGroup
from domain.identifiers import InstallationId

SAMPLE = 2000
"""the newest finished events from which percentiles are taken"""
DAY = timedelta(hours=24)
MICROSECOND = timedelta(microseconds=1)

END = 2**62
"""microseconds; later than anything"""

Columns = TypeVarTuple("Columns")


async def health(ask: Questions, installation_id: InstallationId, now: datetime) -> Health:
    ours, start = inbox.c.installation_id == installation_id, to_microseconds(now - DAY)
    lately = inbox.c.accepted_at >= start
    ((last,),) = await ask(select(func.max(inbox.c.accepted_at)).where(ours))
    ((events,),) = await ask(select(func.count()).select_from(inbox).where(ours, lately))
    ((failed,),) = await ask(_failed(select(func.count()), ours, start))
    waiting = [row.accepted_at for row in await ask(select(ask.unfinished(installation_id).c.accepted_at))]
    newest = (
        select(inbox.c.finished_at - inbox.c.accepted_at)
        .where(ours, inbox.c.accepted_at >= start, inbox.c.finished_at.is_not(None))
        .order_by(inbox.c.accepted_at.desc())
        .limit(SAMPLE)
    )
    took = sorted(max(0, microseconds) / 1000 for (microseconds,) in await ask(newest))
    finished = events - sum(accepted_at >= start for accepted_at in waiting)
    return Health(
        last_event_at=None if last is None else from_microseconds(last),
        events=events,
        failed=failed,
        success=max(0.0, 1 - failed / finished) if finished > 0 else None,
        p50_ms=_percentile(took, 0.5),
        p95_ms=_percentile(took, 0.95),
        waiting=len(waiting),
        oldest_waiting_at=from_microseconds(min(waiting)) if waiting else None,
    )


async def glances(
    ask: Questions, installation_ids: Sequence[InstallationId], now: datetime
) -> Mapping[InstallationId, Glance]:
    """Two questions for all of them."""
    if not installation_ids:
        return {}
    start = to_microseconds(now - DAY)
    seen = await ask(union_all(*(_glance(id_, start) for id_ in installation_ids)))
    waiting = {row.installation_id: row for row in await ask(ask.waiting(installation_ids, since=start))}
    return {InstallationId(row.installation_id): _glanced(row, waiting.get(row.installation_id)) for row in seen}


def _glance(installation_id: InstallationId, start: int) -> Select[*tuple[Any, ...]]:
    ours = inbox.c.installation_id == installation_id
    last = select(func.max(inbox.c.accepted_at)).where(ours)
    events = select(func.count()).select_from(inbox).where(ours, inbox.c.accepted_at >= start)
    failed = _failed(select(func.count()), ours, start)
    return select(
        literal(installation_id).label("installation_id"),
        last.scalar_subquery().label("last_at"),
        events.scalar_subquery().label("events"),
        failed.scalar_subquery().label("failed"),
    )


def _glanced(seen: Row[*tuple[Any, ...]], waiting: Row[*tuple[Any, ...]] | None) -> Glance:
    finished = seen.events - (waiting.lately if waiting is not None else 0)
    return Glance(
        last_event_at=None if seen.last_at is None else from_microseconds(seen.last_at),
        success=max(0.0, 1 - seen.failed / finished) if finished > 0 else None,
        waiting=waiting.waiting if waiting is not None else 0,
    )


async def series(
    ask: Questions, installation_id: InstallationId, *, start: datetime, width: timedelta, buckets: int
) -> Sequence[Bucket]:
    ours, begin, step = inbox.c.installation_id == installation_id, to_microseconds(start), width // MICROSECOND
    counts = [
        select(literal(number).label("number"), func.count().label("events"))
        .select_from(inbox)
        .where(ours, inbox.c.accepted_at >= begin + number * step, inbox.c.accepted_at < begin + (number + 1) * step)
        for number in range(buckets)
    ]
    events = {row.number: row.events for row in await ask(union_all(*counts))}
    failures = await ask(_failed(select(inbox.c.accepted_at), ours, begin, begin + buckets * step))
    failed = Counter((row.accepted_at - begin) // step for row in failures)
    return [
        Bucket(start=start + number * width, events=events.get(number, 0), failed=failed[number])
        for number in range(buckets)
    ]


async def problems(ask: Questions, installation_id: InstallationId) -> Sequence[ProblemGroup]:
    first, last = func.min(inbox.c.accepted_at).label("first"), func.max(inbox.c.accepted_at).label("last")
    grouped = select(inbox.c.cause, func.count().label("failed"), first, last)
    query = _failed(grouped, inbox.c.installation_id == installation_id, 0)
    return [
        ProblemGroup(
            cause=row.cause,
            count=row.failed,
            first_at=from_microseconds(row.first),
            last_at=from_microseconds(row.last),
        )
        for row in await ask(query.group_by(inbox.c.cause).order_by(last.desc(), inbox.c.cause))
    ]


def _failed(query: Select[*Columns], ours: ColumnElement[bool], start: int, end: int = END) -> Select[*Columns]:
    """Of the failed ones, which have an index of their own: that over time would lead through all others."""
    accepted_at = inbox.c.accepted_at + 0
    return query.select_from(inbox).where(FAILED, ours, accepted_at >= start, accepted_at < end)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

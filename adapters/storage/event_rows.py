"""Events in lists: the plain columns, how filters narrow them, and a page of them by its keys.

Every filter that is rare enough has an index that ends in `seq`; the others walk back in time, newest first.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Subquery, and_, select, text, tuple_
from sqlalchemy.sql import Select

from adapters.storage.tables import from_microseconds, inbox, to_microseconds
from application.history import Cursor, EventRow, Filters, Group
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.tax_id import DocumentFault, TaxId, read_document

PLAIN = (
    inbox.c.seq,
    inbox.c.event_key,
    inbox.c.kind,
    inbox.c.chat_id,
    inbox.c.shell,
    inbox.c.accepted_at,
    inbox.c.finished_at,
    inbox.c.state,
    inbox.c.outcome_tag,
    inbox.c.document,
    inbox.c.protocol,
    inbox.c.flow,
    inbox.c.cause,
)
# As text: SQLite takes a partial index only where it sees the index's own condition.
FAILED = text("cause IS NOT NULL")
UNUSUAL = {"kind": text("kind <> 'customer_lookup'"), "shell": text("shell <> 'chat'")}
USUAL = {"customer_lookup", "chat"}
MASKS = ("***.***.***-{}", "**.***.***/****-{}")


def read_row(row: Row[*tuple[Any, ...]]) -> EventRow:
    return EventRow(
        seq=row.seq,
        key=NotificationKey(row.event_key),
        kind=row.kind,
        chat_id=ChatId(row.chat_id),
        shell=row.shell,
        accepted_at=from_microseconds(row.accepted_at),
        finished_at=None if row.finished_at is None else from_microseconds(row.finished_at),
        outcome=row.outcome_tag,
        document=row.document,
        protocol=row.protocol,
        flow=row.flow,
        cause=row.cause,
        waiting=row.state != "finished",
        cursor=Cursor(at=row.accepted_at, seq=row.seq),
    )


class Narrowed:
    """The events of an installation that fit the filters, in one direction from a cursor."""

    def __init__(
        self,
        installation_id: InstallationId,
        filters: Filters,
        *,
        older: Cursor | None,
        newer: Cursor | None,
        unfinished: Subquery,
    ) -> None:
        """`unfinished` is what waits in this installation."""
        self._ascending = newer is not None
        self._cursor = newer if newer is not None else older
        self.document = _whole_document(filters.document)
        waiting = filters.group is Group.WAITING
        ours = inbox.c.seq.in_(select(unfinished.c.seq)) if waiting else inbox.c.installation_id == installation_id
        self._where = [ours, *_conditions(filters)]
        self.finds_nothing = bool(filters.document) and self.document is None and not _last_digits(filters.document)
        rare = (filters.chat_id, filters.protocol, filters.document, filters.cause, filters.outcome)
        unusual = {filters.kind, filters.shell} - {"", *USUAL}
        self._by_seq = any(rare) or bool(unusual) or filters.group in {Group.FAILED, Group.WAITING}

    def query(self, limit: int, *, after: Cursor | None = None) -> Select[*tuple[Any, ...]]:
        """From the cursor on, or from `after`; with the payload where it must be opened to compare documents."""
        columns = (*PLAIN, inbox.c.payload) if self.document is not None else PLAIN
        query = select(*columns).where(and_(*self._where))
        order = [inbox.c.seq] if self._by_seq else [inbox.c.accepted_at, inbox.c.seq]
        cursor = after or self._cursor
        if cursor is not None:
            place, here = tuple_(*order), (cursor.seq,) if self._by_seq else (cursor.at, cursor.seq)
            query = query.where(place > here if self._ascending else place < here)
        turned = order if self._ascending else [column.desc() for column in order]
        return query.order_by(*turned).limit(limit)

    def newest_first(self, rows: Sequence[EventRow]) -> Sequence[EventRow]:
        return rows[::-1] if self._ascending else rows


def _conditions(filters: Filters) -> list[ColumnElement[bool] | Any]:
    conditions: list[ColumnElement[bool] | Any] = []
    equal = (
        (inbox.c.outcome_tag, filters.outcome),
        (inbox.c.kind, filters.kind),
        (inbox.c.shell, filters.shell),
        (inbox.c.cause, filters.cause),
        (inbox.c.chat_id, filters.chat_id),
        (inbox.c.protocol, filters.protocol),
    )
    conditions += [column == wanted for column, wanted in equal if wanted]
    named = (("kind", filters.kind), ("shell", filters.shell))
    conditions += [UNUSUAL[name] for name, wanted in named if wanted and wanted not in USUAL]
    # What failed is rare and has an index of its own: that over time would lead through all others.
    rare = filters.group is Group.FAILED or filters.cause
    accepted_at = inbox.c.accepted_at + 0 if rare else inbox.c.accepted_at
    if filters.since is not None:
        conditions.append(accepted_at >= to_microseconds(filters.since))
    if filters.until is not None:
        conditions.append(accepted_at < to_microseconds(filters.until))
    match filters.group:
        case Group.OK:
            conditions += [inbox.c.cause.is_(None), inbox.c.finished_at.is_not(None)]
        case Group.FAILED:
            conditions.append(FAILED)
        case Group.WAITING | Group.ALL:
            pass
    if document := _whole_document(filters.document):
        conditions.append(inbox.c.document == document.masked)
    elif digits := _last_digits(filters.document):
        conditions.append(inbox.c.document.in_([mask.format(digits) for mask in MASKS]))
    return conditions


def _whole_document(typed: str) -> TaxId | None:
    document = read_document(typed)
    return None if isinstance(document, DocumentFault) else document


def _last_digits(typed: str) -> str:
    digits = typed.strip().lstrip("*./-")
    return digits if len(digits) == 2 and digits.isascii() and digits.isdecimal() else ""

"""An event as it stands in a list: every word of it, and nothing that was sealed."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from application.history import EventRow
from domain.causes import advise
from entrypoints.http.console.run_words import ending_words, kind_words
from entrypoints.http.console.words import ENDINGS, OUTCOMES, Word


class RowShown(Struct, frozen=True, kw_only=True):
    seq: int
    at: datetime
    chat_id: str
    document: str
    kind: str
    outcome: Word
    cause: str
    """why it failed, as a title; empty: it did not"""
    ending: str
    took_ms: float | None
    waiting: bool


def show_row(row: EventRow) -> RowShown:
    return RowShown(
        seq=row.seq,
        at=row.accepted_at,
        chat_id=row.chat_id,
        document=row.document or "",
        kind=kind_words(row.kind),
        outcome=outcome_of(row),
        cause=advise(row.cause).title if row.cause else "",
        ending=ending_words(row.flow, by_flow=row.shell == "flow"),
        took_ms=None if row.took is None else max(0.0, row.took.total_seconds() * 1000),
        waiting=row.waiting,
    )


def show_rows(rows: Sequence[EventRow]) -> list[RowShown]:
    return [show_row(row) for row in rows]


def outcome_of(row: EventRow) -> Word:
    """In words; bad whenever something failed, whatever had been decided before that."""
    if row.outcome is None:
        return Word("Em andamento" if row.waiting else "Sem conclusão")
    word = OUTCOMES.get(row.outcome, Word(row.outcome))
    if row.outcome == "failed" and row.flow in ENDINGS:
        return Word("Falhou", "bad")  # and not in the auxiliary flow
    return Word(word.text, "bad") if row.cause else word

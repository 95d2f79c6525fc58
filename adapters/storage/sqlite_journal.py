"""The journal in one SQLite file: notifications, their effects and their conclusions."""

import sqlite3
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Connection

from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import (
    TRAILS_KEPT,
    Conclusion,
    Payload,
    seal_conclusion,
    seal_note,
    seal_payload,
    seal_steps,
    tag_of,
    told_columns,
    unseal_effect,
)
from adapters.storage.sqlite_accept import Delivery, store
from adapters.storage.sqlite_record import Request, record
from adapters.storage.tables import to_microseconds
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Together, Writer
from application.failures import Unavailable
from application.ports import Arrival, Begun, Clock, EffectState, Entry, Lane, Receipt
from domain.action import Route
from domain.identifiers import EffectKey, InstallationId
from domain.notification import NotForUs
from domain.outcome import Outcome
from domain.trail import Ending, Trail

# The statements of the hot path, as the driver takes them.
_KEEP_UNKNOWN = """
INSERT INTO unknown (installation_id, reason, event, occurrences, sample, first_at, last_at) VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (installation_id, reason, event) DO UPDATE SET occurrences = unknown.occurrences + 1, last_at = excluded.last_at
"""
_PLAN = """
INSERT INTO effects (entry_seq, key, state, note, at)
SELECT ?, ?, 'planned', ?, ? WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = ?) ON CONFLICT DO NOTHING
"""
# Even a repetition needs room to be recorded: while the disk is full nobody is told the same thing again and again.
_TRY_AGAIN = "UPDATE effects SET at = ? WHERE entry_seq = ? AND key = ? AND state = 'planned'"
_EFFECT = "SELECT state, note FROM effects WHERE entry_seq = ? AND key = ?"
_DONE = """
INSERT INTO effects (entry_seq, key, state, note, at)
SELECT ?, ?, 'done', ?, ? WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = ?)
ON CONFLICT (entry_seq, key) DO UPDATE SET state = excluded.state, note = excluded.note, at = excluded.at
"""
_FORGET = "DELETE FROM effects WHERE entry_seq = ? AND key = ? AND state = 'planned'"
_CONCLUDE = """
UPDATE inbox SET outcome_tag = ?, conclusion = ?, document = ?, protocol = ?, flow = ?, cause = ?,
       state = CASE state WHEN 'finished' THEN state ELSE 'concluded' END
WHERE seq = ?
"""
_FINISH = """
UPDATE inbox SET state = 'finished', finished_at = ?, flow = coalesce(?, flow), cause = coalesce(?, cause)
WHERE seq = ? AND finished_at IS NULL
"""
_KEEP_TRAIL = """
INSERT INTO trails (entry_seq, attempt, at, sealed)
SELECT seq, 1 + coalesce((SELECT max(attempt) FROM trails WHERE entry_seq = seq), 0), ?, ? FROM inbox WHERE seq = ?
"""
_FORGET_TRAIL = """
DELETE FROM trails WHERE entry_seq = ? AND attempt > ?
AND attempt <= (SELECT max(attempt) FROM trails WHERE entry_seq = ?) - ?
"""

_Effect = tuple[str, bytes | None]
"""its state and its sealed note"""


class SqliteJournal:
    """Implements `application.ports.Journal`."""

    def __init__(self, *, writer: Writer, seal: Seal, clock: Clock, unfinished: Unfinished) -> None:
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._unfinished = unfinished
        self._mailbox = Together(store, then=unfinished.add)

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        if not arrivals:
            return Receipt(accepted=0, duplicates=0)
        delivery = Delivery(
            installation_id=installation_id,
            arrivals=[(arrival.notification, self._payload(arrival)) for arrival in arrivals],
            accepted_at=self._clock.now(),
            window_s=window_s,
        )
        accepted = await self._writer.run_together(self._mailbox, delivery, size=delivery.size)
        return Receipt(accepted=len(accepted), duplicates=len(arrivals) - len(accepted))

    async def keep_unknown(self, installation_id: InstallationId, what: NotForUs, sample: bytes) -> None:
        now = self._now()
        row = (installation_id, what.reason, what.event, self._seal.seal(sample), now, now)
        await self._writer.run(lambda connection: _execute(connection, _KEEP_UNKNOWN, row), size=len(sample))

    async def unfinished(self) -> Sequence[Lane]:
        return self._unfinished.lanes()

    async def head(self, lane: Lane) -> Entry | None:
        return self._unfinished.head(lane)

    async def begin(
        self, entry: Entry, key: EffectKey, note: bytes = b"", *, happened: EffectKey | None = None
    ) -> Begun:
        """`Unavailable` too when the entry is gone with its installation."""
        row = (entry.seq, key, seal_note(note, self._seal), self._now(), entry.seq)

        def plan(connection: Connection) -> tuple[bool, _Effect | None]:
            if happened is not None:
                _execute(connection, _DONE, self._done(entry, happened))
            if _execute(connection, _PLAN, row).rowcount:
                return True, None
            _execute(connection, _TRY_AGAIN, (self._now(), entry.seq, key))
            return False, _effect(connection, entry, key)

        def remember(planned: tuple[bool, object]) -> None:
            if happened is not None:
                self._unfinished.done(entry.seq, happened, b"")
            if planned[0]:
                self._unfinished.plan(entry.seq, key, note)

        fresh, earlier = await self._writer.run(plan, then=remember)
        if fresh:
            return Begun(state=EffectState.FRESH, note=note)
        if earlier is None:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        return unseal_effect(*earlier, self._seal)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        if self._unfinished.holds(entry.seq):
            return self._unfinished.effect(entry.seq, key)
        earlier = await self._writer.run(lambda connection: _effect(connection, entry, key))
        return None if earlier is None else unseal_effect(*earlier, self._seal)

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        row = self._done(entry, key, note)
        await self._writer.run(
            lambda connection: _execute(connection, _DONE, row),
            then=lambda _: self._unfinished.done(entry.seq, key, note),
        )

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """What is DONE stays so: it did happen."""
        await self._writer.run(
            lambda connection: _execute(connection, _FORGET, (entry.seq, key)),
            then=lambda _: self._unfinished.forget(entry.seq, key),
        )

    async def conclude(self, entry: Entry, outcome: Outcome, route: Route) -> None:
        sealed = seal_conclusion(Conclusion(outcome=outcome, route=route), self._seal)
        row = (tag_of(outcome), sealed, *told_columns(entry, outcome, route), entry.seq)
        await self._writer.run(
            lambda connection: _execute(connection, _CONCLUDE, row),
            then=lambda _: self._unfinished.conclude(entry.seq, outcome, route),
            size=len(sealed),
        )

    async def finish_entry(
        self,
        entry: Entry,
        *,
        happened: EffectKey | None = None,
        ending: Ending | None = None,
        trail: Trail | None = None,
    ) -> None:
        row = (self._now(), ending and ending.flow, ending and ending.cause, entry.seq)
        kept = None if trail is None else self._trail(entry, trail)

        def finish(connection: Connection) -> None:
            if happened is not None:
                _execute(connection, _DONE, self._done(entry, happened))
            if _execute(connection, _FINISH, row).rowcount and kept is not None:
                _execute(connection, _KEEP_TRAIL, kept)

        await self._writer.run(
            finish, then=lambda _: self._unfinished.drop(entry.seq), size=0 if kept is None else len(kept[1])
        )

    async def keep_trail(self, entry: Entry, trail: Trail) -> None:
        row = self._trail(entry, trail)

        def keep(connection: Connection) -> None:
            _execute(connection, _KEEP_TRAIL, row)
            _execute(connection, _FORGET_TRAIL, (entry.seq, TRAILS_KEPT, entry.seq, TRAILS_KEPT))

        await self._writer.run(keep, size=len(row[1]))

    async def record(self, installation_id: InstallationId, arrival: Arrival, *, window_s: float) -> Entry:
        asked = Request(
            installation_id=installation_id,
            notification=arrival.notification,
            payload=self._payload(arrival),
            at=self._clock.now(),
            window_s=window_s,
        )
        return await self._writer.run(lambda connection: record(connection, asked, self._seal), size=len(asked.payload))

    def _done(self, entry: Entry, key: EffectKey, note: bytes = b"") -> tuple[int, EffectKey, bytes | None, int, int]:
        return entry.seq, key, seal_note(note, self._seal), self._now(), entry.seq

    def _now(self) -> int:
        return to_microseconds(self._clock.now())

    def _trail(self, entry: Entry, trail: Trail) -> tuple[int, bytes, int]:
        return to_microseconds(trail.at), seal_steps(trail, self._seal), entry.seq

    def _payload(self, arrival: Arrival) -> bytes:
        return seal_payload(Payload(notification=arrival.notification, raw=arrival.raw), self._seal)


def _effect(connection: Connection, entry: Entry, key: EffectKey) -> _Effect | None:
    found: _Effect | None = _execute(connection, _EFFECT, (entry.seq, key)).fetchone()
    return found


def _execute(connection: Connection, statement: str, row: Sequence[object]) -> sqlite3.Cursor:
    """By the driver itself: what SQLAlchemy does around a statement costs more than most of these statements."""
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    return driver.execute(statement, row)

"""The journal in one SQLite file: notifications, their effects and their conclusions."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, Row

from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import (
    Conclusion,
    Payload,
    seal_conclusion,
    seal_note,
    seal_payload,
    tag_of,
    unseal_effect,
)
from adapters.storage.tables import CONTENT_KEY, from_microseconds, to_microseconds
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Writer
from application.failures import Unavailable
from application.ports import Arrival, Begun, Clock, EffectState, Entry, Lane, Receipt
from domain.action import Route
from domain.identifiers import EffectKey, InstallationId
from domain.notification import NotForUs, Notification
from domain.outcome import Outcome

# The statements of the hot path, as the driver takes them. `RETURNING` tells whether a row went in: after a conflict
# the driver's `lastrowid` is that of an earlier row.
_NEWEST_OF_KEY = """
SELECT recurrence, accepted_at FROM inbox WHERE installation_id = ? AND event_key = ? ORDER BY recurrence DESC LIMIT 1
"""
_ACCEPT = """
INSERT INTO inbox (installation_id, event_key, recurrence, kind, chat_id, accepted_at, payload, state)
VALUES (?, ?, ?, ?, ?, ?, ?, 'accepted') ON CONFLICT DO NOTHING RETURNING seq
"""
_KEEP_UNKNOWN = """
INSERT INTO unknown (installation_id, reason, event, occurrences, sample, first_at, last_at) VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (installation_id, reason, event) DO UPDATE SET occurrences = unknown.occurrences + 1, last_at = excluded.last_at
"""
_PLAN = """
INSERT INTO effects (entry_seq, key, state, note, at)
SELECT ?, ?, 'planned', ?, ? WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = ?) ON CONFLICT DO NOTHING RETURNING key
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
UPDATE inbox SET outcome_tag = ?, conclusion = ?, state = CASE state WHEN 'finished' THEN state ELSE 'concluded' END
WHERE seq = ?
"""
_FINISH = "UPDATE inbox SET state = 'finished', finished_at = ? WHERE seq = ? AND state <> 'finished'"


class _Incoming(Struct, frozen=True, kw_only=True):
    installation_id: InstallationId
    notification: Notification
    payload: bytes
    accepted_at: int

    def entry(self, seq: int) -> Entry:
        return Entry(
            seq=seq,
            installation_id=self.installation_id,
            notification=self.notification,
            accepted_at=from_microseconds(self.accepted_at),
            age_s=0,
            resumed=False,
        )


class SqliteJournal:
    """Implements `application.ports.Journal`."""

    def __init__(self, *, writer: Writer, seal: Seal, clock: Clock, unfinished: Unfinished) -> None:
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._unfinished = unfinished

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        if not arrivals:
            return Receipt(accepted=0, duplicates=0)
        incoming = [self._incoming(installation_id, arrival) for arrival in arrivals]

        def insert(connection: Connection) -> list[Entry]:
            seqs = [(each, _insert(connection, each, window_s)) for each in incoming]
            return [each.entry(seq) for each, seq in seqs if seq is not None]

        size = sum(len(each.payload) for each in incoming)
        accepted = await self._writer.run(insert, then=self._unfinished.add, size=size)
        return Receipt(accepted=len(accepted), duplicates=len(arrivals) - len(accepted))

    async def keep_unknown(self, installation_id: InstallationId, what: NotForUs, sample: bytes) -> None:
        now = self._now()
        row = (installation_id, what.reason, what.event, self._seal.seal(sample), now, now)
        await self._writer.run(lambda connection: _execute(connection, _KEEP_UNKNOWN, row), size=len(sample))

    async def unfinished(self) -> Sequence[Lane]:
        return self._unfinished.lanes()

    async def head(self, lane: Lane) -> Entry | None:
        return self._unfinished.head(lane)

    async def begin(self, entry: Entry, key: EffectKey, note: bytes = b"") -> Begun:
        """`Unavailable` too when the entry is gone with its installation."""
        row = (entry.seq, key, seal_note(note, self._seal), self._now(), entry.seq)

        def plan(connection: Connection) -> tuple[bool, Row[str, bytes | None] | None]:
            if connection.exec_driver_sql(_PLAN, row).first() is not None:
                return True, None
            _execute(connection, _TRY_AGAIN, (self._now(), entry.seq, key))
            return False, _effect(connection, entry, key)

        def remember(planned: tuple[bool, object]) -> None:
            if planned[0]:
                self._unfinished.plan(entry.seq, key, note)

        fresh, earlier = await self._writer.run(plan, then=remember)
        if fresh:
            return Begun(state=EffectState.FRESH, note=note)
        if earlier is None:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        return unseal_effect(earlier.state, earlier.note, self._seal)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        if self._unfinished.holds(entry.seq):
            return self._unfinished.effect(entry.seq, key)
        earlier = await self._writer.run(lambda connection: _effect(connection, entry, key))
        return None if earlier is None else unseal_effect(earlier.state, earlier.note, self._seal)

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        row = (entry.seq, key, seal_note(note, self._seal), self._now(), entry.seq)
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
        row = (tag_of(outcome), sealed, entry.seq)
        await self._writer.run(
            lambda connection: _execute(connection, _CONCLUDE, row),
            then=lambda _: self._unfinished.conclude(entry.seq, outcome, route),
            size=len(sealed),
        )

    async def finish_entry(self, entry: Entry) -> None:
        row = (self._now(), entry.seq)
        await self._writer.run(
            lambda connection: _execute(connection, _FINISH, row),
            then=lambda _: self._unfinished.drop(entry.seq),
        )

    def _now(self) -> int:
        return to_microseconds(self._clock.now())

    def _incoming(self, installation_id: InstallationId, arrival: Arrival) -> _Incoming:
        payload = Payload(notification=arrival.notification, raw=arrival.raw)
        return _Incoming(
            installation_id=installation_id,
            notification=arrival.notification,
            payload=seal_payload(payload, self._seal),
            accepted_at=self._now(),
        )


def _insert(connection: Connection, incoming: _Incoming, window_s: float) -> int | None:
    """The new row's `seq`; None: a duplicate."""
    notification, now = incoming.notification, incoming.accepted_at
    key, recurrence = notification.key, 0
    if key.startswith(CONTENT_KEY):
        newest = connection.exec_driver_sql(_NEWEST_OF_KEY, (incoming.installation_id, key)).first()
        if newest is not None:
            # A clock that was set back must not swallow what a customer asks an hour later.
            if abs(now - newest.accepted_at) < window_s * 1_000_000:
                return None
            recurrence = newest.recurrence + 1
    row = (
        incoming.installation_id,
        key,
        recurrence,
        tag_of(notification),
        notification.chat.id,
        now,
        incoming.payload,
    )
    inserted = connection.exec_driver_sql(_ACCEPT, row).first()
    return None if inserted is None else int(inserted.seq)


def _effect(connection: Connection, entry: Entry, key: EffectKey) -> Row[str, bytes | None] | None:
    return connection.exec_driver_sql(_EFFECT, (entry.seq, key)).first()


def _execute(connection: Connection, statement: str, row: tuple[object, ...]) -> None:
    connection.exec_driver_sql(statement, row)

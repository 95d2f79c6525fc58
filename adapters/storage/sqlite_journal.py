"""The journal in one SQLite file: notifications, their effects and their conclusions."""

from collections.abc import Sequence

from sqlalchemy import Connection

from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import (
    TRAILS_KEPT,
    Payload,
    conclusion_columns,
    seal_note,
    seal_payload,
    seal_steps,
    unseal_effect,
)
from adapters.storage.sqlite_accept import Delivery, store
from adapters.storage.sqlite_ledger import Change, Changed, Effect, Row, change, driver_of, effect
from adapters.storage.sqlite_record import Request, record
from adapters.storage.tables import to_microseconds
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Together, Writer
from application.failures import Unavailable
from application.ports import Arrival, Begun, Clock, Conclusion, EffectState, Entry, Lane, Receipt
from domain.identifiers import EffectKey, InstallationId
from domain.notification import NotForUs
from domain.trail import Ending, Trail

# As the driver takes them. What is recorded with every notification stands in `sqlite_ledger.py`.
_KEEP_UNKNOWN = """
INSERT INTO unknown (installation_id, reason, event, occurrences, sample, first_at, last_at) VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (installation_id, reason, event) DO UPDATE SET occurrences = unknown.occurrences + 1, last_at = excluded.last_at
"""
_KEEP_TRAIL = """
INSERT INTO trails (entry_seq, attempt, at, sealed)
SELECT seq, 1 + coalesce((SELECT max(attempt) FROM trails WHERE entry_seq = seq), 0), ?, ? FROM inbox WHERE seq = ?
"""
_FORGET_TRAIL = """
DELETE FROM trails WHERE entry_seq = ? AND attempt > ?
AND attempt <= (SELECT max(attempt) FROM trails WHERE entry_seq = ?) - ?
"""


class SqliteJournal:
    """Implements `application.ports.Journal`."""

    def __init__(self, *, writer: Writer, seal: Seal, clock: Clock, unfinished: Unfinished) -> None:
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._unfinished = unfinished
        self._mailbox = Together(store, then=unfinished.add)
        self._ledger = Together(change)

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
        await self._writer.run(lambda connection: driver_of(connection).execute(_KEEP_UNKNOWN, row), size=len(sample))

    async def unfinished(self) -> Sequence[Lane]:
        return self._unfinished.lanes()

    async def head(self, lane: Lane) -> Entry | None:
        return self._unfinished.head(lane)

    async def begin(
        self,
        entry: Entry,
        key: EffectKey,
        note: bytes = b"",
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
    ) -> Begun:
        """`Unavailable` too when the entry is gone with its installation."""

        def remember(changed: Changed) -> None:
            if concluded is not None:
                self._unfinished.conclude(entry.seq, concluded)
            if happened is not None:
                self._unfinished.done(entry.seq, happened, b"")
            if changed.fresh:
                self._unfinished.plan(entry.seq, key, note)

        asked = Change(
            seq=entry.seq,
            at=self._now(),
            done=None if happened is None else Effect(key=happened),
            planned=Effect(key=key, note=seal_note(note, self._seal)),
            concluded=self._row(entry, concluded),
        )
        changed = await self._writer.run_together(self._ledger, asked, then=remember, size=asked.size)
        if changed.fresh:
            return Begun(state=EffectState.FRESH, note=note)
        if changed.earlier is None:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        return unseal_effect(*changed.earlier, self._seal)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        if self._unfinished.holds(entry.seq):
            return self._unfinished.effect(entry.seq, key)
        earlier = await self._writer.run(lambda connection: effect(connection, entry.seq, key))
        return None if earlier is None else unseal_effect(*earlier, self._seal)

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        asked = Change(seq=entry.seq, at=self._now(), done=Effect(key=key, note=seal_note(note, self._seal)))
        await self._writer.run_together(self._ledger, asked, then=lambda _: self._unfinished.done(entry.seq, key, note))

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """What is DONE stays so: it did happen."""
        asked = Change(seq=entry.seq, at=self._now(), forgotten=key)
        await self._writer.run_together(self._ledger, asked, then=lambda _: self._unfinished.forget(entry.seq, key))

    async def conclude(self, entry: Entry, concluded: Conclusion) -> None:
        asked = Change(seq=entry.seq, at=self._now(), concluded=self._row(entry, concluded))
        await self._writer.run_together(
            self._ledger, asked, then=lambda _: self._unfinished.conclude(entry.seq, concluded), size=asked.size
        )

    async def finish_entry(
        self,
        entry: Entry,
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
        ending: Ending | None = None,
        trail: Trail | None = None,
    ) -> Entry | None:
        kept = None if trail is None else (to_microseconds(trail.at), seal_steps(trail, self._seal))
        asked = Change(
            seq=entry.seq,
            at=self._now(),
            done=None if happened is None else Effect(key=happened),
            concluded=self._row(entry, concluded),
            trail=kept,
            finished=(ending and ending.flow, ending and ending.cause),
        )
        await self._writer.run_together(
            self._ledger, asked, then=lambda _: self._unfinished.drop(entry.seq), size=asked.size
        )
        return self._unfinished.head(entry.lane)

    async def keep_trail(self, entry: Entry, trail: Trail) -> None:
        row = (to_microseconds(trail.at), seal_steps(trail, self._seal), entry.seq)

        def keep(connection: Connection) -> None:
            driver = driver_of(connection)
            driver.execute(_KEEP_TRAIL, row)
            driver.execute(_FORGET_TRAIL, (entry.seq, TRAILS_KEPT, entry.seq, TRAILS_KEPT))

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

    def _row(self, entry: Entry, concluded: Conclusion | None) -> Row | None:
        return None if concluded is None else conclusion_columns(entry, concluded, self._seal)

    def _now(self) -> int:
        return to_microseconds(self._clock.now())

    def _payload(self, arrival: Arrival) -> bytes:
        return seal_payload(Payload(notification=arrival.notification, raw=arrival.raw), self._seal)

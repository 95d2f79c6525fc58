"""The journal in PostgreSQL: what several processes accept and work off together.

Each promise is kept by one statement and the database's own constraints, not by what a process remembers: a worker
that was frozen and wakes when another one has taken over its chat finds every effect begun or done.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.storage.lately import Lately
from adapters.storage.postgres_accept import Delivery, Row
from adapters.storage.postgres_batches import Asking, Batches, Rows, Statement
from adapters.storage.postgres_record import record
from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import (
    TRAILS_KEPT,
    Payload,
    conclusion_columns,
    seal_note,
    seal_payload,
    seal_steps,
    unseal_conclusion,
    unseal_effect,
    unseal_payload,
)
from adapters.storage.tables import from_microseconds, to_microseconds
from application.failures import Unavailable
from application.ports import Arrival, Begun, Conclusion, EffectState, Entry, Lane, Receipt
from domain.identifiers import ChatId, EffectKey, InstallationId
from domain.notification import NotForUs, kind_of
from domain.trail import Ending, Trail

_KEEP_UNKNOWN = """
INSERT INTO unknown (installation_id, reason, event, occurrences, sample, first_at, last_at)
VALUES (%s, %s, %s, 1, %b, ponte_now(), ponte_now())
ON CONFLICT (installation_id, reason, event) DO UPDATE SET occurrences = unknown.occurrences + 1, last_at = excluded.last_at
"""
_UNFINISHED = """
SELECT installation_id, chat_id FROM inbox WHERE state <> 'finished'
GROUP BY installation_id, chat_id ORDER BY min(seq)
"""
_HEAD = """
SELECT seq, accepted_at, payload, conclusion, ponte_now() AS now,
       conclusion IS NOT NULL OR EXISTS (SELECT 1 FROM effects WHERE entry_seq = seq) AS touched
FROM inbox WHERE installation_id = %s AND chat_id = %s AND state <> 'finished' AND seq <> %s ORDER BY seq LIMIT 1
"""
NO_CONCLUSION = (None, None, None, None, None, None)
NO_ENTRY = 0
"""no entry has this number"""
WORKED_HERE_MAX = 10_000
"""many more than are at work at once or wait for Huggy"""
UNHEARD_MAX = 1_000
"""most are asked for again soon; those that another process finishes meanwhile are not"""
# Each of these is one statement, a round trip, of such parts; a part whose values are null does nothing. The entry is locked
# first: whoever removes its installation at this moment comes before or waits.
_LOCKED = "WITH entry AS MATERIALIZED (SELECT seq FROM inbox WHERE seq = %s FOR NO KEY UPDATE)"
_CONCLUDED = """
concluded AS (
    UPDATE inbox SET outcome_tag = told.outcome_tag, conclusion = told.conclusion, document = told.document,
        protocol = told.protocol, flow = told.flow, cause = told.cause,
        state = CASE shell WHEN 'flow' THEN state ELSE 'concluded' END
    FROM entry CROSS JOIN (
        SELECT %s::text AS outcome_tag, %b::bytea AS conclusion, %s::text AS document, %s::text AS protocol,
            %s::text AS flow, %s::text AS cause
    ) AS told
    WHERE told.conclusion IS NOT NULL AND inbox.seq = entry.seq AND (inbox.state <> 'finished' OR inbox.shell = 'flow')
)
"""
_HAPPENED = """
happened AS (
    INSERT INTO effects (entry_seq, key, state, note, at)
    SELECT seq, step.key, 'done', step.note, ponte_now()
    FROM entry CROSS JOIN (SELECT %s::text AS key, %b::bytea AS note) AS step
    WHERE step.key IS NOT NULL
    ON CONFLICT (entry_seq, key) DO UPDATE SET state = excluded.state, note = excluded.note, at = excluded.at
)
"""
# A trail that is kept twice, because the connection was lost before the answer came, is no harm.
_KEPT = """
kept AS (
    INSERT INTO trails (entry_seq, attempt, at, sealed)
    SELECT seq, 1 + coalesce((SELECT max(attempt) FROM trails WHERE entry_seq = seq), 0), trail.at, trail.sealed
    FROM entry CROSS JOIN (SELECT %s::bigint AS at, %b::bytea AS sealed) AS trail WHERE trail.sealed IS NOT NULL
    ON CONFLICT DO NOTHING
)
"""
# Even a repetition needs room to be recorded: while the disk is full nobody is told the same thing again and again.
# `xmax` of a row that was there before is not 0: it was locked to be updated. No two seals are alike: a note that is one of
# ours was written by this very call, or by one whose answer was lost with its connection, so that nobody acted on it.
_BEGIN = f"""
{_LOCKED}, {_CONCLUDED}, {_HAPPENED}
INSERT INTO effects AS effect (entry_seq, key, state, note, at)
SELECT seq, %s, 'planned', %b, ponte_now() FROM entry
ON CONFLICT (entry_seq, key)
    DO UPDATE SET at = CASE effect.state WHEN 'planned' THEN excluded.at ELSE effect.at END
RETURNING xmax = 0 OR note IN (%b, %b) AS fresh, state, note
"""  # noqa: S608  # put together from our own words
_FINISH = f"""
{_LOCKED}, {_HAPPENED}, {_KEPT}, finished AS (
    UPDATE inbox SET state = 'finished', finished_at = ponte_now(),
        flow = coalesce(%s, flow), cause = coalesce(%s, cause)
    FROM entry WHERE inbox.seq = entry.seq AND finished_at IS NULL
)
{_HEAD}
"""  # noqa: S608
_CONCLUDE = f"{_LOCKED}, {_CONCLUDED} SELECT FROM entry"
_DONE = f"{_LOCKED}, {_HAPPENED} SELECT FROM entry"
_KEEP_TRAIL = f"{_LOCKED}, {_KEPT} SELECT FROM entry"
_EFFECT = "SELECT state, note FROM effects WHERE entry_seq = %s AND key = %s"
_FORGET = "DELETE FROM effects WHERE entry_seq = %s AND key = %s AND state = 'planned'"
_FORGET_TRAIL = """
DELETE FROM trails WHERE entry_seq = %s AND attempt > %s
AND attempt <= (SELECT max(attempt) FROM trails WHERE entry_seq = %s) - %s
"""


class PostgresJournal:
    """Implements `application.ports.Journal`. Moments are the database's own: processes on hosts whose clocks differ
    agree on them, and a clock that jumps makes nobody late."""

    def __init__(self, *, mailbox: Batches[Delivery, int], ledger: Asking, reads: Asking, seal: Seal) -> None:
        self._mailbox = mailbox
        self._ledger = ledger
        self._reads = reads
        self._seal = seal
        self._worked_here = Lately(WORKED_HERE_MAX)
        """entries that this process, and nobody before it, began to work on; others may finish them without a word"""
        self._unheard: dict[tuple[int, EffectKey], bytes] = {}
        """what was to be noted of intents of which nobody knows whether they were recorded"""

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        if not arrivals:
            return Receipt(accepted=0, duplicates=0)
        rows = [self._row(arrival) for arrival in arrivals]
        delivery = Delivery(installation_id=installation_id, rows=rows, window_s=window_s)
        accepted = await self._mailbox.run(delivery, size=delivery.size)
        return Receipt(accepted=accepted, duplicates=len(arrivals) - accepted)

    async def keep_unknown(self, installation_id: InstallationId, what: NotForUs, sample: bytes) -> None:
        row = (installation_id, what.reason, what.event, self._seal.seal(sample))
        await self._ledger.run([(_KEEP_UNKNOWN, row)], size=len(sample))

    async def unfinished(self) -> Sequence[Lane]:
        return _lanes(await self._read(_UNFINISHED, ()))

    async def head(self, lane: Lane) -> Entry | None:
        """Its age is measured on the database's clock, whatever the clocks of the hosts say; `resumed` tells that
        another process began to work on it."""
        rows = await self._read(_HEAD, (lane.installation_id, lane.chat_id, NO_ENTRY))
        return self._entry(lane, rows[0]) if rows else None

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
        self._works_on(entry)
        before: Sequence[Statement] = ()
        if happened == key:  # one statement can't write a row twice
            before, happened = [(_DONE, (entry.seq, key, None))], None
        columns = NO_CONCLUSION if concluded is None else conclusion_columns(entry, concluded, self._seal)
        sealed = self._seal.seal(note)
        unheard = self._unheard.pop((entry.seq, key), sealed)
        begin = (_BEGIN, (entry.seq, *columns, happened, None, key, sealed, sealed, unheard))
        try:
            *_, begun = await self._ledger.run([*before, begin], size=len(columns[1] or b"") + len(note))
        except Unavailable:
            self._unheard[entry.seq, key] = sealed
            if len(self._unheard) > UNHEARD_MAX:
                del self._unheard[next(iter(self._unheard))]
            raise
        if not begun:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        ((fresh, *earlier),) = begun
        return Begun(state=EffectState.FRESH, note=note) if fresh else self._begun(earlier)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        rows = await self._read(_EFFECT, (entry.seq, key))
        return self._begun(rows[0]) if rows else None

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        await self._ledger.run([(_DONE, (entry.seq, key, seal_note(note, self._seal)))])

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """What is DONE stays so: it did happen."""
        await self._ledger.run([(_FORGET, (entry.seq, key))])

    async def conclude(self, entry: Entry, concluded: Conclusion) -> None:
        """Of a finished entry the conclusion stays that was acted on."""
        self._works_on(entry)
        columns = conclusion_columns(entry, concluded, self._seal)
        await self._ledger.run([(_CONCLUDE, (entry.seq, *columns))], size=len(columns[1]))

    async def finish_entry(
        self,
        entry: Entry,
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
        ending: Ending | None = None,
        trail: Trail | None = None,
    ) -> Entry | None:
        kept = (None, None) if trail is None else (to_microseconds(trail.at), seal_steps(trail, self._seal))
        lane = entry.lane
        values = (
            *(entry.seq, happened, None, *kept, ending and ending.flow, ending and ending.cause),
            *(lane.installation_id, lane.chat_id, entry.seq),
        )
        before: Sequence[Statement] = ()
        if concluded is not None:  # the same row as that of the end
            before = [(_CONCLUDE, (entry.seq, *conclusion_columns(entry, concluded, self._seal)))]
        *_, following = await self._ledger.run([*before, (_FINISH, values)])
        self._worked_here.discard(entry.seq)
        return self._entry(lane, following[0]) if following else None

    async def keep_trail(self, entry: Entry, trail: Trail) -> None:
        kept = (_KEEP_TRAIL, (entry.seq, to_microseconds(trail.at), seal_steps(trail, self._seal)))
        forget = (_FORGET_TRAIL, (entry.seq, TRAILS_KEPT, entry.seq, TRAILS_KEPT))
        await self._ledger.run([kept, forget])

    async def record(self, installation_id: InstallationId, arrival: Arrival, *, window_s: float) -> Entry:
        row = self._row(arrival)
        inserted, newest = await self._ledger.run(record(installation_id, row, window_s), size=len(row.payload))
        if not newest:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        entry = self._entry(Lane(installation_id=installation_id, chat_id=ChatId(row.chat_id)), newest[0])
        return msgspec.structs.replace(entry, resumed=not inserted)

    def _begun(self, row: Sequence[Any]) -> Begun:
        state, note = row
        return unseal_effect(state, note, self._seal)

    def _works_on(self, entry: Entry) -> None:
        if not entry.resumed:
            self._worked_here.add(entry.seq)

    async def _read(self, query: str, values: Sequence[object]) -> Rows:
        (rows,) = await self._reads.run([(query, values)])
        return rows

    def _row(self, arrival: Arrival) -> Row:
        notification = arrival.notification
        payload = Payload(notification=notification, raw=arrival.raw)
        return Row(
            event_key=notification.key,
            kind=kind_of(notification),
            chat_id=notification.chat.id,
            payload=seal_payload(payload, self._seal),
        )

    def _entry(self, lane: Lane, row: tuple[Any, ...]) -> Entry:
        seq, accepted_at, payload, conclusion, now, touched = row
        concluded = unseal_conclusion(conclusion, self._seal)
        return Entry(
            seq=seq,
            installation_id=lane.installation_id,
            notification=unseal_payload(payload, self._seal).notification,
            accepted_at=from_microseconds(accepted_at),
            age_s=max(0, now - accepted_at) / 1_000_000,
            resumed=touched and seq not in self._worked_here,
            outcome=concluded.outcome if concluded else None,
            route=concluded.route if concluded else None,
        )


def _lanes(rows: Sequence[tuple[Any, ...]]) -> Sequence[Lane]:
    return [
        Lane(installation_id=InstallationId(installation_id), chat_id=ChatId(chat_id))
        for installation_id, chat_id in rows
    ]

"""The journal in plain dicts: the reference implementation, for tests and for reading.

Values go in and come out encoded, so that a value shared by accident can't hide a save that was forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from application.failures import Unavailable
from application.ports import Arrival, Begun, Clock, Conclusion, EffectState, Entry, Lane, Receipt
from domain.identifiers import EffectKey, InstallationId, NotificationKey
from domain.notification import NotForUs, Notification
from domain.trail import Ending, Trail

TRAILS_KEPT = 10
"""of the first attempts at an entry, and as many of the last"""

_notification: msgspec.json.Decoder[Notification] = msgspec.json.Decoder(Notification)
_conclusion = msgspec.json.Decoder(Conclusion)


@dataclass(kw_only=True)
class _Kept:
    seq: int
    lane: Lane
    key: NotificationKey
    notification: bytes
    accepted_at: datetime
    acknowledged: float
    """on the clock that does not jump"""
    resumed: bool = False
    conclusion: bytes | None = None
    waits: bool = True
    """False: nobody works it off, because it is answered in the same breath"""
    finished: bool = False
    effects: dict[EffectKey, Begun] = field(default_factory=dict)
    ending: Ending | None = None
    trails: list[Trail] = field(default_factory=list)


class MemoryJournal:
    """`unknown` holds what was not understood: how often, and the first sample."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[int, _Kept] = {}
        self._newest: dict[tuple[InstallationId, NotificationKey], _Kept] = {}
        self._last_seq = 0
        self.unknown: dict[tuple[InstallationId, str, str], tuple[int, bytes]] = {}

    def crash(self) -> None:
        """As if the process had died here and another one had begun."""
        for kept in self._kept.values():
            age_s = max(0.0, (self._clock.now() - kept.accepted_at).total_seconds())
            kept.acknowledged = self._clock.monotonic() - age_s
            kept.resumed = True

    def remove(self, installation_id: InstallationId) -> None:
        """Everything that is kept for an installation goes."""
        self._kept = {seq: kept for seq, kept in self._kept.items() if kept.lane.installation_id != installation_id}
        self._newest = {key: kept for key, kept in self._newest.items() if key[0] != installation_id}
        self.unknown = {key: kept for key, kept in self.unknown.items() if key[0] != installation_id}

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        accepted = sum(self._accept(installation_id, arrival.notification, window_s) for arrival in arrivals)
        return Receipt(accepted=accepted, duplicates=len(arrivals) - accepted)

    async def keep_unknown(self, installation_id: InstallationId, what: NotForUs, sample: bytes) -> None:
        key = (installation_id, what.reason, what.event)
        count, first = self.unknown.get(key, (0, sample))
        self.unknown[key] = (count + 1, first)

    async def unfinished(self) -> Sequence[Lane]:
        return list(dict.fromkeys(kept.lane for kept in self._kept.values() if kept.waits and not kept.finished))

    async def head(self, lane: Lane) -> Entry | None:
        waiting = (kept for kept in self._kept.values() if kept.lane == lane and kept.waits and not kept.finished)
        oldest = next(waiting, None)
        return None if oldest is None else self._entry(oldest)

    async def begin(
        self,
        entry: Entry,
        key: EffectKey,
        note: bytes = b"",
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
    ) -> Begun:
        """`Unavailable` when the entry is gone with its installation."""
        kept = self._kept.get(entry.seq)
        if kept is None:
            raise Unavailable("storage.entry_gone", "its installation was removed")
        _tell(kept, concluded, happened)
        if key in kept.effects:
            return kept.effects[key]
        kept.effects[key] = Begun(state=EffectState.DOUBTFUL, note=note)
        return Begun(state=EffectState.FRESH, note=note)

    async def recall(self, entry: Entry, key: EffectKey) -> Begun | None:
        kept = self._kept.get(entry.seq)
        return None if kept is None else kept.effects.get(key)

    async def finish(self, entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        if kept := self._kept.get(entry.seq):
            kept.effects[key] = Begun(state=EffectState.DONE, note=note)

    async def forget(self, entry: Entry, key: EffectKey) -> None:
        """What is DONE stays so: it did happen."""
        begun = await self.recall(entry, key)
        if begun is not None and begun.state is not EffectState.DONE:
            del self._kept[entry.seq].effects[key]

    async def conclude(self, entry: Entry, concluded: Conclusion) -> None:
        if kept := self._kept.get(entry.seq):
            _tell(kept, concluded, None)

    async def finish_entry(
        self,
        entry: Entry,
        *,
        concluded: Conclusion | None = None,
        happened: EffectKey | None = None,
        ending: Ending | None = None,
        trail: Trail | None = None,
    ) -> Entry | None:
        if kept := self._kept.get(entry.seq):
            _tell(kept, concluded, happened)
            if not kept.finished:
                kept.finished = True
                kept.ending = ending
                if trail is not None:
                    kept.trails.append(trail)
        return await self.head(entry.lane)

    async def keep_trail(self, entry: Entry, trail: Trail) -> None:
        if kept := self._kept.get(entry.seq):
            kept.trails.append(trail)
            del kept.trails[TRAILS_KEPT:-TRAILS_KEPT]

    def trails(self, seq: int) -> Sequence[Trail]:
        return self._kept[seq].trails

    def ending(self, seq: int) -> Ending | None:
        return self._kept[seq].ending

    async def record(self, installation_id: InstallationId, arrival: Arrival, *, window_s: float) -> Entry:
        notification = arrival.notification
        new = self._accept(installation_id, notification, window_s)
        kept = self._newest[installation_id, notification.key]
        kept.waits = kept.waits and not new
        return msgspec.structs.replace(self._entry(kept), resumed=not new)

    def _accept(self, installation_id: InstallationId, notification: Notification, window_s: float) -> bool:
        now = self._clock.now()
        newest = self._newest.get((installation_id, notification.key))
        if newest is not None and not _counts_as_new_again(newest, now, window_s):
            return False
        self._last_seq += 1
        kept = _Kept(
            seq=self._last_seq,
            lane=Lane(installation_id=installation_id, chat_id=notification.chat.id),
            key=notification.key,
            notification=msgspec.json.encode(notification),
            accepted_at=now,
            acknowledged=self._clock.monotonic(),
        )
        self._kept[kept.seq] = self._newest[installation_id, kept.key] = kept
        return True

    def _entry(self, kept: _Kept) -> Entry:
        concluded = None if kept.conclusion is None else _conclusion.decode(kept.conclusion)
        return Entry(
            seq=kept.seq,
            installation_id=kept.lane.installation_id,
            notification=_notification.decode(kept.notification),
            accepted_at=kept.accepted_at,
            age_s=self._clock.monotonic() - kept.acknowledged,
            resumed=kept.resumed,
            outcome=concluded.outcome if concluded else None,
            route=concluded.route if concluded else None,
        )


def _tell(kept: _Kept, concluded: Conclusion | None, happened: EffectKey | None) -> None:
    if concluded is not None:
        kept.conclusion = msgspec.json.encode(concluded)
    if happened is not None:
        kept.effects[happened] = Begun(state=EffectState.DONE)


def _counts_as_new_again(newest: _Kept, now: datetime, window_s: float) -> bool:
    """A clock that was set back must not swallow what a customer asks an hour later."""
    return newest.key.startswith("~") and abs((now - newest.accepted_at).total_seconds()) >= window_s

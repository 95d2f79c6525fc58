"""The picture in memory of all entries that are not finished, so that `head` and `recall` need not ask the database.

It is changed on the writer's thread, after each commit, and may be read on any.
"""

import threading
from collections.abc import Iterable, Sequence

import msgspec

from application.ports import Begun, Clock, Conclusion, EffectState, Entry, Lane
from domain.identifiers import EffectKey, InstallationId


class _Open:
    """One entry as it came in, when it was acknowledged on the clock that does not jump, and what a later `begin` of each
    of its effects is told."""

    __slots__ = ("acknowledged", "effects", "entry")

    def __init__(self, entry: Entry, acknowledged: float) -> None:
        self.entry = entry
        self.acknowledged = acknowledged
        self.effects: dict[EffectKey, Begun] = {}


class Unfinished:
    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[int, _Open] = {}
        self._lanes: dict[Lane, dict[int, _Open]] = {}
        """oldest entry first in each"""

    def restore(self, entries: Iterable[Entry], effects: Iterable[tuple[int, EffectKey, Begun]]) -> None:
        """What an earlier process left, in the order of `seq`. Its age by the wall clock is taken once, now: a clock that
        is set while this process lives makes nobody late."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        with self._lock:
            for entry in entries:
                self._put(_Open(entry, monotonic - max(0.0, (now - entry.accepted_at).total_seconds())))
            for seq, key, begun in effects:
                self._open[seq].effects[key] = begun

    def add(self, deliveries: Iterable[Iterable[Entry]]) -> None:
        """The new ones of each, acknowledged now."""
        now = self._clock.monotonic()
        with self._lock:
            for entries in deliveries:
                for entry in entries:
                    self._put(_Open(entry, now))

    def conclude(self, seq: int, concluded: Conclusion) -> None:
        with self._lock:
            if at := self._open.get(seq):
                at.entry = msgspec.structs.replace(at.entry, outcome=concluded.outcome, route=concluded.route)

    def plan(self, seq: int, key: EffectKey, note: bytes) -> None:
        with self._lock:
            if at := self._open.get(seq):
                at.effects.setdefault(key, Begun(state=EffectState.DOUBTFUL, note=note))

    def done(self, seq: int, key: EffectKey, note: bytes) -> None:
        with self._lock:
            if at := self._open.get(seq):
                at.effects[key] = Begun(state=EffectState.DONE, note=note)

    def forget(self, seq: int, key: EffectKey) -> None:
        """What is DONE stays so."""
        with self._lock:
            if (at := self._open.get(seq)) and key in at.effects and at.effects[key].state is not EffectState.DONE:
                del at.effects[key]

    def drop(self, seq: int) -> None:
        with self._lock:
            if at := self._open.pop(seq, None):
                lane = at.entry.lane
                del self._lanes[lane][seq]
                if not self._lanes[lane]:
                    del self._lanes[lane]

    def drop_installation(self, installation_id: InstallationId) -> None:
        with self._lock:
            for lane in [lane for lane in self._lanes if lane.installation_id == installation_id]:
                for seq in self._lanes.pop(lane):
                    del self._open[seq]

    def head(self, lane: Lane) -> Entry | None:
        with self._lock:
            at = next(iter(self._lanes.get(lane, {}).values()), None)
        return None if at is None else msgspec.structs.replace(at.entry, age_s=self._age_s(at))

    def lanes(self) -> Sequence[Lane]:
        """The lane of the oldest entry first."""
        with self._lock:
            return sorted(self._lanes, key=lambda lane: next(iter(self._lanes[lane])))

    def holds(self, seq: int) -> bool:
        return seq in self._open

    def effect(self, seq: int, key: EffectKey) -> Begun | None:
        with self._lock:
            at = self._open.get(seq)
            return None if at is None else at.effects.get(key)

    def _put(self, at: _Open) -> None:
        self._open[at.entry.seq] = at
        self._lanes.setdefault(at.entry.lane, {})[at.entry.seq] = at

    def _age_s(self, at: _Open) -> float:
        return max(0.0, self._clock.monotonic() - at.acknowledged)

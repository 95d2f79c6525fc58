"""Those of one installation who wait for a place: how long, and whether waiting is of any use to them."""

from collections import OrderedDict

from application.ports import Lane

LET_GO_S = 0.005
"""of a process, for letting one lane go: the last of a line must be in time too"""
LEARNS_S = 3.0
"""how long a line is watched until its pace is believed"""
REMEMBERS_S = 10.0


class Line:
    """Oldest first. Work takes the youngest, so the oldest is served when all the others have been."""

    def __init__(self, now: float) -> None:
        self._since: OrderedDict[Lane, float] = OrderedDict()
        self._watched_since = now
        self._served = 0.0

    def __len__(self) -> int:
        return len(self._since)

    def add(self, lane: Lane, since: float) -> None:
        """Whoever waits already goes on waiting."""
        self._since.setdefault(lane, since)

    def pop_youngest(self) -> Lane:
        return self._since.popitem()[0]

    def pop_oldest(self) -> Lane:
        return self._since.popitem(last=False)[0]

    def served(self) -> None:
        """A lane of this installation left its place while others waited."""
        self._served += 1

    def waits_in_vain(self, now: float, patience_s: float) -> bool:
        """Whether the turn of the oldest would come after its patience has ended, at the pace of the last seconds."""
        waited_s = now - next(iter(self._since.values()))
        return waited_s + self._pace_s(now) * len(self._since) >= patience_s

    def _pace_s(self, now: float) -> float:
        """Seconds for one lane."""
        watched_s = now - self._watched_since
        if watched_s < LEARNS_S:
            return LET_GO_S
        if watched_s > 2 * REMEMBERS_S:
            watched_s, self._served = watched_s / 2, self._served / 2
            self._watched_since = now - watched_s
        return max(LET_GO_S, watched_s / max(self._served, 1.0))

"""Those of one installation who wait for a place: how long, and whether waiting is of any use to them."""

from collections import OrderedDict

from adapters.engine.pace import Pace
from application.ports import Lane


class Line:
    """Oldest first. Work takes the youngest, so the oldest is served when all the others have been."""

    def __init__(self, now: float) -> None:
        self._since: OrderedDict[Lane, float] = OrderedDict()
        self._pace = Pace(now)

    def __len__(self) -> int:
        return len(self._since)

    def add(self, lane: Lane, since: float) -> None:
        """Whoever waits already goes on waiting."""
        self._since.setdefault(lane, since)

    def pop_youngest(self) -> Lane:
        return self._since.popitem()[0]

    def pop_oldest(self) -> Lane:
        return self._since.popitem(last=False)[0]

    def served(self, now: float) -> None:
        """A lane of this installation left its place while others waited."""
        self._pace.served(now)

    def waits_in_vain(self, now: float, patience_s: float) -> bool:
        """Whether the turn of the oldest would come after its patience has ended, at the pace of the last seconds."""
        waited_s = now - next(iter(self._since.values()))
        return waited_s + self._pace.seconds_each(now) * len(self._since) >= patience_s

"""How fast those who wait for a place are served, as the last seconds showed it."""

LET_GO_S = 0.005
"""of a process, for letting one lane go: the last of a line must be in time too"""
SPREAD_S = 3.0
"""over so long a line is let go that could be gone sooner: a burst of them would hold up everybody else"""
GENTLY_S = 0.015
"""for one lane of a line that is shorter than `SPREAD_S` needs"""
LEARNS_S = 3.0
"""how long a line is watched until its pace is believed"""
REMEMBERS_S = 10.0


class Pace:
    """Of one line, from the moment when somebody had to wait.

    `stands_s`: how long it may not move at all until that is believed. What it did while it stood says nothing of how
    it goes on.
    """

    def __init__(self, now: float, *, stands_s: float = LEARNS_S) -> None:
        self._watched_since = now
        self._stands_s = stands_s
        self._served = 0.0

    def served(self, now: float) -> None:
        """One left a place while others waited."""
        if not self._served and now - self._watched_since > LEARNS_S:
            self._watched_since = now
        self._served += 1

    def seconds_each(self, now: float) -> float:
        """What one who waits adds to the waiting of those behind."""
        watched_s = now - self._watched_since
        if watched_s < (LEARNS_S if self._served else self._stands_s):
            return LET_GO_S
        if watched_s > 2 * REMEMBERS_S:
            watched_s, self._served = watched_s / 2, self._served / 2
            self._watched_since = now - watched_s
        return max(LET_GO_S, watched_s / max(self._served, 1.0))

"""Places for lanes at work, which installations take in turn."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from application.ports import Lane
from domain.identifiers import InstallationId

Work = Callable[[Lane], Awaitable[float | None]]
"""Empties the lane's mailbox; returns None, or the seconds after which the lane is to be woken again."""


class Desk:
    """`places` bounds the lanes that are worked on here at once, `per_installation` those of one installation."""

    def __init__(self, *, work: Work, places: int, per_installation: int) -> None:
        if places < 1 or per_installation < 1:
            raise ValueError("a bound of less than one lane would never work")
        self.work = work
        self._free = places
        self._per_installation = per_installation
        self._turns: OrderedDict[InstallationId, None] = OrderedDict()
        """installations in need of a place and below their bound, next one first"""
        self._busy: dict[InstallationId, int] = {}

    def line_up(self, installation_id: InstallationId) -> None:
        """Gives it a turn, after all others, unless it has one already or may have none."""
        if self._busy.get(installation_id, 0) < self._per_installation:
            self._turns.setdefault(installation_id)

    def next_turn(self) -> InstallationId | None:
        """Whose turn it is now, which ends that turn; None: no place is free, or nobody has a turn."""
        return self._turns.popitem(last=False)[0] if self._turns and self._free else None

    def take(self, installation_id: InstallationId) -> None:
        self._free -= 1
        self._busy[installation_id] = self._busy.get(installation_id, 0) + 1

    def give_back(self, installation_id: InstallationId) -> None:
        self._free += 1
        self._busy[installation_id] -= 1
        if not self._busy[installation_id]:
            del self._busy[installation_id]

"""The keys of notifications that are sent again: `n-1`, then `n-1#2`, `n-1#3`, … Equal clicks make equal keys.

A key made from content alone (`~…`) counts as new again after a while, so that it may name several events; the first
event's number then goes into the keys of its repetitions.
"""

import re

from domain.identifiers import NotificationKey

TIMES_MAX = 20
"""an event is sent at most so often, the first time included"""

_REPETITION = re.compile(r"(?P<base>.+)#(?P<number>[1-9][0-9]?)", re.ASCII | re.DOTALL)
_NUMBERED = re.compile(r".+@(?P<seq>[0-9]{1,18})", re.ASCII | re.DOTALL)
_CONTENT = "~"


class Lineage:
    """An event and all that are repetitions of the same first one; `number` is which time this one is."""

    def __init__(self, key: NotificationKey, seq: int) -> None:
        repetition = _REPETITION.fullmatch(key)
        if repetition is not None:
            self._base = repetition["base"]
            self.number = int(repetition["number"])
        else:
            self._base = f"{key[1:]}@{seq}" if key.startswith(_CONTENT) else key
            self.number = 1

    def key(self, number: int) -> NotificationKey:
        """Of the repetition that is the `number`th time; from 2 on."""
        return NotificationKey(f"{self._base}#{number}")

    @property
    def first_seq(self) -> int | None:
        """Of the first event, where its key alone does not tell."""
        numbered = _NUMBERED.fullmatch(self._base)
        return int(numbered["seq"]) if numbered else None

    @property
    def keys(self) -> tuple[NotificationKey, ...]:
        return (NotificationKey(self._base), *map(self.key, range(2, TIMES_MAX + 1)))

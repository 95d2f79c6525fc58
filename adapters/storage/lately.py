"""What was seen lately, of more than need be remembered."""

from collections import OrderedDict


class Lately:
    """The last `most` numbers that were added. May be used on any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: OrderedDict[int, None] = OrderedDict()
        """the one added longest ago first"""

    def add(self, number: int) -> None:
        self._numbers.pop(number, None)
        self._numbers[number] = None
        if len(self._numbers) > self._most:
            self._numbers.popitem(last=False)

    def discard(self, number: int) -> None:
        self._numbers.pop(number, None)

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

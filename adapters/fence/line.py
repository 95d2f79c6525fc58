"""Who comes next where there is not room for all: the youngest.

In a crowd the oldest have hardly any time left: a turn that is given to them is lost when their time is over before the
answer is there. And the second call of a customer whose first one was answered is young: what was begun is finished.
"""

import asyncio
from collections import OrderedDict


class Line:
    """So many places, each taken by one at a time: `enter` and `leave`, or `async with`. Used within one event loop."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        """oldest first; a place that is left goes to one of them without being free in between"""

    def resize(self, places: int) -> None:
        """Of more places, those who wait take the new ones; of fewer, none is taken from whoever has it."""
        self.places = places
        self._call()

    async def enter(self) -> None:
        """Returns when a place is taken; whoever stops waiting takes none."""
        if self.taken < self.places:
            self.taken += 1
            return
        called = asyncio.get_running_loop().create_future()
        self._waiting[called] = None
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                self._waiting.pop(called, None)
            else:
                self.leave()  # called and cancelled at the same moment
            raise

    def leave(self) -> None:
        self.taken -= 1
        self._call()

    def _call(self) -> None:
        while self._waiting and self.taken < self.places:
            called, _ = self._waiting.popitem()
            if not called.done():
                self.taken += 1
                called.set_result(None)

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(self, *_: object) -> None:
        self.leave()

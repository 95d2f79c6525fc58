"""A chat's notifications, one after the other, until none is left."""

from application.handle_notification import HandleNotification, PutOff
from application.ports import Entry, Journal, Lane


class WorkLane:
    """Returns None when the lane is empty, else the seconds after which to go on: its head stays its head."""

    def __init__(self, *, journal: Journal, handle: HandleNotification) -> None:
        self._journal = journal
        self._handle = handle

    async def __call__(self, lane: Lane) -> float | None:
        return await self._empty(lane)

    async def last_call(self, lane: Lane) -> float | None:
        """The same for a lane that has waited too long: nothing more is asked of the ERP."""
        return await self._empty(lane, last_call=True)

    async def _empty(self, lane: Lane, *, last_call: bool = False) -> float | None:
        next_one: Entry | PutOff | None = await self._journal.head(lane)
        while isinstance(next_one, Entry):
            next_one = await self._handle(next_one, last_call=last_call)
        return None if next_one is None else next_one.again_after_s

"""Time that passes when the test says so."""

import asyncio


class Hours:
    def __init__(self) -> None:
        self._now = 1000.0
        self._changed = asyncio.Condition()
        self.asleep: list[float] = []
        """for how long each sleeper lay down, of those who sleep"""

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        end = self._now + seconds
        async with self._changed:
            self.asleep.append(seconds)
            self._changed.notify_all()
            try:
                await self._changed.wait_for(lambda: self._now >= end)
            finally:
                self.asleep.remove(seconds)

    async def let_pass(self, seconds: float) -> None:
        async with self._changed:
            self._now += seconds
            self._changed.notify_all()

    async def until_asleep(self, sleepers: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.asleep) >= sleepers)

"""The engine of a process that only accepts: whoever works finds what is waiting in the inbox."""

from application.ports import Lane


class AsleepEngine:
    def wake(self, lane: Lane, *, waited_s: float = 0.0) -> None:
        """Nobody works here: an SQLite file is worked off by the next process that does."""

    def start(self) -> None:
        pass

    async def stop(self, grace_s: float) -> None:
        pass

"""The machine's own clocks."""

import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # this is the Clock

    def monotonic(self) -> float:
        return time.monotonic()

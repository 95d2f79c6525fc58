"""One company's pace towards Huggy. The numbers of Huggy's limits are not public, so its 429 is what sets the pace."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from application.failures import Unavailable

LONGEST_HOLD_S = 60.0
"""a longer `Retry-After` is not believed: one odd answer must not silence a company for a day"""


class Throttle:
    """Shared by all calls of a company: when one is told to wait, all wait."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._open_at = 0.0

    def hold(self, seconds: float) -> float:
        """No call before that many seconds have passed; returns how many of them are believed."""
        believed_s = min(seconds, LONGEST_HOLD_S)
        self._open_at = max(self._open_at, self._monotonic() + believed_s)
        return believed_s

    def now(self) -> float:
        return self._monotonic()

    async def wait(self, *, until: float) -> None:
        """Returns when a call may start; `Unavailable` at once when that would be after `until`."""
        while (left_s := self._open_at - self._monotonic()) > 0:
            if self._open_at > until:
                raise Unavailable("huggy.rate_limited", "Huggy asks us to slow down", retry_after_s=left_s)
            await self._sleep(left_s)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks us to wait, from `Retry-After` as seconds or as an HTTP date.

    A date counts from the answer's own `Date`, so that our clock does not matter; None when neither can be read.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        until, sent = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=UTC) - sent.replace(tzinfo=UTC)).total_seconds())

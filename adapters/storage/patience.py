"""How long a turn is waited for that another process has."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from application.failures import Unavailable

PATIENCE_S = 15.0

T = TypeVar("T")


async def until_taken(take: Callable[[], Awaitable[T | None]], *, look_again_s: float) -> T:
    """What `take` gives as soon as it gives anything; `Unavailable` when it has given nothing for `PATIENCE_S`."""
    until = time.monotonic() + PATIENCE_S
    while (taken := await take()) is None:
        if time.monotonic() > until:
            raise Unavailable("storage.busy", "another process has not finished yet")
        await asyncio.sleep(look_again_s)
    return taken

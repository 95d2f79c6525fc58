"""A write that was called off before anything of it left us.

A cancellation says nothing of how far a call came, so a write that was cancelled has to be held for one that may have taken
effect. An adapter that knows better says so on the cancellation itself.
"""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager

_UNSENT = "nothing of the write was sent"


@contextmanager
def before_sending() -> Iterator[None]:
    """In the block nothing of the write is sent."""
    try:
        yield
    except CancelledError as cancelled:
        cancelled.add_note(_UNSENT)
        raise


def is_unsent(cancelled: CancelledError) -> bool:
    """Whether the write that it called off surely never left us. False: nobody knows."""
    return _UNSENT in getattr(cancelled, "__notes__", ())

"""What becomes of those who wait in vain: nobody is kept waiting until it is too late to tell them so."""

import math
from collections.abc import Callable

from msgspec import Struct

from adapters.engine.desk import Work
from application.ports import Lane
from domain.identifiers import InstallationId


class LastCalls(Struct, frozen=True, kw_only=True):
    """Work apart, with places of its own: it takes none from those who can still be served."""

    work: Work
    """ends what is in the lane without asking the ERP anything"""
    patience_s: Callable[[InstallationId], float]
    """how long a lane of this installation may wait for other work"""
    places: int = 64
    per_installation: int = 32


async def _no_work(lane: Lane) -> None:
    raise AssertionError(f"{lane.installation_id} is never let go")


NEVER = LastCalls(work=_no_work, patience_s=lambda _: math.inf)

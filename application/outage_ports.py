"""The registry of outages, as the use cases and the console rely on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId


class Told(Struct, frozen=True, kw_only=True):
    """How many chats an outage was told in, and how many of them were closed with that."""

    chats: int = 0
    closed: int = 0


class Lapse(Struct, frozen=True, kw_only=True):
    """An outage that nobody closed and whose time is running out, or has run out."""

    installation_id: InstallationId
    outage: DeclaredOutage
    expired: bool


ChangeOutage = Callable[[DeclaredOutage | None], DeclaredOutage | None]
"""What stands in the registry in -> what shall stand there; None: leave it. Total, quick, on any thread."""


class OutageRegistry(Protocol):
    """Every outage of every provider, whoever reported it."""

    async def standing(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        """Those that stand now, the first to start first; cheap enough for every notification; sees what another
        process changed within a second."""
        ...

    async def just_ended(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        """Those that somebody ended within the last hour and that had not expired; as cheap as `standing`."""
        ...

    async def recent(self, installation_id: InstallationId, *, limit: int = 50) -> Sequence[DeclaredOutage]:
        """Ended and expired ones too, the last to start first."""
        ...

    async def get(self, installation_id: InstallationId, outage_id: OutageId) -> DeclaredOutage | None: ...

    async def change(
        self, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage
    ) -> DeclaredOutage | None:
        """Adds or replaces, in one step with the look at what stands: of two changes none is lost. What stands after it;
        None: nothing does. For an installation that is gone nothing is kept."""
        ...

    async def tell(
        self, installation_id: InstallationId, chat_id: ChatId, outage: Outage, by: NotificationKey, *, closes: bool
    ) -> bool:
        """Records that this chat is told of the outage in its present version. False: another notification told it."""
        ...

    async def told(self, installation_id: InstallationId) -> Mapping[OutageId, Told]:
        """For every outage that was told to anybody."""
        ...

    async def lapsing(self) -> Sequence[Lapse]:
        """Outages of all installations that people declared, when it is time to ask whether they go on and again when
        they have expired: each is given once to one caller. A later end makes it new again."""
        ...

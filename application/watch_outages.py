"""An outage that nobody closes: its people are asked whether it goes on, and told when it is not told any more."""

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from application.outage_ports import OutageRegistry
from application.ports import Installations
from domain.identifiers import InstallationId
from domain.notice import Notice
from domain.outage_words import news_of_lapse

TellNotice = Callable[[InstallationId, Notice], Awaitable[bool]]


class WatchOutages:
    """To be called again and again, by any number of processes."""

    def __init__(self, *, registry: OutageRegistry, installations: Installations, tell: TellNotice) -> None:
        self._registry = registry
        self._installations = installations
        self._tell = tell

    async def __call__(self) -> None:
        """A crash in the middle may keep one question from being asked: the outage expires all the same."""
        for lapse in await self._registry.lapsing():
            installation = await self._installations.get(lapse.installation_id)
            if installation is not None:
                zone = ZoneInfo(installation.policies.timezone)
                await self._tell(installation.id, news_of_lapse(lapse.outage, expired=lapse.expired, zone=zone))

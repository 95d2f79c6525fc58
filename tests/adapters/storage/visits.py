"""A database that serves, with others who visit it at the same time: what the contract of installations needs."""

from adapters.storage.database import VisitedDatabase, visit_database
from application.outage_ports import OutageRegistry
from application.ports import Installations
from domain.identifiers import InstallationId
from tests.adapters.storage.files import KEY, ServedFile


class VisitedBench(ServedFile):
    """Comes before the class of the database, if that is not a file."""

    fresh_for_s: float
    """how long the serving side may not notice what a visitor changed"""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._visits: list[VisitedDatabase] = []

    async def elsewhere(self) -> Installations:
        self._visits.append(visit_database(self.url, keys=[KEY], clock=self.clock))
        return self._visits[-1].installations

    async def outages_elsewhere(self) -> OutageRegistry:
        self._visits.append(visit_database(self.url, keys=[KEY], clock=self.clock))
        return self._visits[-1].outages

    def let_it_be_noticed(self) -> None:
        self.clock.advance(self.fresh_for_s)

    async def traces(self, installation_id: InstallationId) -> int:
        return len((await self.history.events(installation_id)).rows) + len(await self.history.unknown(installation_id))

    def close(self) -> None:
        for visit in self._visits:
            visit.close()
        super().close()

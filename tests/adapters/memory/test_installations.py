import pytest

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.journal import MemoryJournal
from domain.identifiers import InstallationId
from tests.contracts.installations import InstallationsContract
from tests.contracts.journal import NOON


class MemoryInstallationsBench:
    """Memory knows one process, so elsewhere is here."""

    def __init__(self) -> None:
        self.journal = MemoryJournal(clock=SetClock(NOON))
        self.installations = MemoryInstallations(self.journal)

    async def crash(self) -> None:
        self.journal.crash()

    async def elsewhere(self) -> MemoryInstallations:
        return self.installations

    def let_it_be_noticed(self) -> None:
        pass

    async def traces(self, installation_id: InstallationId) -> int:
        lanes = await self.journal.unfinished()
        return sum(lane.installation_id == installation_id for lane in lanes) + sum(
            at == installation_id for at, _, _ in self.journal.unknown
        )


class TestMemoryInstallations(InstallationsContract):
    @pytest.fixture
    def bench(self) -> MemoryInstallationsBench:
        return MemoryInstallationsBench()

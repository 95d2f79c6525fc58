import pytest

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.outages import MemoryOutages
from application.outage_ports import OutageRegistry
from tests.contracts.journal import NOON
from tests.contracts.outages import OutagesContract


class MemoryOutagesBench:
    """Memory knows one process, so elsewhere is here."""

    def __init__(self) -> None:
        self.clock = SetClock(NOON)
        self.outages = MemoryOutages(clock=self.clock)
        self.installations = MemoryInstallations(outages=self.outages)

    async def crash(self) -> None:
        pass

    async def outages_elsewhere(self) -> MemoryOutages:
        return self.outages

    def let_it_be_noticed(self) -> None:
        pass


class TestMemoryOutages(OutagesContract):
    @pytest.fixture
    def bench(self) -> MemoryOutagesBench:
        return MemoryOutagesBench()

    def test_they_are_a_registry(self, bench: MemoryOutagesBench) -> None:
        _: OutageRegistry = bench.outages

from collections.abc import Sequence

import pytest

from adapters.memory.clock import SetClock
from adapters.memory.journal import MemoryJournal
from domain.identifiers import InstallationId
from tests.contracts.journal import NOON, HostClockContract, JournalContract


class MemoryJournalBench:
    def __init__(self) -> None:
        self.clock = SetClock(NOON)
        self.journal = MemoryJournal(clock=self.clock)

    async def crash(self) -> None:
        self.journal.crash()

    async def unknown(self, installation_id: InstallationId) -> Sequence[tuple[str, str, int, bytes]]:
        return [
            (reason, event, count, sample)
            for (at, reason, event), (count, sample) in self.journal.unknown.items()
            if at == installation_id
        ]


class TestMemoryJournal(JournalContract, HostClockContract):
    @pytest.fixture
    def bench(self) -> MemoryJournalBench:
        return MemoryJournalBench()

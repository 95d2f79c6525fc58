import pytest

from adapters.memory.installations import MemoryInstallations
from adapters.memory.notices import MemoryNotices, MemoryProblems
from application.notice_ports import Notices, Problems
from tests.contracts.notices import NoticesContract


class MemoryNoticesBench:
    """Memory knows one process, so a crash changes nothing."""

    def __init__(self) -> None:
        self.notices = MemoryNotices(exists=lambda whose: self.installations.at_hand(whose) is not None)
        self.problems = MemoryProblems(self.notices)
        self.installations = MemoryInstallations(problems=self.problems)

    async def crash(self) -> None:
        pass


class TestMemoryNotices(NoticesContract):
    @pytest.fixture
    def bench(self) -> MemoryNoticesBench:
        return MemoryNoticesBench()

    def test_they_are_problems_and_notices(self, bench: MemoryNoticesBench) -> None:
        _: Problems = bench.problems
        __: Notices = bench.notices

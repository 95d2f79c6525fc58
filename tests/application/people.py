"""A provider's people in memory: what keeps failing, what they are told, and a post that can be out of order."""

from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.notices import MemoryNotices, MemoryProblems
from application.failures import Failure
from application.notice_ports import KeptNotice
from application.send_digests import SendDigests
from application.send_notices import SendNotices
from application.tell_of_problems import TellOfProblems
from application.tell_people import TellPeople
from domain.identifiers import InstallationId
from domain.installation import Installation
from domain.notice import Letter, Notice, NoticeKind
from domain.problem import Occurrences
from tests.domain.builders import installation

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))


class Pigeons:
    """A post that keeps what it took. `fails_with`: what the next letters meet, one each; None: it is taken."""

    def __init__(self) -> None:
        self.took: list[tuple[str, Letter]] = []
        self.fails_with: list[Failure | None] = []

    async def send(self, letter: Letter, *, reference: str) -> None:
        failure = self.fails_with.pop(0) if self.fails_with else None
        if failure is not None:
            raise failure
        self.took.append((reference, letter))


class People:
    def __init__(self, *, sends: bool = True) -> None:
        self.clock = SetClock(NOON)
        self.installations = MemoryInstallations()
        self.notices = MemoryNotices()
        self.problems = MemoryProblems(self.notices)
        self.post = Pigeons()
        self.written: list[Notice] = []
        self.tell = TellPeople(
            installations=self.installations,
            notices=self.notices,
            clock=self.clock,
            write=self._write,
            sends=sends,
        )
        self.watch = TellOfProblems(
            problems=self.problems, installations=self.installations, clock=self.clock, tell=self.tell
        )
        self.digests = SendDigests(
            installations=self.installations,
            notices=self.notices,
            problems=self.problems,
            clock=self.clock,
            tell=self.tell,
        )
        self.send = SendNotices(notices=self.notices, post=self.post, clock=self.clock)

    async def fail(self, cause: str = "erp.timeout", count: int = 1, whose: InstallationId | None = None) -> None:
        now = self.clock.now()
        seen = Occurrences(
            installation_id=whose or installation().id, cause=cause, count=count, first_at=now, last_at=now
        )
        await self.problems.count([seen])

    async def kept(self) -> list[KeptNotice]:
        """The oldest first."""
        return list(reversed(await self.notices.recent(installation().id)))

    async def kinds(self) -> list[NoticeKind]:
        return [notice.kind for notice in await self.kept()]

    @property
    def mailed(self) -> list[str]:
        return [letter.subject for _, letter in self.post.took]

    def _write(self, notice: Notice, installation: Installation) -> Letter:
        self.written.append(notice)
        return Letter(recipient=installation.email, subject=f"{notice.kind} {notice.cause}", text=installation.name)

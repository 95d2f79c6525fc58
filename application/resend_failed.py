"""All events that failed for one cause, again: in the background, one at a time, so that live chats are not crowded out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from application.failures import Failure
from application.history import EventRow, Filters, Group, History
from application.ports import Clock
from application.resend import NeedsConfirmation, Resend, Resent
from domain.identifiers import InstallationId
from domain.notification import WRITES
from domain.resend_key import Lineage

PAGE, EVENTS_MAX = 200, 10_000
LOOK_EVERY_S = 0.25
WAIT_S = 30.0
"""for one event to end; one that takes longer goes on alone"""
IN_VAIN = 5
"""so many in a row that failed for the same cause again: it is still there"""


class Progress(Struct, frozen=True, kw_only=True):
    cause: str
    since: datetime
    started_at: datetime
    total: int
    resent: int = 0
    skipped: int = 0
    """sent again by somebody else meanwhile, or gone"""
    failed_again: int = 0
    """of those resent"""
    over: bool = False
    stopped: bool = False
    """before the end, because the cause is still there"""

    @property
    def done(self) -> int:
        return self.resent + self.skipped


class ResendFailed:
    """One run at a time for each installation; used within one event loop."""

    def __init__(
        self,
        *,
        history: History,
        resend: Resend,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._history = history
        self._resend = resend
        self._clock = clock
        self._sleep = sleep
        self._progress: dict[InstallationId, Progress] = {}
        self._runs: dict[InstallationId, asyncio.Task[None]] = {}
        self._begins = asyncio.Lock()

    async def start(
        self,
        installation_id: InstallationId,
        *,
        cause: str,
        since: datetime,
        seen_at: datetime,
        confirmed: bool = False,
        reads_only: bool = False,
    ) -> Progress | NeedsConfirmation:
        """Events of this cause from `since` on, as the person saw them at `seen_at`; the run that goes on already, if
        there is one. `reads_only` leaves out what would change something in the ERP."""
        async with self._begins:
            running = self._runs.get(installation_id)
            if running is not None and not running.done():
                return self._progress[installation_id]
            rows = await self._failed(installation_id, cause, since, seen_at)
            writes = [row for row in rows if row.kind in WRITES]
            if reads_only:
                rows = [row for row in rows if row.kind not in WRITES]
            elif writes and not confirmed:
                return NeedsConfirmation(writes=len(writes))
            progress = Progress(cause=cause, since=since, started_at=self._clock.now(), total=len(rows))
            self._progress[installation_id] = progress
            self._runs[installation_id] = asyncio.create_task(self._run(installation_id, rows))
            return progress

    def progress(self, installation_id: InstallationId) -> Progress | None:
        """Of the run that goes on, else of the last one; None: there was none in this process."""
        return self._progress.get(installation_id)

    async def stop(self) -> None:
        """What was not sent again is left as it is."""
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)

    async def _failed(
        self, installation_id: InstallationId, cause: str, since: datetime, seen_at: datetime
    ) -> Sequence[EventRow]:
        """The oldest first."""
        filters = Filters(group=Group.FAILED, cause=cause, since=since, until=seen_at, shell="chat")  # noqa: S604
        rows: list[EventRow] = []
        page = await self._history.events(installation_id, filters, limit=PAGE)
        rows += page.rows
        while page.older is not None and len(rows) < EVENTS_MAX:
            page = await self._history.events(installation_id, filters, older_than=page.older, limit=PAGE)
            rows += page.rows
        return rows[::-1]

    async def _run(self, installation_id: InstallationId, rows: Sequence[EventRow]) -> None:
        in_vain = 0
        try:
            for row in rows:
                ended = await self._again(installation_id, row)
                if ended is not None:
                    in_vain = in_vain + 1 if ended.cause == row.cause else 0
                if in_vain == IN_VAIN:
                    self._count(installation_id, stopped=True)
                    break
        finally:
            self._count(installation_id, over=True)

    async def _again(self, installation_id: InstallationId, row: EventRow) -> EventRow | None:
        """As it stands after its repetition; None: there was none."""
        before = self._progress[installation_id]
        try:
            chain = await self._history.chain(installation_id, row)
            if not chain or chain[-1].seq != row.seq:
                self._count(installation_id, skipped=before.skipped + 1)
                return None
            number = Lineage(row.key, row.seq).number
            answer = await self._resend(installation_id, row.seq, seen=number, confirmed=True)
            if not isinstance(answer, Resent):
                self._count(installation_id, skipped=before.skipped + 1)
                return None
            self._count(installation_id, resent=before.resent + 1)
            ended = await self._ended(installation_id, row)
        except Failure:
            self._count(installation_id, skipped=before.skipped + 1)
            return None
        if ended.cause is not None:
            self._count(installation_id, failed_again=before.failed_again + 1)
        return ended

    async def _ended(self, installation_id: InstallationId, row: EventRow) -> EventRow:
        deadline = self._clock.monotonic() + WAIT_S
        while True:
            await self._sleep(LOOK_EVERY_S)
            last = (await self._history.chain(installation_id, row) or [row])[-1]
            if not last.waiting or self._clock.monotonic() >= deadline:
                return last

    def _count(self, installation_id: InstallationId, **values: object) -> None:
        self._progress[installation_id] = msgspec.structs.replace(self._progress[installation_id], **values)

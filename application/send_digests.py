"""The digest: once a day at eight in the provider's own zone, for those who want it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from application.notice_ports import Notices, Problems
from application.ports import Clock, Installations
from application.tell_people import TellPeople
from domain.identifiers import InstallationId
from domain.installation import Installation
from domain.notice import Digest, PastProblem

AT = time(8)
UNTIL = time(12)
"""a digest that is later than that is left out"""


class SendDigests:
    def __init__(
        self, *, installations: Installations, notices: Notices, problems: Problems, clock: Clock, tell: TellPeople
    ) -> None:
        self._installations = installations
        self._notices = notices
        self._problems = problems
        self._clock = clock
        self._tell = tell
        self._kept: dict[InstallationId, date] = {}
        """the newest digests that surely are kept"""

    async def __call__(self) -> None:
        for installation in await self._installations.all():
            if not installation.policies.daily_digest:
                continue
            zone = ZoneInfo(installation.policies.timezone)
            local = self._clock.now().astimezone(zone)
            day = local.date() - timedelta(days=1)
            if AT <= local.time() < UNTIL and self._kept.get(installation.id) != day:
                await self._tell(installation.id, await self._digest(installation, day, zone))
                self._kept[installation.id] = day

    async def _digest(self, installation: Installation, day: date, zone: ZoneInfo) -> Digest:
        start = datetime.combine(day, time(), zone)
        end = datetime.combine(day + timedelta(days=1), time(), zone)
        tally = dict(await self._notices.tally(installation.id, start, end))
        return Digest(
            day=day,
            unfinished=tally.pop("", 0),
            outcomes=tally,
            problems=tuple(
                PastProblem(cause=each.cause, occurrences=each.occurrences, goes_on=each.over_at is None)
                for each in await self._problems.of(installation.id)
                if each.last_at >= start and each.first_at < end
            ),
        )

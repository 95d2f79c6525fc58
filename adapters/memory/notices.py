"""Problems and notices in plain dicts, encoded on their way in and out: the reference implementation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import asdict, replace

from application.notice_ports import KeptNotice, NewNotice
from domain.identifiers import InstallationId
from domain.notice import NoticeKind
from domain.problem import Occurrences, Problem, recur

_decode = msgspec.json.Decoder(KeptNotice).decode


class MemoryNotices:
    """`exists`: whether there is such an installation. `outcomes`: when each notification was accepted, and the tag of its
    outcome."""

    def __init__(self, *, exists: Callable[[InstallationId], bool] = lambda _: True) -> None:
        self.exists = exists
        self._kept: dict[int, bytes] = {}
        self._last_id = 0
        self.outcomes: list[tuple[InstallationId, datetime, str]] = []

    def remove(self, installation_id: InstallationId) -> None:
        self._kept = {each.id: self._kept[each.id] for each in self._all() if each.installation_id != installation_id}

    async def keep(self, notice: NewNotice) -> bool:
        if not self.exists(notice.installation_id):
            return False
        if notice.kind is NoticeKind.DIGEST and any(
            (each.installation_id, each.kind, each.cause) == (notice.installation_id, notice.kind, notice.cause)
            for each in self._all()
        ):
            return False
        self._last_id += 1
        self._keep(KeptNotice(id=self._last_id, tries=0, sent_at=None, failure="", **asdict(notice)))
        return True

    async def take(self, now: datetime, *, lease_s: float) -> KeptNotice | None:
        due = [
            (each.next_try_at, each.id, each) for each in self._all() if each.next_try_at and each.next_try_at <= now
        ]
        if not due:
            return None
        _, _, notice = min(due)
        return self._keep(replace(notice, tries=notice.tries + 1, next_try_at=now + timedelta(seconds=lease_s)))

    async def sent(self, notice: KeptNotice, at: datetime) -> None:
        if notice.id in self._kept:
            self._keep(replace(notice, next_try_at=None, sent_at=at, failure=""))

    async def failed(self, notice: KeptNotice, cause: str, next_try_at: datetime | None) -> None:
        if notice.id in self._kept:
            self._keep(replace(notice, next_try_at=next_try_at, failure=cause))

    async def recent(
        self, installation_id: InstallationId, *, before_id: int | None = None, limit: int = 50
    ) -> Sequence[KeptNotice]:
        mine = [each for each in self._all() if each.installation_id == installation_id]
        return [each for each in reversed(mine) if before_id is None or each.id < before_id][:limit]

    async def tally(self, installation_id: InstallationId, start: datetime, end: datetime) -> Mapping[str, int]:
        tags = [tag for whose, at, tag in self.outcomes if whose == installation_id and start <= at < end]
        return {tag: tags.count(tag) for tag in set(tags)}

    def _all(self) -> list[KeptNotice]:
        return [_decode(kept) for kept in self._kept.values()]

    def _keep(self, notice: KeptNotice) -> KeptNotice:
        self._kept[notice.id] = msgspec.json.encode(notice)
        return notice


class MemoryProblems:
    def __init__(self, notices: MemoryNotices) -> None:
        self._notices = notices
        self._kept: dict[tuple[InstallationId, str], Problem] = {}

    def remove(self, installation_id: InstallationId) -> None:
        """With the notices."""
        self._kept = {key: problem for key, problem in self._kept.items() if key[0] != installation_id}
        self._notices.remove(installation_id)

    async def count(self, seen: Sequence[Occurrences]) -> None:
        for each in seen:
            if self._notices.exists(each.installation_id):
                key = each.installation_id, each.cause
                self._kept[key] = recur(self._kept.get(key), each)

    async def open(self) -> Sequence[Problem]:
        return [each for each in self._kept.values() if each.over_at is None]

    async def settle(self, before: Problem, after: Problem, notice: NewNotice | None) -> bool:
        key = before.installation_id, before.cause
        now = self._kept.get(key)
        if now is None or (now.first_at, now.tellings, now.over_at) != (before.first_at, before.tellings, None):
            return False
        if after.over_at is not None and now.last_at != before.last_at:
            return False
        self._kept[key] = replace(now, tellings=after.tellings, told_at=after.told_at, over_at=after.over_at)
        if notice is not None:
            await self._notices.keep(notice)
        return True

    async def of(self, installation_id: InstallationId) -> Sequence[Problem]:
        mine = [each for each in self._kept.values() if each.installation_id == installation_id]
        mine.sort(key=lambda each: each.last_at, reverse=True)
        return sorted(mine, key=lambda each: each.over_at is not None)

    async def mute(self, installation_id: InstallationId, cause: str, until: datetime | None) -> bool:
        problem = self._kept.get((installation_id, cause))
        if problem is None:
            return False
        self._kept[installation_id, cause] = replace(problem, muted_until=until)
        return True

"""The registry of outages in plain dicts: the reference implementation."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from application.outage_ports import ChangeOutage, Lapse, Told
from application.ports import Clock
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId, Source, version_of

_decode = msgspec.json.Decoder(DeclaredOutage).decode
_Key = tuple[InstallationId, OutageId]


class MemoryOutages:
    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[_Key, bytes] = {}
        self._tellings: dict[tuple[InstallationId, str, ChatId, str], tuple[NotificationKey, bool]] = {}
        self._asked: dict[_Key, tuple[datetime, bool]] = {}
        """the end about which people were asked, and whether they were told that it has come"""

    def remove(self, installation_id: InstallationId) -> None:
        """Everything of this installation."""
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] != installation_id}
        self._tellings = {key: kept for key, kept in self._tellings.items() if key[0] != installation_id}
        self._asked = {key: kept for key, kept in self._asked.items() if key[0] != installation_id}

    async def standing(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        now = self._clock.now()
        return sorted((each for each in self._of(installation_id) if each.stands(now)), key=_by_start)

    async def just_ended(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        now = self._clock.now()
        return [
            each
            for each in self._of(installation_id)
            if each.ended_at is not None and now - timedelta(hours=1) < each.ended_at <= now < each.expires_at
        ]

    async def recent(self, installation_id: InstallationId, *, limit: int = 50) -> Sequence[DeclaredOutage]:
        in_order = sorted(self._of(installation_id), key=lambda each: each.id)
        return sorted(in_order, key=lambda each: each.started_at, reverse=True)[:limit]

    async def get(self, installation_id: InstallationId, outage_id: OutageId) -> DeclaredOutage | None:
        kept = self._kept.get((installation_id, outage_id))
        return None if kept is None else _decode(kept)

    async def change(
        self, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage
    ) -> DeclaredOutage | None:
        """Here nobody knows which installations are gone."""
        present = await self.get(installation_id, outage_id)
        changed = change(present)
        if changed is None:
            return present
        self._kept[installation_id, outage_id] = msgspec.json.encode(changed)
        return changed

    async def tell(
        self, installation_id: InstallationId, chat_id: ChatId, outage: Outage, by: NotificationKey, *, closes: bool
    ) -> bool:
        told = (installation_id, outage.id, chat_id, version_of(outage))
        return self._tellings.setdefault(told, (by, closes))[0] == by

    async def told(self, installation_id: InstallationId) -> Mapping[OutageId, Told]:
        chats: dict[OutageId, set[ChatId]] = {}
        closed: dict[OutageId, set[ChatId]] = {}
        for (of, outage_id, chat_id, _), (_, closes) in self._tellings.items():
            if of == installation_id:
                chats.setdefault(OutageId(outage_id), set()).add(chat_id)
                closed.setdefault(OutageId(outage_id), set()).update([chat_id] if closes else [])
        return {each: Told(chats=len(chats[each]), closed=len(closed[each])) for each in chats}

    async def lapsing(self) -> Sequence[Lapse]:
        now = self._clock.now()
        lapsing = []
        for key, kept in self._kept.items():
            outage = _decode(kept)
            expired = outage.expires_at <= now
            asked = self._asked.get(key) in {(outage.expires_at, True), (outage.expires_at, expired)}
            if asked or outage.source is Source.ERP or outage.ended_at is not None or now < outage.asks_at:
                continue
            self._asked[key] = (outage.expires_at, expired)
            lapsing.append(Lapse(installation_id=key[0], outage=outage, expired=expired))
        return lapsing

    def _of(self, installation_id: InstallationId) -> Sequence[DeclaredOutage]:
        return [_decode(kept) for (of, _), kept in self._kept.items() if of == installation_id]


def _by_start(outage: DeclaredOutage) -> tuple[datetime, OutageId]:
    return outage.started_at, outage.id

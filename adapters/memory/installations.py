"""The installations in a plain dict, encoded on their way in and out: the reference implementation."""

from collections.abc import Callable, Sequence

import msgspec

from adapters.memory.journal import MemoryJournal
from adapters.memory.notices import MemoryProblems
from adapters.memory.outages import MemoryOutages
from application.failures import Rejected
from domain.identifiers import InstallationId, Secret
from domain.installation import Installation

_decode = msgspec.json.Decoder(Installation).decode


class MemoryInstallations:
    """`journal`, `outages`, `problems`: what is kept there for an installation goes with it."""

    def __init__(
        self,
        journal: MemoryJournal | None = None,
        outages: MemoryOutages | None = None,
        problems: MemoryProblems | None = None,
    ) -> None:
        self._journal = journal
        self._outages = outages
        self._problems = problems
        self._kept: dict[InstallationId, bytes] = {}

    async def get(self, installation_id: InstallationId) -> Installation | None:
        return self.at_hand(installation_id)

    def at_hand(self, installation_id: InstallationId) -> Installation | None:
        kept = self._kept.get(installation_id)
        return None if kept is None else _decode(kept)

    async def by_webhook_key(self, key: str) -> Installation | None:
        return next((each for each in await self.all() if each.webhook_key.reveal() == key), None)

    async def by_flow_key(self, key: str) -> Installation | None:
        return next((each for each in await self.all() if key and each.flow_api_key.reveal() == key), None)

    async def by_outage_key(self, key: str) -> Installation | None:
        return next((each for each in await self.all() if key and each.outage_api_key.reveal() == key), None)

    async def all(self) -> Sequence[Installation]:
        """In the order of their ids."""
        return [_decode(kept) for _, kept in sorted(self._kept.items())]

    async def save(self, installation: Installation) -> None:
        """`Rejected` when another installation has this webhook key."""
        holder = await self.by_webhook_key(installation.webhook_key.reveal())
        if holder is not None and holder.id != installation.id:
            raise Rejected("installation.webhook_key_taken", "another installation has this webhook key")
        self._kept[installation.id] = msgspec.json.encode(installation)

    async def change(
        self, installation_id: InstallationId, change: Callable[[Installation], Installation]
    ) -> Installation | None:
        installation = await self.get(installation_id)
        if installation is None:
            return None
        changed = change(installation)
        await self.save(changed)
        return changed

    async def remove(self, installation_id: InstallationId) -> bool:
        if self._journal is not None:
            self._journal.remove(installation_id)
        if self._outages is not None:
            self._outages.remove(installation_id)
        if self._problems is not None:
            self._problems.remove(installation_id)
        return self._kept.pop(installation_id, None) is not None

    async def pin_webhook_token(self, installation_id: InstallationId, token: str) -> None:
        """The first token stays. An installation that was removed meanwhile stays removed."""
        installation = await self.get(installation_id)
        if installation is not None and not installation.webhook_token:
            await self.save(msgspec.structs.replace(installation, webhook_token=Secret(value=token)))

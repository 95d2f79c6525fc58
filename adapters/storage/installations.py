"""The installations in one SQLite file, each sealed as a whole."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from adapters.storage.installation_cache import installation_cache, key_hash
from adapters.storage.installation_rows import alter, pin_token, store, take_away
from adapters.storage.seal import Seal
from adapters.storage.tables import to_microseconds
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Writer
from application.ports import Clock
from domain.identifiers import InstallationId
from domain.installation import Installation


class SqliteInstallations:
    """Implements `application.ports.Installations`."""

    def __init__(self, *, writer: Writer, reader: Engine, seal: Seal, clock: Clock, unfinished: Unfinished) -> None:
        """Reads them all; `Unsealable` when the keys do not open one of them."""
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._unfinished = unfinished
        self._cache = installation_cache(reader, seal, clock)
        self._cache.current()

    async def get(self, installation_id: InstallationId) -> Installation | None:
        return self._cache.current().by_id.get(installation_id)

    def at_hand(self, installation_id: InstallationId) -> Installation | None:
        return self._cache.at_hand().by_id.get(installation_id)

    async def by_webhook_key(self, key: str) -> Installation | None:
        return self._cache.current().by_key_hash.get(key_hash(key))

    async def by_flow_key(self, key: str) -> Installation | None:
        return self._cache.current().by_flow_key_hash.get(key_hash(key))

    async def by_outage_key(self, key: str) -> Installation | None:
        return self._cache.current().by_outage_key_hash.get(key_hash(key))

    async def all(self) -> Sequence[Installation]:
        """In the order of their ids."""
        return self._cache.current().in_order()

    async def save(self, installation: Installation) -> None:
        """`Rejected` when another installation has this webhook key."""
        await self._writer.run(
            lambda connection: store(connection, installation, self._seal, self._now()),
            then=lambda _: self._cache.outdated(),
            guarded=True,
        )

    async def change(
        self, installation_id: InstallationId, change: Callable[[Installation], Installation]
    ) -> Installation | None:
        return await self._writer.run(
            lambda connection: alter(connection, installation_id, change, self._seal, self._now()),
            then=lambda _: self._cache.outdated(),
            guarded=True,
        )

    async def remove(self, installation_id: InstallationId) -> bool:
        def drop(_: bool) -> None:
            self._unfinished.drop_installation(installation_id)
            self._cache.outdated()

        return await self._writer.run(lambda connection: take_away(connection, installation_id), then=drop)

    async def pin_webhook_token(self, installation_id: InstallationId, token: str) -> None:
        """The first token stays. An installation that was removed meanwhile stays removed."""
        await self._writer.run(
            lambda connection: pin_token(connection, installation_id, token, self._seal, self._now()),
            then=lambda _: self._cache.outdated(),
            guarded=True,
        )

    def _now(self) -> int:
        return to_microseconds(self._clock.now())

"""The installations in PostgreSQL, each sealed as a whole and shared by all processes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.installation_cache import Snapshot, installation_cache, key_hash
from adapters.storage.installation_rows import alter, pin_token, store, take_away
from adapters.storage.seal import Seal
from adapters.storage.tables import to_microseconds
from adapters.storage.waiting import failed
from application.ports import Clock
from domain.identifiers import InstallationId
from domain.installation import Installation

FRESH_FOR_S = 1.0
"""how long a change by another process may go unseen; this process's own are seen at once"""

T = TypeVar("T")


class PostgresInstallations:
    """Implements `application.ports.Installations`. Whatever may wait for the database waits on a thread."""

    def __init__(self, *, engine: Engine, seal: Seal, clock: Clock) -> None:
        """Reads them all; `Unsealable` when the keys do not open one of them."""
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._cache = installation_cache(engine, seal, clock, fresh_for_s=FRESH_FOR_S)
        self._cache.current()

    async def get(self, installation_id: InstallationId) -> Installation | None:
        return (await self._current()).by_id.get(installation_id)

    def at_hand(self, installation_id: InstallationId) -> Installation | None:
        return self._cache.at_hand().by_id.get(installation_id)

    async def by_webhook_key(self, key: str) -> Installation | None:
        return (await self._current()).by_key_hash.get(key_hash(key))

    async def by_flow_key(self, key: str) -> Installation | None:
        return (await self._current()).by_flow_key_hash.get(key_hash(key))

    async def by_outage_key(self, key: str) -> Installation | None:
        return (await self._current()).by_outage_key_hash.get(key_hash(key))

    async def all(self) -> Sequence[Installation]:
        """In the order of their ids."""
        return (await self._current()).in_order()

    async def save(self, installation: Installation) -> None:
        """`Rejected` when another installation has this webhook key."""
        await self._change(lambda connection: store(connection, installation, self._seal, self._now()))

    async def change(
        self, installation_id: InstallationId, change: Callable[[Installation], Installation]
    ) -> Installation | None:
        return await self._change(
            lambda connection: alter(connection, installation_id, change, self._seal, self._now())
        )

    async def remove(self, installation_id: InstallationId) -> bool:
        return await self._change(lambda connection: take_away(connection, installation_id))

    async def pin_webhook_token(self, installation_id: InstallationId, token: str) -> None:
        """The first token stays. An installation that was removed meanwhile stays removed."""
        await self._change(lambda connection: pin_token(connection, installation_id, token, self._seal, self._now()))

    async def _current(self) -> Snapshot:
        fresh = self._cache.fresh()
        return await asyncio.to_thread(self._cache.current) if fresh is None else fresh

    async def _change(self, change: Callable[[Connection], T]) -> T:
        def commit() -> T:
            try:
                with self._engine.begin() as connection:
                    return change(connection)
            except DBAPIError:
                raise failed() from None
            finally:
                self._cache.outdated()

        return await asyncio.to_thread(commit)

    def _now(self) -> int:
        return to_microseconds(self._clock.now())

"""The installations in one SQLite file, each sealed as a whole."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError

from adapters.storage.installation_cache import InstallationCache, decode_installation, key_hash
from adapters.storage.seal import Seal
from adapters.storage.tables import inbox, installations, to_microseconds, unknown
from adapters.storage.unfinished import Unfinished
from adapters.storage.writer import Writer
from application.failures import Rejected
from application.ports import Clock
from domain.identifiers import InstallationId, Secret
from domain.installation import Installation

_BUMP = "UPDATE installations_revision SET value = value + 1 RETURNING value"


class SqliteInstallations:
    """Implements `application.ports.Installations`."""

    def __init__(self, *, writer: Writer, reader: Engine, seal: Seal, clock: Clock, unfinished: Unfinished) -> None:
        """Reads them all; `Unsealable` when the keys do not open one of them."""
        self._writer = writer
        self._seal = seal
        self._clock = clock
        self._unfinished = unfinished
        self._cache = InstallationCache(reader, seal, clock)
        self._cache.current()

    async def get(self, installation_id: InstallationId) -> Installation | None:
        return self._cache.current().by_id.get(installation_id)

    async def by_webhook_key(self, key: str) -> Installation | None:
        return self._cache.current().by_key_hash.get(key_hash(key))

    async def all(self) -> Sequence[Installation]:
        """In the order of their ids."""
        return [installation for _, installation in sorted(self._cache.current().by_id.items())]

    async def save(self, installation: Installation) -> None:
        """`Rejected` when another installation has this webhook key."""
        await self._writer.run(
            lambda connection: self._store(connection, installation),
            then=lambda _: self._cache.outdated(),
            guarded=True,
        )

    async def remove(self, installation_id: InstallationId) -> bool:
        def take_away(connection: Connection) -> bool:
            connection.execute(delete(inbox).where(inbox.c.installation_id == installation_id))
            connection.execute(delete(unknown).where(unknown.c.installation_id == installation_id))
            removed = connection.execute(delete(installations).where(installations.c.id == installation_id)).rowcount
            _bump(connection)
            return removed > 0

        def drop(_: bool) -> None:
            self._unfinished.drop_installation(installation_id)
            self._cache.outdated()

        return await self._writer.run(take_away, then=drop)

    async def pin_webhook_token(self, installation_id: InstallationId, token: str) -> None:
        """The first token stays. An installation that was removed meanwhile stays removed."""

        def pin(connection: Connection) -> None:
            wanted = select(installations.c.sealed).where(installations.c.id == installation_id)
            sealed = connection.execute(wanted).scalar_one_or_none()
            if sealed is None:
                return
            installation = decode_installation(self._seal.unseal(sealed))
            if not installation.webhook_token:
                self._store(connection, msgspec.structs.replace(installation, webhook_token=Secret(value=token)))

        await self._writer.run(pin, then=lambda _: self._cache.outdated(), guarded=True)

    def _store(self, connection: Connection, installation: Installation) -> None:
        now = to_microseconds(self._clock.now())
        row = {
            "company_id": installation.company_id,
            "name": installation.name,
            "webhook_key_hash": key_hash(installation.webhook_key.reveal()),
            "sealed": self._seal.seal(msgspec.json.encode(installation)),
            "revision": _bump(connection),
            "updated_at": now,
        }
        upsert = insert(installations).values(id=installation.id, created_at=now, **row)
        try:
            connection.execute(upsert.on_conflict_do_update(index_elements=[installations.c.id], set_=row))
        except IntegrityError:
            raise Rejected("installation.webhook_key_taken", "another installation has this webhook key") from None


def _bump(connection: Connection) -> int:
    return int(connection.exec_driver_sql(_BUMP).scalar_one())

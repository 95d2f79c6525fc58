"""All installations in memory, opened; a counter in the database tells when another process changed one."""

import threading
from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.storage.seal import Seal
from application.failures import Unavailable
from application.ports import Clock
from domain.identifiers import InstallationId
from domain.installation import Installation

FRESH_FOR_S = 0.2
"""how long a change by another process may go unseen; this process's own are seen at once"""

_REVISION = "SELECT value FROM installations_revision"
_IDS = "SELECT id FROM installations"
_CHANGED = "SELECT sealed FROM installations WHERE revision > ?"

decode_installation = msgspec.json.Decoder(Installation).decode


class Snapshot(Struct, frozen=True, kw_only=True):
    revision: int = 0
    by_id: Mapping[InstallationId, Installation] = {}
    by_key_hash: Mapping[bytes, Installation] = {}


class InstallationCache:
    """May be asked on any thread. A look at the counter takes microseconds, so it is taken where the caller stands."""

    def __init__(self, reader: Engine, seal: Seal, clock: Clock) -> None:
        self._reader = reader
        self._seal = seal
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._looked_at: float | None = None

    def current(self) -> Snapshot:
        """`Unsealable` when the keys at hand do not open an installation."""
        with self._lock:
            now = self._clock.monotonic()
            if self._looked_at is None or now - self._looked_at >= FRESH_FOR_S:
                self._snapshot = self._read()
                self._looked_at = now
            return self._snapshot

    def outdated(self) -> None:
        """Look again, whatever the time."""
        with self._lock:
            self._looked_at = None

    def _read(self) -> Snapshot:
        try:
            with self._reader.connect() as connection:
                revision = int(connection.exec_driver_sql(_REVISION).scalar_one())
                return self._snapshot if revision == self._snapshot.revision else self._changed(connection, revision)
        except DBAPIError:
            raise Unavailable("storage.failed", "the database could not read") from None

    def _changed(self, connection: Connection, revision: int) -> Snapshot:
        known = self._snapshot.by_id
        by_id = {id: known[id] for id in connection.exec_driver_sql(_IDS).scalars() if id in known}  # noqa: A001
        for sealed in connection.exec_driver_sql(_CHANGED, (self._snapshot.revision,)).scalars():
            installation = decode_installation(self._seal.unseal(sealed))
            by_id[installation.id] = installation
        by_key_hash = {key_hash(each.webhook_key.reveal()): each for each in by_id.values()}
        return Snapshot(revision=revision, by_id=by_id, by_key_hash=by_key_hash)


def key_hash(webhook_key: str) -> bytes:
    """What is stored of a webhook key in the clear: enough to find it, not to use it."""
    return blake2b(webhook_key.encode("utf-8", "surrogatepass"), digest_size=32).digest()

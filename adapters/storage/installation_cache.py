"""All installations in memory, opened; a counter in the database tells when another process changed one."""

import threading
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from adapters.storage.seal import Seal
from adapters.storage.tables import installations, installations_revision
from application.failures import Unavailable
from application.ports import Clock
from domain.identifiers import InstallationId
from domain.installation import Installation

FRESH_FOR_S = 0.2
"""how long a change by another process may go unseen; this process's own are seen at once"""

REST_S = 0.5
"""after a look that failed, so that those who queue up behind it are told so and do not each try for themselves"""

_REVISION = select(installations_revision.c.value)
_IDS = select(installations.c.id)
_SEALED = select(installations.c.sealed)

decode_installation = msgspec.json.Decoder(Installation).decode


class Snapshot(Struct, frozen=True, kw_only=True):
    revision: int = 0
    by_id: Mapping[InstallationId, Installation] = {}
    by_key_hash: Mapping[bytes, Installation] = {}
    by_flow_key_hash: Mapping[bytes, Installation] = {}
    by_outage_key_hash: Mapping[bytes, Installation] = {}

    def in_order(self) -> Sequence[Installation]:
        """Of their ids."""
        return [installation for _, installation in sorted(self.by_id.items())]


class InstallationCache:
    """May be asked on any thread. A look at the counter takes microseconds, so it is taken where the caller stands."""

    def __init__(self, reader: Engine, seal: Seal, clock: Clock, *, fresh_for_s: float = FRESH_FOR_S) -> None:
        self._reader = reader
        self._seal = seal
        self._clock = clock
        self._fresh_for_s = fresh_for_s
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._looked_at: float | None = None
        self._failed_at: float | None = None

    def current(self) -> Snapshot:
        """`Unsealable` when the keys at hand do not open an installation."""
        with self._lock:
            now = self._clock.monotonic()
            if not self._is_fresh(now):
                self._look(now)
            return self._snapshot

    def fresh(self) -> Snapshot | None:
        """`current()` where that asks nobody, at once; else None."""
        return self._snapshot if self._is_fresh(self._clock.monotonic()) else None

    def at_hand(self) -> Snapshot:
        """As last looked at; asks nobody."""
        return self._snapshot

    def outdated(self) -> None:
        """Look again, whatever the time."""
        with self._lock:
            self._looked_at = self._failed_at = None

    def _look(self, now: float) -> None:
        if self._failed_at is not None and now - self._failed_at < REST_S:
            raise _failed()
        try:
            self._snapshot = self._read()
        except DBAPIError:
            self._failed_at = self._clock.monotonic()
            raise _failed() from None
        self._looked_at, self._failed_at = now, None

    def _is_fresh(self, now: float) -> bool:
        looked_at = self._looked_at
        return looked_at is not None and now - looked_at < self._fresh_for_s

    def _read(self) -> Snapshot:
        with self._reader.connect() as connection:
            revision = int(connection.execute(_REVISION).scalar_one())
            return self._snapshot if revision == self._snapshot.revision else self._changed(connection, revision)

    def _changed(self, connection: Connection, revision: int) -> Snapshot:
        known = self._snapshot.by_id
        by_id = {id: known[id] for id in connection.execute(_IDS).scalars() if id in known}  # noqa: A001
        changed = _SEALED.where(installations.c.revision > self._snapshot.revision)
        for sealed in connection.execute(changed).scalars():
            installation = decode_installation(self._seal.unseal(sealed))
            by_id[installation.id] = installation
        return Snapshot(
            revision=revision,
            by_id=by_id,
            by_key_hash={key_hash(each.webhook_key.reveal()): each for each in by_id.values()},
            by_flow_key_hash={
                key_hash(each.flow_api_key.reveal()): each for each in by_id.values() if each.flow_api_key
            },
            by_outage_key_hash={
                key_hash(each.outage_api_key.reveal()): each for each in by_id.values() if each.outage_api_key
            },
        )


def _failed() -> Unavailable:
    return Unavailable("storage.failed", "the database could not read")


def key_hash(key: str) -> bytes:
    """What is stored of a webhook key in the clear: enough to find it, not to use it."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).digest()

"""All installations in memory, opened; a counter in the database tells when another process changed one."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec
from sqlalchemy import Connection, Engine, select

from adapters.storage.revision_cache import Revised, RevisionCache
from adapters.storage.seal import Seal
from adapters.storage.tables import installations, installations_revision
from application.ports import Clock
from domain.identifiers import InstallationId
from domain.installation import Installation

FRESH_FOR_S = 0.2
"""how long a change by another process may go unseen; this process's own are seen at once"""

_REVISION = select(installations_revision.c.value)
_IDS = select(installations.c.id)
_SEALED = select(installations.c.sealed)

decode_installation = msgspec.json.Decoder(Installation).decode


class Snapshot(Revised, frozen=True, kw_only=True):
    by_id: Mapping[InstallationId, Installation] = {}
    by_key_hash: Mapping[bytes, Installation] = {}
    by_flow_key_hash: Mapping[bytes, Installation] = {}
    by_outage_key_hash: Mapping[bytes, Installation] = {}

    def in_order(self) -> Sequence[Installation]:
        """Of their ids."""
        return [installation for _, installation in sorted(self.by_id.items())]


def installation_cache(
    reader: Engine, seal: Seal, clock: Clock, *, fresh_for_s: float = FRESH_FOR_S
) -> RevisionCache[Snapshot]:
    """Asked for what is current, it raises `Unsealable` when the keys at hand do not open an installation."""

    def changed(connection: Connection, revision: int, before: Snapshot) -> Snapshot:
        known = before.by_id
        by_id = {id: known[id] for id in connection.execute(_IDS).scalars() if id in known}  # noqa: A001
        for sealed in connection.execute(_SEALED.where(installations.c.revision > before.revision)).scalars():
            installation = decode_installation(seal.unseal(sealed))
            by_id[installation.id] = installation
        return _snapshot(revision, by_id)

    return RevisionCache(
        reader, revision=_REVISION, first=Snapshot(), read=changed, clock=clock, fresh_for_s=fresh_for_s
    )


def _snapshot(revision: int, by_id: Mapping[InstallationId, Installation]) -> Snapshot:
    everybody = by_id.values()
    return Snapshot(
        revision=revision,
        by_id=by_id,
        by_key_hash={key_hash(each.webhook_key.reveal()): each for each in everybody},
        by_flow_key_hash={key_hash(each.flow_api_key.reveal()): each for each in everybody if each.flow_api_key},
        by_outage_key_hash={key_hash(each.outage_api_key.reveal()): each for each in everybody if each.outage_api_key},
    )


def key_hash(key: str) -> bytes:
    """What is stored of a webhook key in the clear: enough to find it, not to use it."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).digest()

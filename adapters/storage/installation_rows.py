"""The installations as rows, each sealed as a whole: what both databases write, inside the caller's transaction."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from adapters.storage.installation_cache import decode_installation, key_hash
from adapters.storage.outage_rows import take_outages_away
from adapters.storage.seal import Seal
from adapters.storage.tables import audit, inbox, installations, installations_revision, notices, problems, unknown
from application.failures import Rejected
from domain.identifiers import InstallationId, Secret
from domain.installation import Installation

_COUNTER = select(installations_revision.c.value).with_for_update()
"""taken first by everybody who changes an installation, so that no two wait for each other"""
_BUMP = "UPDATE installations_revision SET value = value + 1 RETURNING value"


def store(connection: Connection, installation: Installation, seal: Seal, now: int) -> None:
    """`Rejected` when another installation has this webhook key: the transaction must be undone then."""
    row = {
        "company_id": installation.company_id,
        "name": installation.name,
        "webhook_key_hash": key_hash(installation.webhook_key.reveal()),
        "sealed": seal.seal(msgspec.json.encode(installation)),
        "revision": _bump(connection),
        "updated_at": now,
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    upsert = insert(installations).values(id=installation.id, created_at=now, **row)
    try:
        connection.execute(upsert.on_conflict_do_update(index_elements=[installations.c.id], set_=row))
    except IntegrityError:
        raise Rejected("installation.webhook_key_taken", "another installation has this webhook key") from None


def take_away(connection: Connection, installation_id: InstallationId) -> bool:
    """With everything that is kept for it; False: there was none."""
    _bump(connection)
    connection.execute(delete(inbox).where(inbox.c.installation_id == installation_id))
    connection.execute(delete(unknown).where(unknown.c.installation_id == installation_id))
    take_outages_away(connection, installation_id)
    for kept in (problems, notices, audit):
        connection.execute(delete(kept).where(kept.c.installation_id == installation_id))
    return connection.execute(delete(installations).where(installations.c.id == installation_id)).rowcount > 0


def alter(
    connection: Connection,
    installation_id: InstallationId,
    change: Callable[[Installation], Installation],
    seal: Seal,
    now: int,
) -> Installation | None:
    """What it is now, saved if it differs; None: there is none. `Rejected` as in `store`."""
    connection.execute(_COUNTER)
    wanted = select(installations.c.sealed).where(installations.c.id == installation_id).with_for_update()
    sealed = connection.execute(wanted).scalar_one_or_none()
    if sealed is None:
        return None
    before = decode_installation(seal.unseal(sealed))
    after = change(before)
    if after != before:
        store(connection, after, seal, now)
    return after


def pin_token(connection: Connection, installation_id: InstallationId, token: str, seal: Seal, now: int) -> None:
    """The first token stays. An installation that was removed meanwhile stays removed."""

    def pinned(installation: Installation) -> Installation:
        return installation if installation.webhook_token else replace(installation, webhook_token=Secret(value=token))

    alter(connection, installation_id, pinned, seal, now)


def _bump(connection: Connection) -> int:
    """Takes the only row of the counter, so that changes of installations come one after the other."""
    return int(connection.exec_driver_sql(_BUMP).scalar_one())

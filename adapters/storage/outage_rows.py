"""Outages as rows, each sealed as a whole: what both databases write and read, inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.storage.seal import Seal
from adapters.storage.tables import installations, outage_tellings, outages, outages_revision, to_microseconds
from application.outage_ports import ChangeOutage, Lapse, Told
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import ASKED_BEFORE, DeclaredOutage, OutageId, Source, version_of

_COUNTER = select(outages_revision.c.value).with_for_update()
"""taken first by everybody who changes an outage: changes come one after the other"""
_BUMP = "UPDATE outages_revision SET value = value + 1 RETURNING value"
# Whoever told it first stays: the row comes back as it is.
_TELL = text("""
INSERT INTO outage_tellings (installation_id, outage_id, chat_id, version, event_key, at, closed)
SELECT :installation_id, :outage_id, :chat_id, :version, :event_key, :at, :closed
WHERE EXISTS (SELECT 1 FROM installations WHERE id = :installation_id)
ON CONFLICT (installation_id, outage_id, chat_id, version) DO UPDATE SET event_key = outage_tellings.event_key
RETURNING event_key
""")

decode_outage = msgspec.json.Decoder(DeclaredOutage).decode


def change_outage(
    connection: Connection, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage, seal: Seal
) -> DeclaredOutage | None:
    connection.execute(_COUNTER)
    present = get_outage(connection, installation_id, outage_id, seal)
    changed = change(present)
    if changed is None or changed == present:
        return present
    if connection.execute(select(installations.c.id).where(installations.c.id == installation_id)).first() is None:
        return None
    row = {
        "source": changed.source,
        "started_at": to_microseconds(changed.started_at),
        "expires_at": to_microseconds(changed.expires_at),
        "ended_at": None if changed.ended_at is None else to_microseconds(changed.ended_at),
        "sealed": seal.seal(msgspec.json.encode(changed)),
        "revision": int(connection.exec_driver_sql(_BUMP).scalar_one()),
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    upsert = insert(outages).values(installation_id=installation_id, id=outage_id, **row)
    as_before = upsert.excluded.expires_at == outages.c.expires_at
    asked = {name: case((as_before, outages.c[name]), else_=None) for name in ("asked_at", "missed_at")}
    connection.execute(
        upsert.on_conflict_do_update(index_elements=[outages.c.installation_id, outages.c.id], set_={**row, **asked})
    )
    return changed


def get_outage(
    connection: Connection, installation_id: InstallationId, outage_id: OutageId, seal: Seal
) -> DeclaredOutage | None:
    wanted = select(outages.c.sealed).where(outages.c.installation_id == installation_id, outages.c.id == outage_id)
    sealed = connection.execute(wanted).scalar_one_or_none()
    return None if sealed is None else decode_outage(seal.unseal(sealed))


def recent_outages(
    connection: Connection, installation_id: InstallationId, limit: int, seal: Seal
) -> Sequence[DeclaredOutage]:
    wanted = (
        select(outages.c.sealed)
        .where(outages.c.installation_id == installation_id)
        .order_by(outages.c.started_at.desc(), outages.c.id)
        .limit(limit)
    )
    return [decode_outage(seal.unseal(sealed)) for sealed in connection.execute(wanted).scalars()]


def tell_chat(
    connection: Connection,
    installation_id: InstallationId,
    chat_id: ChatId,
    outage: Outage,
    by: NotificationKey,
    *,
    closes: bool,
    now: datetime,
) -> bool:
    telling = {
        "installation_id": installation_id,
        "outage_id": outage.id,
        "chat_id": chat_id,
        "version": version_of(outage),
        "event_key": by,
        "at": to_microseconds(now),
        "closed": closes,
    }
    told_by = connection.execute(_TELL, telling).scalar_one_or_none()
    return told_by in {None, by}


def count_told(connection: Connection, installation_id: InstallationId) -> Mapping[OutageId, Told]:
    chats = func.count(outage_tellings.c.chat_id.distinct())
    closed = func.count(case((outage_tellings.c.closed, outage_tellings.c.chat_id)).distinct())
    query = (
        select(outage_tellings.c.outage_id, chats, closed)
        .where(outage_tellings.c.installation_id == installation_id)
        .group_by(outage_tellings.c.outage_id)
    )
    return {
        OutageId(outage_id): Told(chats=chats, closed=closed) for outage_id, chats, closed in connection.execute(query)
    }


def take_lapsing(connection: Connection, now: datetime, seal: Seal) -> Sequence[Lapse]:
    """Marks what it gives; what another process is marking at this moment is left to it."""
    lapsing = []
    for row in connection.execute(select(outages).where(_lapses(now)).with_for_update(skip_locked=True)).all():
        outage = decode_outage(seal.unseal(row.sealed))
        expired = outage.expires_at <= now
        if not expired and now < outage.asks_at:
            continue
        marks = {"asked_at": to_microseconds(now), **({"missed_at": to_microseconds(now)} if expired else {})}
        mine = and_(outages.c.installation_id == row.installation_id, outages.c.id == row.id)
        connection.execute(update(outages).where(mine).values(**marks))
        lapsing.append(Lapse(installation_id=InstallationId(row.installation_id), outage=outage, expired=expired))
    return lapsing


def any_lapsing(connection: Connection, now: datetime) -> bool:
    return connection.execute(select(outages.c.id).where(_lapses(now)).limit(1)).first() is not None


def take_outages_away(connection: Connection, installation_id: InstallationId) -> None:
    """With all that is kept of who was told."""
    connection.exec_driver_sql(_BUMP)
    for table in (outages, outage_tellings):
        connection.execute(delete(table).where(table.c.installation_id == installation_id))


def _lapses(now: datetime) -> ColumnElement[bool]:
    soon, by_now = to_microseconds(now + ASKED_BEFORE), to_microseconds(now)
    return and_(
        outages.c.source != Source.ERP,
        outages.c.ended_at.is_(None),
        or_(
            and_(outages.c.asked_at.is_(None), outages.c.expires_at <= soon),
            and_(outages.c.missed_at.is_(None), outages.c.expires_at <= by_now),
        ),
    )

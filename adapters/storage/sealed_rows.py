"""What stands in the inbox and in the effects, opened."""

import zlib
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection

from adapters.storage.seal import Seal
from adapters.storage.tables import from_microseconds
from application.ports import Begun, Conclusion, EffectState, Entry
from domain.identifiers import EffectKey, InstallationId, Personal
from domain.notification import Notification
from domain.routing import tag_of
from domain.trail import Step, Trail, cause_of, masked_document, planned_ending, protocol_of

_UNFINISHED = """
SELECT seq, installation_id, accepted_at, payload, conclusion FROM inbox WHERE state <> 'finished' ORDER BY seq
"""
_THEIR_EFFECTS = """
SELECT entry_seq, key, effects.state, note FROM effects JOIN inbox ON seq = entry_seq WHERE inbox.state <> 'finished'
"""

TRAILS_KEPT = 10
"""of the first attempts at an entry, and as many of the last"""


class Payload(Personal, frozen=True, kw_only=True):
    """What is sealed in one piece for each notification."""

    notification: Notification
    raw: bytes


_payload = msgspec.msgpack.Decoder(Payload)
_conclusion = msgspec.json.Decoder(Conclusion)
_steps = msgspec.msgpack.Decoder(tuple[Step, ...])


def seal_payload(payload: Payload, seal: Seal) -> bytes:
    return seal.seal(msgspec.msgpack.encode(payload))


def unseal_payload(sealed: bytes, seal: Seal) -> Payload:
    return _payload.decode(seal.unseal(sealed))


def seal_conclusion(conclusion: Conclusion, seal: Seal) -> bytes:
    return seal.seal(msgspec.json.encode(conclusion))


def unseal_conclusion(sealed: bytes | None, seal: Seal) -> Conclusion | None:
    return None if sealed is None else _conclusion.decode(seal.unseal(sealed))


def seal_steps(trail: Trail, seal: Seal) -> bytes:
    """Redacted texts repeat themselves: pressed, they take less than half of the room."""
    return seal.seal(zlib.compress(msgspec.msgpack.encode(trail.steps), level=1))


def unseal_steps(sealed: bytes, seal: Seal) -> tuple[Step, ...]:
    return _steps.decode(zlib.decompress(seal.unseal(sealed)))


def seal_note(note: bytes, seal: Seal) -> bytes | None:
    return seal.seal(note) if note else None


def conclusion_columns(entry: Entry, conclusion: Conclusion, seal: Seal) -> tuple[str, bytes, *tuple[str | None, ...]]:
    """`outcome_tag`, `conclusion`, and what of it is not sealed: `document`, `protocol`, `flow`, `cause`."""
    outcome = conclusion.outcome
    return (
        tag_of(outcome),
        seal_conclusion(conclusion, seal),
        masked_document(entry.notification),
        protocol_of(outcome),
        planned_ending(conclusion.route.terminal),
        cause_of(outcome),
    )


def unseal_effect(state: str, note: bytes | None, seal: Seal) -> Begun:
    """What a later `begin` is told."""
    return Begun(
        state=EffectState.DONE if state == "done" else EffectState.DOUBTFUL,
        note=b"" if note is None else seal.unseal(note),
    )


def read_unfinished(connection: Connection, seal: Seal) -> Iterator[Entry]:
    """The entries that an earlier process left, oldest first."""
    for row in connection.exec_driver_sql(_UNFINISHED):
        concluded = unseal_conclusion(row.conclusion, seal)
        yield Entry(
            seq=row.seq,
            installation_id=InstallationId(row.installation_id),
            notification=unseal_payload(row.payload, seal).notification,
            accepted_at=from_microseconds(row.accepted_at),
            age_s=0,
            resumed=True,
            outcome=concluded.outcome if concluded else None,
            route=concluded.route if concluded else None,
        )


def read_their_effects(connection: Connection, seal: Seal) -> Iterator[tuple[int, EffectKey, Begun]]:
    """The effects of the entries that an earlier process left."""
    for row in connection.exec_driver_sql(_THEIR_EFFECTS):
        yield row.entry_seq, EffectKey(row.key), unseal_effect(row.state, row.note, seal)

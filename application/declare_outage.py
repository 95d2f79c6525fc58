"""Outages that the provider's people, or its own systems, declare: opened, told anew, closed."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from application.outage_ports import OutageRegistry
from application.ports import Clock
from domain.identifiers import ProtocolNumber
from domain.installation import Installation
from domain.outage_scope import DeclaredOutage, OutageId, Scope, Source

PAST_THE_PREDICTION = timedelta(hours=1)
"""so long after its prediction an outage is still told, unless it says otherwise"""
AT_ONCE_MAX = 500
"""that stand or have just ended: they are in memory, and each change makes everybody's read anew"""


class Declaration(Struct, frozen=True, kw_only=True):
    scope: Scope
    cause: str = ""
    predicted_at: datetime | None = None
    protocol: ProtocolNumber | None = None
    expires_at: datetime | None = None
    """None: as the installation's policy says, and not before the prediction has passed"""


class Correction(Struct, frozen=True, kw_only=True):
    """What is said anew; `UNSET`: it stays as it is."""

    scope: Scope | UnsetType = UNSET
    cause: str | UnsetType = UNSET
    predicted_at: datetime | UnsetType | None = UNSET
    protocol: ProtocolNumber | UnsetType | None = UNSET
    expires_at: datetime | None = None
    """None: it goes on, and so it expires as late as one that is opened now"""


class WhyNot(StrEnum):
    UNKNOWN = "unknown"
    ENDED = "ended"
    TOLD_BY_ERP = "told_by_erp"
    """the ERP tells of it again and again: what is to be corrected is corrected there"""
    TOO_MANY = "too_many"


class DeclareOutages:
    """For one installation."""

    def __init__(self, *, registry: OutageRegistry, clock: Clock, installation: Installation) -> None:
        self._registry = registry
        self._clock = clock
        self._installation = installation

    async def open(
        self, outage_id: OutageId, declaration: Declaration, *, source: Source = Source.ADMIN
    ) -> DeclaredOutage | WhyNot:
        """From now on. The same id again, while that outage stands, tells it anew; `ENDED`: the id was used before."""
        if not await self._has_room(outage_id):
            return WhyNot.TOO_MANY
        now = self._clock.now()
        fresh = DeclaredOutage(
            id=outage_id,
            source=source,
            scope=declaration.scope,
            cause=declaration.cause,
            predicted_at=declaration.predicted_at,
            protocol=declaration.protocol,
            started_at=now,
            expires_at=declaration.expires_at or self._expiry(now, declaration.predicted_at),
        )

        def declare(present: DeclaredOutage | None) -> DeclaredOutage | None:
            if present is None:
                return fresh
            return replace(fresh, started_at=present.started_at) if _why_fixed(present) is None else None

        kept = await self._registry.change(self._installation.id, outage_id, declare)
        return WhyNot.UNKNOWN if kept is None else _why_fixed(kept) or kept

    async def correct(self, outage_id: OutageId, correction: Correction) -> DeclaredOutage | WhyNot:
        """It goes on, and this is new about it. One that has expired is told again."""
        now = self._clock.now()

        def corrected(present: DeclaredOutage | None) -> DeclaredOutage | None:
            if present is None or _why_fixed(present) is not None:
                return None
            told = replace(
                present,
                scope=present.scope if correction.scope is UNSET else correction.scope,
                cause=present.cause if correction.cause is UNSET else correction.cause,
                predicted_at=present.predicted_at if correction.predicted_at is UNSET else correction.predicted_at,
                protocol=present.protocol if correction.protocol is UNSET else correction.protocol,
            )
            later = max(present.expires_at, self._expiry(now, told.predicted_at))
            return replace(told, expires_at=correction.expires_at or later)

        kept = await self._registry.change(self._installation.id, outage_id, corrected)
        return WhyNot.UNKNOWN if kept is None else _why_fixed(kept) or kept

    async def close(self, outage_id: OutageId, *, source: Source = Source.ADMIN) -> DeclaredOutage | WhyNot:
        """Nobody is told of it any more. Closed again, it stays closed as it was."""
        now = self._clock.now()

        def ended(present: DeclaredOutage | None) -> DeclaredOutage | None:
            return replace(present, ended_at=now, ended_by=source) if present and present.ended_at is None else None

        return await self._registry.change(self._installation.id, outage_id, ended) or WhyNot.UNKNOWN

    async def _has_room(self, outage_id: OutageId) -> bool:
        """For one more, or for this one told anew."""
        standing = await self._registry.standing(self._installation.id)
        ended = await self._registry.just_ended(self._installation.id)
        return len(standing) + len(ended) < AT_ONCE_MAX or any(each.id == outage_id for each in standing)

    def _expiry(self, now: datetime, predicted_at: datetime | None) -> datetime:
        expires_at = now + timedelta(hours=self._installation.policies.outage_expires_h)
        return expires_at if predicted_at is None else max(expires_at, predicted_at + PAST_THE_PREDICTION)


def _why_fixed(outage: DeclaredOutage) -> WhyNot | None:
    if outage.source is Source.ERP:
        return WhyNot.TOLD_BY_ERP
    return WhyNot.ENDED if outage.ended_at is not None else None

"""Outages as they are declared and kept: what they reach, since when, until when; and whom they explain."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from domain.customer import Contract
from domain.identifiers import ProtocolNumber
from domain.outage import Outage
from domain.typed_text import simplify

OutageId = NewType("OutageId", str)


class Reach(StrEnum):
    """What an outage is said to reach."""

    ALL = "all"
    CITY = "city"
    DISTRICT = "district"
    ACCESS_POINT = "access_point"
    CONTRACTS = "contracts"


class Scope(Struct, frozen=True, kw_only=True):
    """`names` of cities, districts or access points, or the ids or numbers of contracts; none where `reach` is ALL."""

    reach: Reach
    names: tuple[str, ...] = ()


class Source(StrEnum):
    ADMIN = "admin"
    ERP = "erp"


class DeclaredOutage(Struct, frozen=True, kw_only=True):
    """One outage of one provider. Moments carry their zone."""

    id: OutageId
    source: Source
    scope: Scope
    cause: str = ""
    """in words for the customer; empty: not told"""
    predicted_at: datetime | None = None
    protocol: ProtocolNumber | None = None
    started_at: datetime
    expires_at: datetime
    """from then on it is not told any more, unless somebody says that it goes on"""
    ended_at: datetime | None = None

    def stands(self, now: datetime) -> bool:
        return self.started_at <= now < self.expires_at and (self.ended_at is None or now < self.ended_at)


def reached(outage: DeclaredOutage, contracts: Iterable[Contract]) -> Outage | None:
    """The outage as it explains these contracts; None: it reaches none of them.

    Names are compared without case, accents and spaces at the ends. A contract whose place the ERP does not tell is
    reached by ALL and CONTRACTS alone: nothing is guessed.
    """
    struck = frozenset(contract.id for contract in contracts if _reaches(outage.scope, contract))
    if not struck:
        return None
    return Outage(
        id=outage.id,
        contracts=struck,
        predicted_at=outage.predicted_at,
        protocol=outage.protocol,
        cause=outage.cause,
    )


def _reaches(scope: Scope, contract: Contract) -> bool:
    match scope.reach:
        case Reach.ALL:
            return True
        case Reach.CITY:
            return _named(contract.city, scope.names)
        case Reach.DISTRICT:
            return _named(contract.district, scope.names)
        case Reach.ACCESS_POINT:
            return _named(contract.access_point, scope.names)
        case Reach.CONTRACTS:
            return contract.id in scope.names or _named(contract.number.lstrip("0"), _without_zeros(scope.names))


def _named(place: str, names: Iterable[str]) -> bool:
    return bool(place.strip()) and _plain(place) in {_plain(name) for name in names}


def _plain(text: str) -> str:
    return simplify(text).casefold().strip()


def _without_zeros(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip().lstrip("0") for name in names)


def version_of(outage: Outage) -> str:
    """Changes when, and only when, the customer would be told something else about the prediction."""
    return outage.predicted_at.isoformat() if outage.predicted_at else "unknown"

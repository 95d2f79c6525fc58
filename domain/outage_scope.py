"""Outages as they are declared and kept: what they reach, since when, until when; and whom they explain."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType, assert_never

from msgspec import Struct

from domain.customer import Contract
from domain.identifiers import ContractId, ProtocolNumber
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
    """Who told of an outage."""

    ADMIN = "admin"
    API = "api"
    """the provider's own systems, by the API"""
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
    """None: none was told; `NO_COMMON_PROTOCOL`: each customer has one of their own"""
    started_at: datetime
    expires_at: datetime
    """from then on it is not told any more, unless somebody says that it goes on"""
    ended_at: datetime | None = None
    ended_by: Source | None = None
    reported_as: str = ""
    """what the ERP calls it; empty where the source is another"""

    def stands(self, now: datetime) -> bool:
        return self.started_at <= now < self.expires_at and (self.ended_at is None or now < self.ended_at)

    @property
    def asks_at(self) -> datetime:
        """When the provider's people are asked whether it goes on: shortly before it expires."""
        return self.expires_at - min(ASKED_BEFORE, (self.expires_at - self.started_at) / 4)


ASKED_BEFORE = timedelta(minutes=30)
NO_COMMON_PROTOCOL = ProtocolNumber("")


def reached(outage: DeclaredOutage, contracts: Iterable[Contract]) -> Outage | None:
    """The outage as it explains these contracts; None: it reaches none of them.

    Names are compared without case, accents and needless spaces. A contract whose place the ERP does not tell is
    reached by ALL and CONTRACTS alone: nothing is guessed.
    """
    struck = frozenset(contract.id for contract in contracts if _reaches(outage.scope, contract))
    return _told(outage, struck) if struck else None


def reaching_all(outage: DeclaredOutage) -> Outage | None:
    """The outage as it explains anybody at all; None: it may not be theirs."""
    return _told(outage, None) if outage.scope.reach is Reach.ALL else None


def _told(outage: DeclaredOutage, contracts: frozenset[ContractId] | None) -> Outage:
    return Outage(
        id=outage.id,
        contracts=contracts,
        predicted_at=outage.predicted_at,
        protocol=outage.protocol or None,
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
        case _:
            assert_never(scope.reach)


def _named(place: str, names: Iterable[str]) -> bool:
    return bool(place.strip()) and plain_name(place) in {plain_name(name) for name in names}


def plain_name(text: str) -> str:
    """As names of places and equipment are compared."""
    letters = unicodedata.normalize("NFKD", simplify(text).casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _without_zeros(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip().lstrip("0") for name in names)


def version_of(outage: Outage) -> str:
    """Changes when, and only when, another prediction is given."""
    return outage.predicted_at.astimezone(UTC).isoformat() if outage.predicted_at else "unknown"

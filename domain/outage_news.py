"""What an ERP tells of its outages, brought into the registry: new, changed, seen again, over.

An ERP is asked about one customer at a time, so what it tells is a piece each time. The registry is written when a piece
is news, not whenever it is seen.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec.structs import replace

from domain.customer import Contract
from domain.identifiers import ContractId, ProtocolNumber
from domain.outage import Outage
from domain.outage_scope import NO_COMMON_PROTOCOL, DeclaredOutage, OutageId, Reach, Scope, Source, plain_name

SEEN_AGAIN_AFTER = timedelta(minutes=15)
"""an outage that goes on is written again only when it was last written so long ago"""
AT_MOST_EVERY = timedelta(seconds=20)
"""however often what is told of one outage changes"""
WRITTEN_WITHIN = timedelta(minutes=1)
"""a look may have to wait so long; what a later one wrote meanwhile stays"""
HELD_BACK_FOR = timedelta(hours=1)
"""for so long the ERP is not believed about an outage that the provider's people closed, unless it predicts anew"""
NAMES_MAX = 200
"""contracts or access points that are kept of one outage"""
RECORDS_MAX = 20
"""standing outages that are kept of one ERP: one that makes a protocol for each customer tells of thousands"""


def known_as(outage: Outage, standing: Iterable[DeclaredOutage]) -> DeclaredOutage | None:
    """Which of the standing outages this is; None: none of them.

    The ERP's name for it tells, or the equipment. Where it names neither equipment nor a common protocol, all that is
    predicted to end at the same moment is one outage.
    """
    of_erp = [each for each in standing if each.source is Source.ERP]
    by_name = (each for each in of_erp if each.reported_as == outage.id)
    if outage.access_point:
        alike = (each for each in of_erp if each.scope.reach is Reach.ACCESS_POINT and _names(each, outage))
    else:
        alike = (
            each for each in of_erp if each.scope.reach is Reach.CONTRACTS and each.predicted_at == outage.predicted_at
        )
    return next(by_name, None) or next(alike, None)


def first_seen(outage: Outage, contracts: Collection[ContractId], *, now: datetime, expires_h: float) -> DeclaredOutage:
    """As it enters the registry; `contracts` are those that it was told about.

    Whoever sees the same outage within the same minute gives it the same id.
    """
    name = sha256((plain_name(outage.access_point) or outage.id).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return DeclaredOutage(
        id=OutageId(f"erp-{name}-{now.astimezone(UTC):%y%m%d%H%M}"),
        source=Source.ERP,
        scope=_scope(outage, contracts),
        cause=outage.cause,
        predicted_at=outage.predicted_at,
        protocol=outage.protocol,
        started_at=now,
        expires_at=now + timedelta(hours=expires_h),
        reported_as=outage.id,
    )


def seen_again(
    known: DeclaredOutage, outage: Outage, contracts: Collection[ContractId], *, now: datetime, expires_h: float
) -> DeclaredOutage | None:
    """As it is to be kept from now on; None: nothing about it is worth writing now."""
    names = tuple(dict.fromkeys((*known.scope.names, *_scope(outage, contracts).names)))[:NAMES_MAX]
    told = replace(
        known,
        predicted_at=outage.predicted_at,
        protocol=_common(known.protocol, outage.protocol),
        cause=outage.cause or known.cause,
    )
    expires_at = now + timedelta(hours=expires_h)
    is_news = told != known or (known.scope.reach is Reach.ACCESS_POINT and names != known.scope.names)
    if -WRITTEN_WITHIN < expires_at - known.expires_at < (AT_MOST_EVERY if is_news else SEEN_AGAIN_AFTER):
        return None
    return replace(told, scope=replace(known.scope, names=names), expires_at=expires_at)


def over_for(known: DeclaredOutage, well: Collection[Contract], *, now: datetime) -> DeclaredOutage | None:
    """After the ERP said that these contracts are well; None: that says nothing about this outage.

    It reaches that much less, and has ended when it reaches nothing more.
    """
    if known.source is not Source.ERP:
        return None
    if known.scope.reach is Reach.ACCESS_POINT:
        points = {plain_name(contract.access_point) for contract in well}
        left = tuple(name for name in known.scope.names if plain_name(name) not in points)
    else:
        ids = {contract.id for contract in well}
        left = tuple(name for name in known.scope.names if name not in ids)
    if left == known.scope.names:
        return None
    if left:
        return replace(known, scope=replace(known.scope, names=left))
    return replace(known, ended_at=now, ended_by=Source.ERP)


def is_held_back(closed: DeclaredOutage, outage: Outage, *, now: datetime) -> bool:
    """Whether the ERP's word does not count, because people closed this very outage a short while ago."""
    return (
        closed.ended_at is not None
        and closed.ended_by is not Source.ERP
        and now - closed.ended_at < HELD_BACK_FOR
        and closed.predicted_at == outage.predicted_at
    )


def _common(known: ProtocolNumber | None, told: ProtocolNumber | None) -> ProtocolNumber | None:
    if known is None or told is None or known == told:
        return told if known is None else known
    return NO_COMMON_PROTOCOL


def _names(known: DeclaredOutage, outage: Outage) -> bool:
    return plain_name(outage.access_point) in {plain_name(name) for name in known.scope.names}


def _scope(outage: Outage, contracts: Collection[ContractId]) -> Scope:
    if outage.access_point:
        return Scope(reach=Reach.ACCESS_POINT, names=(outage.access_point,))
    return Scope(reach=Reach.CONTRACTS, names=tuple(sorted(contracts)))

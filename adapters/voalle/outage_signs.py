"""Outages as the ERP lets one see them.

No public source shows the PBX's own way to tell an outage. `authentication_problems`, `resolution_time` and
`resolution_time_hour` are what chat platforms read (source: public code of a provider that answers in the ERP's place),
so they are read wherever an answer carries them.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from msgspec import Struct

from adapters.voalle.wire import (
    ACCESS_POINT_ACTIVE,
    ACCESS_POINT_TITLE,
    ERP_ZONE,
    HOUR_OF_DAY,
    HOURS_LEFT,
    IN_MAINTENANCE,
    MAINTENANCE,
    MAINTENANCE_END,
    OUTAGE,
    PROTOCOL,
    Fields,
    as_moment,
    not_understood,
)
from domain.identifiers import ContractId, ProtocolNumber
from domain.outage import Outage

_TOLERANCE = timedelta(hours=2)
"""how far hours left (rounded up) and hour of day (rounded down) may stand apart and still mean the same moment"""


def read_sign(fields: Fields, contracts: frozenset[ContractId] | None, now: datetime) -> Outage | None:
    """The outage that these fields tell of, for `contracts`; None: they tell of none.

    Without a protocol nothing names the outage: all such signs of one ERP are one outage.
    """
    problems = fields.flag(OUTAGE) or (fields.integer(OUTAGE) or 0) > 0
    if not problems:
        return None
    protocol = fields.text(PROTOCOL)
    return Outage(
        id=f"protocol:{protocol}" if protocol else "authentication_problems",
        contracts=contracts,
        predicted_at=predicted_at(fields.integer(HOURS_LEFT), fields.text(HOUR_OF_DAY), now),
        protocol=ProtocolNumber(protocol) if protocol else None,
    )


class AccessPoint(Struct, frozen=True, kw_only=True):
    """Equipment that serves many contracts, as the ERP knows it."""

    title: str
    down: bool
    """in maintenance, or not active"""
    protocol: ProtocolNumber | None = None
    back_at: datetime | None = None


def read_access_points(answer: object) -> tuple[AccessPoint, ...]:
    """The equipment behind a contract; none: there is none."""
    if answer is None or answer == []:
        return ()
    points = [Fields(point) for point in (answer if isinstance(answer, list) else [answer]) if isinstance(point, dict)]
    if not points or not all(point.has((*IN_MAINTENANCE, *ACCESS_POINT_ACTIVE)) for point in points):
        not_understood("access_point", answer)
    return tuple(_access_point(point) for point in points)


def _access_point(point: Fields) -> AccessPoint:
    maintenance = point.inner(MAINTENANCE) or Fields({})
    protocol = maintenance.text(PROTOCOL)
    ends = (as_moment(maintenance.get((name,))) for name in MAINTENANCE_END)
    return AccessPoint(
        title=point.text(ACCESS_POINT_TITLE),
        down=point.flag(IN_MAINTENANCE) is True or point.flag(ACCESS_POINT_ACTIVE) is False,
        protocol=ProtocolNumber(protocol) if protocol else None,
        back_at=next((moment for moment in ends if moment is not None), None),
    )


def outage_of(point: AccessPoint, contract_id: ContractId) -> Outage | None:
    """None: the equipment works."""
    if not point.down:
        return None
    name = sha256((point.title or f"contract {contract_id}").encode()).hexdigest()[:16]
    return Outage(
        id=f"access_point:{name}",
        contracts=frozenset({contract_id}),
        predicted_at=point.back_at,
        protocol=point.protocol,
        access_point=point.title,
    )


def merged(outages: Iterable[Outage]) -> tuple[Outage, ...]:
    """Each outage once, with all that it reaches and the later of its predictions.

    What the record told under a protocol and the equipment that has the same protocol are one outage.
    """
    kept: list[Outage] = []
    for outage in outages:
        same = next((place for place, known in enumerate(kept) if _is_same(known, outage)), None)
        if same is None:
            kept.append(outage)
        else:
            kept[same] = _joined(kept[same], outage)
    return tuple(kept)


def _is_same(one: Outage, other: Outage) -> bool:
    both_named = one.access_point and other.access_point
    return one.id == other.id or (one.protocol is not None and one.protocol == other.protocol and not both_named)


def _joined(one: Outage, other: Outage) -> Outage:
    named = one if one.access_point or not other.access_point else other
    reach = None if one.contracts is None or other.contracts is None else one.contracts | other.contracts
    predictions = [moment for moment in (one.predicted_at, other.predicted_at) if moment is not None]
    protocol = one.protocol if one.protocol is not None else other.protocol
    return msgspec.structs.replace(
        named, contracts=reach, predicted_at=max(predictions, default=None), protocol=protocol
    )


def predicted_at(hours_left: int | None, hour_of_day: str, now: datetime) -> datetime | None:
    """When service is expected back; None: not told, already past, or the two contradict.

    `hours_left` is rounded up, and stays 1 when the prediction has passed; `hour_of_day` is "18", "18:30" or "18h", in
    `ERP_ZONE`.
    """
    now = now.astimezone(ERP_ZONE)
    time = re.fullmatch(r"(\d{1,2})(?:[:hH](\d\d)?)?(?::\d\d)?", hour_of_day, re.ASCII)
    hour, minute = (int(time[1]), int(time[2] or 0)) if time else (None, 0)
    if hour is not None and (hour > 23 or minute > 59):
        hour = None
    if hours_left is None or hours_left < 0:
        return _next(hour, minute, now) if hour is not None else None
    about = now + timedelta(hours=hours_left)
    if hour is None:
        whole = about.replace(minute=0, second=0, microsecond=0)
        return whole if whole > now else None
    days = (about + timedelta(days=days) for days in (-1, 0, 1))
    nearest = min((_at(day, hour, minute) for day in days), key=lambda moment: abs(moment - about))
    return nearest if nearest > now and abs(nearest - about) <= _TOLERANCE else None


def _next(hour: int, minute: int, now: datetime) -> datetime:
    today = _at(now, hour, minute)
    return today if today > now else today + timedelta(days=1)


def _at(day: datetime, hour: int, minute: int) -> datetime:
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)

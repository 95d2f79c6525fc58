"""The equipment behind contracts: which one serves each, and how it stood when it was last looked at.

The ERP is asked by contract and answers with the equipment, which serves many contracts. So what one customer's question
brought holds for all behind the same equipment, and is at hand when the ERP hangs.
"""

import asyncio
from contextvars import Context

from msgspec import Struct

from adapters.voalle.outage_signs import AccessPoint, read_access_points
from adapters.voalle.third_party import VoalleThirdParty
from application.failures import Unavailable
from application.ports import Clock
from domain.identifiers import ContractId
from domain.outage_scope import plain_name

TOLD_AT_ONCE_S = 60.0
"""a state of this age is told without asking"""
LOOKED_AFTER_S = 30.0
"""from this age on it is looked after behind the answer"""
WAITED_FOR_S = 2.0
"""where an older state is at hand, a new one is waited for no longer"""
KEPT_S = 15 * 60.0
"""a state of this age is told while the ERP does not answer"""
SERVED_BY_FOR_S = 7 * 24 * 3600.0
"""after so long it is asked anew what serves a contract"""
CONTRACTS_MAX = 50_000


class Looked(Struct, frozen=True, kw_only=True):
    """The equipment of one contract; none: the ERP knows of none."""

    points: tuple[AccessPoint, ...]
    at: float
    """when the oldest part of it was seen"""
    asked: bool
    """the ERP said so just now; else it is remembered"""


class _Seen(Struct, frozen=True, kw_only=True):
    point: AccessPoint
    at: float


class _Served(Struct, frozen=True, kw_only=True):
    by: tuple[str, ...]
    """keys of the equipment"""
    at: float


class AccessPoints:
    """Used within one event loop."""

    def __init__(self, *, third_party: VoalleThirdParty, clock: Clock) -> None:
        self._third_party = third_party
        self._clock = clock
        self._served: dict[ContractId, _Served] = {}
        """who was asked about last comes last"""
        self._seen: dict[str, _Seen] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    def name_of(self, contract_id: ContractId) -> str:
        """What serves a contract, as far as it is remembered; else empty."""
        known = self._known(contract_id, since=0.0)
        return next((point.title for point in known.points), "") if known else ""

    async def behind(self, contract_id: ContractId) -> Looked:
        """Fails like the ERP where nothing recent enough is remembered."""
        now = self._clock.monotonic()
        known = self._known(contract_id, since=now)
        if known is None or now - known.at > KEPT_S:
            await self._ask(contract_id)
        elif now - known.at > LOOKED_AFTER_S:
            looking = self._look_again(contract_id)
            if now - known.at > TOLD_AT_ONCE_S:
                await _patiently(looking)
        looked = self._known(contract_id, since=now)
        assert looked is not None  # noqa: S101  # asked or remembered, and nothing came between
        return looked

    def _known(self, contract_id: ContractId, *, since: float) -> Looked | None:
        served = self._served.get(contract_id)
        if served is None or self._clock.monotonic() - served.at > SERVED_BY_FOR_S:
            return None
        seen = [self._seen[key] for key in served.by]
        at = min((each.at for each in seen), default=served.at)
        return Looked(points=tuple(each.point for each in seen), at=at, asked=at >= since)

    def _look_again(self, contract_id: ContractId) -> asyncio.Task[None]:
        """One look at a time for all who are behind the same equipment; it goes on when they have gone."""
        key = "\n".join(self._served[contract_id].by) or f"contract:{contract_id}"
        looking = self._looking.get(key)
        if looking is None:
            # In a context of its own: what is noted of it belongs to nobody's request.
            looking = asyncio.create_task(self._ask(contract_id), context=Context())
            looking.add_done_callback(lambda done: self._looked(key, done))
            self._looking[key] = looking
        return looking

    def _looked(self, key: str, looking: asyncio.Task[None]) -> None:
        del self._looking[key]
        if not looking.cancelled():
            looking.exception()  # whoever waits for it has it too; else the next one will meet it

    async def _ask(self, contract_id: ContractId) -> None:
        answer = await self._third_party.access_point(contract_id)
        points = read_access_points(answer)
        at = self._clock.monotonic()
        keys = tuple(plain_name(point.title) or f"contract:{contract_id}" for point in points)
        self._seen.update(zip(keys, (_Seen(point=point, at=at) for point in points), strict=True))
        self._served.pop(contract_id, None)
        self._served[contract_id] = _Served(by=keys, at=at)
        if len(self._served) > CONTRACTS_MAX:
            del self._served[next(iter(self._served))]


async def _patiently(looking: asyncio.Task[None]) -> None:
    """Until it has ended, but not for long; that the ERP does not answer is no reason to tell nothing."""
    done, _ = await asyncio.wait([looking], timeout=WAITED_FOR_S)
    if done and not isinstance(looking.exception(), Unavailable):
        looking.result()

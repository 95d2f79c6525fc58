"""Which outage, if any, explains what a customer writes about: what the ERP tells now, and what is known already.

Not knowing is no reason to turn a customer away: where the ERP can't tell its outages, or not soon, the registry of all
that was declared and seen before has to do. What the ERP tells goes into that registry, so that the provider's people
see it and the next customer is told of it even when the ERP hangs.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from application.failures import Failure
from application.outage_ports import ChangeOutage, OutageRegistry
from application.ports import Clock, Erp, Operation
from domain.customer import Contract, Customer
from domain.installation import Installation
from domain.outage import Outage, Reported, affecting
from domain.outage_news import RECORDS_MAX, first_seen, is_held_back, known_as, over_for, seen_again
from domain.outage_scope import DeclaredOutage, OutageId, Source, reached

ASKED_FOR_S = 5.0
"""the ERP has so long to tell its outages, and never more than a quarter of the reply deadline"""


class CheckOutage:
    def __init__(
        self,
        *,
        erp: Erp,
        registry: OutageRegistry,
        clock: Clock,
        installation: Installation,
        until: float | None = None,
    ) -> None:
        """`until`, on the clock that never jumps: whatever the ERP has not told by then is not waited for."""
        self._erp = erp
        self._registry = registry
        self._clock = clock
        self._installation = installation
        self._until = until

    async def __call__(self, customer: Customer, contracts: Sequence[Contract]) -> Outage | None:
        """What is to be told about these contracts of the customer; None: no outage that reaches any is known.

        Of several outages it is the one with the earliest prediction, under its id in the registry, with all of these
        contracts that any of them reaches. A protocol that the ERP gave for this customer goes before its own.
        """
        reported, standing = await asyncio.gather(
            self._ask(customer), standing_outages(self._registry, self._installation)
        )
        placed = _placed(customer.contracts, reported)
        standing = await self._without_those_over(standing, placed, reported)
        told = [await self._told(outage, customer, standing) for outage in reported.outages]

        now, meant = self._clock.now(), frozenset(contract.id for contract in contracts)
        mine = [contract for contract in placed if contract.id in meant]
        doubtful = [contract for contract in mine if contract.id not in reported.unaffected]
        known = [
            reached(each, doubtful if each.source is Source.ERP else mine) for each in standing if each.stands(now)
        ]
        by_erp = affecting([outage for outage in told if outage], meant, now=now)
        found = affecting([*(outage for outage in known if outage), *by_erp], meant, now=now)
        if not found:
            return None
        struck = frozenset().union(*(outage.contracts or () for outage in found)) & meant
        own = next((outage.protocol for outage in by_erp if outage.protocol), None)
        return replace(found[0], contracts=struck, protocol=own or found[0].protocol)

    async def _ask(self, customer: Customer) -> Reported:
        told = Reported(outages=customer.outages)
        if Operation.OUTAGE not in self._erp.offers:
            return told
        try:
            async with asyncio.timeout(self._patience_s()):
                return await self._erp.outages.affecting(customer)
        except (Failure, TimeoutError):
            return told

    def _patience_s(self) -> float:
        patience_s = min(ASKED_FOR_S, self._installation.policies.reply_deadline_s / 4)
        return patience_s if self._until is None else min(patience_s, self._until - self._clock.monotonic())

    async def _told(self, outage: Outage, customer: Customer, standing: Sequence[DeclaredOutage]) -> Outage | None:
        """Under its id in the registry, which knows of it from now on; None: the provider's people closed it."""
        now, expires_h = self._clock.now(), self._installation.policies.outage_expires_h
        contracts = outage.contracts if outage.contracts is not None else {each.id for each in customer.contracts}
        outage = replace(outage, contracts=frozenset(contracts))
        known = known_as(outage, standing)
        if known is not None:
            again = partial(seen_again, outage=outage, contracts=contracts, now=now, expires_h=expires_h)
            if again(known) is not None:
                await self._change(known.id, lambda kept: again(kept) if kept and kept.stands(now) else None)
            return replace(outage, id=known.id)
        if await self._is_held_back(outage):
            return None
        fresh = first_seen(outage, contracts, now=now, expires_h=expires_h)
        if sum(each.source is Source.ERP for each in standing) < RECORDS_MAX:
            await self._change(fresh.id, lambda kept: None if kept else fresh)
        return replace(outage, id=fresh.id)

    async def _is_held_back(self, outage: Outage) -> bool:
        try:
            closed = known_as(outage, await self._registry.just_ended(self._installation.id))
        except Failure:
            return False
        return closed is not None and is_held_back(closed, outage, now=self._clock.now())

    async def _without_those_over(
        self, standing: Sequence[DeclaredOutage], contracts: Sequence[Contract], reported: Reported
    ) -> Sequence[DeclaredOutage]:
        """The standing ones, after what the ERP says is well was taken out of those that it told of before."""
        now = self._clock.now()
        well = [contract for contract in contracts if contract.id in reported.unaffected]
        for outage in standing:
            if over_for(outage, well, now=now) is not None:
                await self._change(outage.id, lambda kept: over_for(kept, well, now=now) if kept else None)
        return [over_for(each, well, now=now) or each for each in standing]

    async def _change(self, outage_id: OutageId, change: ChangeOutage) -> None:
        """What can't be written now is news again at the next look."""
        with suppress(Failure):
            await self._registry.change(self._installation.id, outage_id, change)


async def standing_outages(registry: OutageRegistry, installation: Installation) -> Sequence[DeclaredOutage]:
    """None is known while the registry can't be read."""
    try:
        return await registry.standing(installation.id)
    except Failure:
        return ()


def _placed(contracts: Sequence[Contract], reported: Reported) -> Sequence[Contract]:
    """With the equipment that the ERP named meanwhile."""
    return [
        replace(contract, access_point=reported.access_points.get(contract.id, contract.access_point))
        for contract in contracts
    ]

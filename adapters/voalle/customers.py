"""Who signed with a document, and with which contracts."""

import asyncio
from collections.abc import Awaitable

from msgspec.structs import replace

from adapters.voalle.access_points import AccessPoints
from adapters.voalle.pbx import VoallePbx
from adapters.voalle.records import customer_of_pbx, customer_of_third_party, together
from adapters.voalle.sources import tell_failing_source
from adapters.voalle.third_party import VoalleThirdParty
from application.failures import Failure
from application.ports import Clock
from domain.customer import Customer
from domain.tax_id import TaxId


class VoalleCustomers:
    def __init__(
        self,
        *,
        pbx: VoallePbx,
        third_party: VoalleThirdParty | None,
        access_points: AccessPoints | None,
        clock: Clock,
    ) -> None:
        self._pbx = pbx
        self._third_party = third_party
        self._access_points = access_points
        self._clock = clock

    async def find(self, tax_id: TaxId) -> Customer | None:
        """Either source may fail when the other knows the customer; "nobody" takes both."""
        customer = await self._find(tax_id)
        if customer is None or self._access_points is None:
            return customer
        contracts = (replace(each, access_point=self._access_points.name_of(each.id)) for each in customer.contracts)
        return replace(customer, contracts=tuple(contracts))

    async def _find(self, tax_id: TaxId) -> Customer | None:
        if self._third_party is None:
            return await self._by_pbx(tax_id)
        by_pbx, by_third_party = await asyncio.gather(
            _or_failure(self._by_pbx(tax_id)), _or_failure(self._by_third_party(self._third_party, tax_id))
        )
        match by_pbx, by_third_party:
            case Failure() as failure, Customer():
                tell_failing_source("pbx", failure)
                return by_third_party
            case Customer(), Failure() as failure:
                tell_failing_source("third_party", failure)
                return by_pbx
            case (Failure() as failure, _) | (_, Failure() as failure):
                raise failure
            case _:
                return together(by_pbx, by_third_party)

    async def _by_pbx(self, tax_id: TaxId) -> Customer | None:
        answer = await self._pbx.client_validate(tax_id.plain)
        return customer_of_pbx(answer, tax_id, self._clock.now())

    @staticmethod
    async def _by_third_party(third_party: VoalleThirdParty, tax_id: TaxId) -> Customer | None:
        person, contracts = await asyncio.gather(third_party.person(tax_id.plain), third_party.contracts(tax_id.plain))
        return customer_of_third_party(person, contracts, tax_id)


async def _or_failure(source: Awaitable[Customer | None]) -> Customer | Failure | None:
    try:
        return await source
    except Failure as failure:
        return failure

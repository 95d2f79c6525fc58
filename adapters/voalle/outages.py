"""Outages that reach a customer: those told with the record, and the state of each contract's access point."""

import asyncio
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from adapters.voalle.outage_signs import merged, read_access_point
from adapters.voalle.third_party import VoalleThirdParty
from application.failures import Unavailable
from application.ports import Clock
from domain.customer import Contract, ContractStatus, Customer
from domain.outage import Outage

_CONTRACTS_MAX = 20
"""contracts whose access point is asked for"""


class VoalleOutages:
    def __init__(self, *, third_party: VoalleThirdParty | None, clock: Clock, zone: ZoneInfo) -> None:
        self._third_party = third_party
        self._clock = clock
        self._zone = zone

    async def affecting(self, customer: Customer) -> Sequence[Outage]:
        if self._third_party is None:
            return merged(customer.outages)
        standing = [found for found in customer.contracts if found.status is not ContractStatus.CANCELLED]
        found = await asyncio.gather(
            *(self._of_contract(self._third_party, contract) for contract in standing[:_CONTRACTS_MAX])
        )
        return merged((*customer.outages, *(outage for outage in found if outage is not None)))

    async def _of_contract(self, third_party: VoalleThirdParty, contract: Contract) -> Outage | None:
        try:
            answer = await third_party.access_point(contract.id)
        except Unavailable:
            return None  # what the record itself told stands
        return read_access_point(answer, contract.id, self._clock.now().astimezone(self._zone))

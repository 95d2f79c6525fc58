"""Which outage, if any, explains what a customer writes about.

Not knowing is no reason to turn a customer away: where the ERP can't tell its outages, the operation goes on as if there
were none.
"""

from collections.abc import Collection

from application.failures import Failure
from application.ports import Erp, Operation
from domain.customer import Customer
from domain.identifiers import ContractId
from domain.outage import Outage, affecting


class CheckOutage:
    def __init__(self, *, erp: Erp) -> None:
        self._erp = erp

    async def __call__(self, customer: Customer, contracts: Collection[ContractId]) -> Outage | None:
        """The outage that reaches any of these contracts, the earliest prediction first; None: none is known."""
        if Operation.OUTAGE not in self._erp.offers:
            return None
        try:
            known = await self._erp.outages.affecting(customer)
        except Failure:
            known = customer.outages
        outages = affecting(known, contracts)
        return outages[0] if outages else None

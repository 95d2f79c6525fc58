"""Is there an outage? Asked outright, so it is told whatever the provider wants told at contact."""

from application.announce_outage import AnnounceOutage
from application.check_outage import CheckOutage
from application.identify_customer import identify
from application.ports import Erp
from domain.customer import choose_contract, in_force
from domain.installation import Policies
from domain.notification import OutageAsked
from domain.outcome import CustomerFound, CustomerInOutage, CustomerNotFound


class TellOutage:
    def __init__(self, *, erp: Erp, check_outage: CheckOutage, announce: AnnounceOutage) -> None:
        self._erp = erp
        self._check_outage = check_outage
        self._announce = announce

    async def __call__(
        self, request: OutageAsked, policies: Policies
    ) -> CustomerFound | CustomerInOutage | CustomerNotFound:
        """Of the contract that was named, else of any that the customer may mean."""
        customer = await identify(request, erp=self._erp, policy=policies.identity)
        if isinstance(customer, CustomerNotFound):
            return customer
        contracts = in_force(customer.contracts)
        named = choose_contract(customer.contracts, request.contract)
        meant = contracts if named is None else (named,)
        outage = await self._check_outage(customer, meant)
        if outage is None:
            return CustomerFound(first_name="", contracts=contracts)
        return CustomerInOutage(
            first_name="",
            contracts=contracts,
            told=self._announce.words(outage),
            protocol=outage.protocol,
            back_at=self._announce.back_at(outage),
        )

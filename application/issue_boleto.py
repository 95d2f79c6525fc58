"""The second copy of a boleto: the open invoices of the chosen contract, each code through the gate."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from application.identify_customer import identify
from application.ports import Calendar, Clock, Erp, Operation
from domain.customer import choose_contract, in_force
from domain.installation import Installation
from domain.invoice import due_dates, offer
from domain.notification import BoletoRequested
from domain.outcome import BoletosIssued, ContractUnclear, CustomerNotFound, Failed, NoOpenBoleto, NotOffered


class IssueBoleto:
    def __init__(self, *, erp: Erp, calendar: Calendar, clock: Clock) -> None:
        self._erp = erp
        self._calendar = calendar
        self._clock = clock

    async def __call__(
        self, request: BoletoRequested, installation: Installation
    ) -> BoletosIssued | NoOpenBoleto | ContractUnclear | CustomerNotFound | NotOffered | Failed:
        policies = installation.policies
        if Operation.BOLETO not in self._erp.offers:
            return NotOffered(operation=Operation.BOLETO)
        customer = await identify(request, erp=self._erp, policy=policies.identity)
        if isinstance(customer, CustomerNotFound):
            return customer
        if not customer.contracts:
            return NoOpenBoleto()
        contract = choose_contract(customer.contracts, request.contract)
        if contract is None:
            return ContractUnclear(contracts=in_force(customer.contracts))
        invoices = await self._erp.billing.open_invoices(customer, contract)
        offers = offer(
            invoices,
            policies=policies,
            erp_host=urlsplit(installation.erp.url).hostname or "",
            today=self._clock.now().astimezone(ZoneInfo(policies.timezone)).date(),
            next_banking_days={day: self._calendar.next_banking_day(day) for day in due_dates(invoices)},
            can_fetch_pdf=Operation.PDF in self._erp.offers,
        )
        if not offers.shown and not offers.withheld:
            return NoOpenBoleto()
        if not offers.shown:
            return Failed(cause=offers.faults[0] if offers.faults else "invoice.no_way_to_pay")
        return BoletosIssued(offers=offers.shown, more=offers.more, withheld=len(offers.withheld), faults=offers.faults)

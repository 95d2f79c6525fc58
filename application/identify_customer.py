"""Who is this? Found with their contracts, in an outage, or not found; an ERP that fails is neither."""

from zoneinfo import ZoneInfo

from application.check_outage import CheckOutage
from application.ports import Clock, Erp
from domain.customer import Customer, greeting_name, in_force
from domain.identity import may_show
from domain.installation import IdentityPolicy, Policies
from domain.notification import BoletoRequested, CustomerLookup, TicketRequested, UnblockRequested
from domain.outage import spoken_prediction, tell
from domain.outcome import CustomerFound, CustomerInOutage, CustomerNotFound, WhyNotFound
from domain.phone import same_line
from domain.tax_id import DocumentFault, is_typed_whole, read_document

Request = CustomerLookup | BoletoRequested | UnblockRequested | TicketRequested

_NO_DOCUMENT = {
    DocumentFault.MISSING: WhyNotFound.DOCUMENT_MISSING,
    DocumentFault.INVALID: WhyNotFound.DOCUMENT_INVALID,
    DocumentFault.SEVERAL: WhyNotFound.SEVERAL_DOCUMENTS,
}


async def identify(request: Request, *, erp: Erp, policy: IdentityPolicy) -> Customer | CustomerNotFound:
    """The first step of every operation: the customer of the typed document, if their record may be shown here."""
    document = read_document(request.document)
    if isinstance(document, DocumentFault):
        return CustomerNotFound(why=_NO_DOCUMENT[document])
    customer = await erp.customers.find(document)
    if customer is None:
        return CustomerNotFound(why=WhyNotFound.NOT_IN_ERP)
    if not is_typed_whole(request.document, document):
        policy = IdentityPolicy.DOCUMENT_AND_PHONE
    if not may_show(policy, request.chat.phone, customer.phones):
        return CustomerNotFound(why=WhyNotFound.IDENTITY_UNSURE)
    return customer


class IdentifyCustomer:
    def __init__(self, *, erp: Erp, clock: Clock) -> None:
        self._erp = erp
        self._clock = clock
        self._check_outage = CheckOutage(erp=erp)

    async def __call__(
        self, request: CustomerLookup, policies: Policies
    ) -> CustomerFound | CustomerInOutage | CustomerNotFound:
        customer = await identify(request, erp=self._erp, policy=policies.identity)
        if isinstance(customer, CustomerNotFound):
            return customer
        contracts = in_force(customer.contracts)
        # A document proves nothing about who types it: only the number on record is greeted by name.
        known_number = any(same_line(request.chat.phone, phone) for phone in customer.phones)
        first_name = greeting_name(customer) if known_number else ""
        outage = None
        if policies.outage_message_enabled or policies.outage_closes_chat:
            outage = await self._check_outage(customer, [contract.id for contract in contracts])
        if outage is None:
            return CustomerFound(first_name=first_name, contracts=contracts)
        now, zone = self._clock.now(), ZoneInfo(policies.timezone)
        told = tell(policies.outage_message, outage, now=now, zone=zone)
        return CustomerInOutage(
            first_name=first_name,
            contracts=contracts,
            told=told if policies.outage_message_enabled else "",
            protocol=outage.protocol,
            back_at=spoken_prediction(outage.predicted_at, now=now, zone=zone),
        )

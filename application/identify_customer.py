"""Who is this? Found with their contracts, in an outage, or not found; an ERP that fails is neither."""

from application.announce_outage import AnnounceOutage
from application.check_outage import CheckOutage
from application.ports import Erp
from domain.customer import Customer, greeting_name, in_force
from domain.identity import may_show
from domain.installation import IdentityPolicy, Policies
from domain.notification import CustomerLookup, Notification
from domain.outcome import CustomerFound, CustomerInOutage, CustomerNotFound, WhyNotFound
from domain.phone import same_line
from domain.tax_id import DocumentFault, is_typed_whole, read_document

_NO_DOCUMENT = {
    DocumentFault.MISSING: WhyNotFound.DOCUMENT_MISSING,
    DocumentFault.INVALID: WhyNotFound.DOCUMENT_INVALID,
    DocumentFault.SEVERAL: WhyNotFound.SEVERAL_DOCUMENTS,
}


async def identify(request: Notification, *, erp: Erp, policy: IdentityPolicy) -> Customer | CustomerNotFound:
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
    def __init__(self, *, erp: Erp, check_outage: CheckOutage, announce: AnnounceOutage) -> None:
        self._erp = erp
        self._check_outage = check_outage
        self._announce = announce

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
            outage = await self._check_outage(customer, contracts)
        if outage is None:
            return CustomerFound(first_name=first_name, contracts=contracts)
        spared = any(not outage.reaches(contract.id) for contract in contracts)
        first_time = await self._announce.is_first(outage, closes=policies.outage_closes_chat and not spared)
        return CustomerInOutage(
            first_name=first_name,
            contracts=contracts,
            told=self._announce.words(outage) if policies.outage_message_enabled else "",
            protocol=outage.protocol,
            back_at=self._announce.back_at(outage),
            again=not first_time,
            reached=tuple(each.number for each in contracts if outage.reaches(each.id)) if spared else (),
        )

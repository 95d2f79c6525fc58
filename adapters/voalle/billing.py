"""The open invoices of a contract, and their PDFs."""

import asyncio
from collections.abc import Sequence

import msgspec

from adapters.voalle.invoices import invoices_of_pbx, invoices_of_third_party, title_of
from adapters.voalle.pbx import VoallePbx
from adapters.voalle.sources import tell_failing_source
from adapters.voalle.third_party import VoalleThirdParty
from application.failures import Failure
from domain.customer import Contract, Customer
from domain.identifiers import InvoiceId
from domain.invoice import Invoice

_LINKS_MAX = 12
"""invoices without a link for which one is asked for: more would keep the customer waiting"""


class VoalleBilling:
    def __init__(self, *, pbx: VoallePbx, third_party: VoalleThirdParty | None) -> None:
        self._pbx = pbx
        self._third_party = third_party

    async def open_invoices(self, customer: Customer, contract: Contract) -> Sequence[Invoice]:
        if self._third_party is not None:
            try:
                return await self._by_third_party(self._third_party, customer, contract)
            except Failure as failure:
                tell_failing_source("third_party", failure)  # the PBX answers on another port, and knows the codes
        return invoices_of_pbx(await self._pbx.billets(contract.id), contract.id)

    async def pdf(self, invoice_id: InvoiceId) -> bytes | None:
        title_id = title_of(invoice_id)
        if self._third_party is None or title_id is None:
            return None
        return await self._third_party.billet_pdf(title_id)

    async def _by_third_party(
        self, third_party: VoalleThirdParty, customer: Customer, contract: Contract
    ) -> Sequence[Invoice]:
        titles, billets = await asyncio.gather(
            third_party.open_titles(customer.tax_id.plain), third_party.contract_billets(contract.id)
        )
        invoices = invoices_of_third_party(titles, billets, contract.id)
        unlinked = [invoice for invoice in invoices if not invoice.link][:_LINKS_MAX]
        links = await asyncio.gather(*(_link(third_party, invoice.id) for invoice in unlinked))
        found = dict(zip((invoice.id for invoice in unlinked), links, strict=True))
        return tuple(msgspec.structs.replace(invoice, link=found.get(invoice.id, invoice.link)) for invoice in invoices)


async def _link(third_party: VoalleThirdParty, invoice_id: InvoiceId) -> str:
    """A link is one way to pay among others: without it the invoice stands."""
    try:
        return await third_party.billet_link(invoice_id)
    except Failure:
        return ""

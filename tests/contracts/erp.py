"""What every ERP adapter promises, whatever the vendor: `application.ports`, sentence by sentence.

A vendor subclasses `ErpContract` and gives a `stage`: a world of its own with the people named below, seeded and read
back without going through the adapter. What fails here is what is missing in a new adapter.
"""

from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol

import pytest

from application.failures import InDoubt, Unavailable
from application.ports import Erp, Operation
from domain.boleto import Boleto, parse_boleto
from domain.customer import Contract, Customer
from domain.identifiers import ChatId, ContractId, InvoiceId, ProtocolNumber
from domain.money import Money
from domain.tax_id import TaxId
from domain.ticket import NewTicket, TicketOpen
from domain.trust_unblock import Unblocked, UnblockRefused


class Person(Protocol):
    """What is true of somebody in the vendor's world, now."""

    @property
    def tax_id(self) -> TaxId: ...
    @property
    def contracts(self) -> Collection[ContractId]: ...
    @property
    def invoices(self) -> dict[InvoiceId, Money]:
        """open ones, with their nominal amount"""
        ...

    @property
    def tickets(self) -> Collection[ProtocolNumber]: ...
    @property
    def unblocks(self) -> int:
        """how often any of the contracts was unblocked"""
        ...


class ErpStage(Protocol):
    erp: Erp

    @property
    def nobody(self) -> TaxId:
        """A valid document that the ERP does not know."""
        ...

    def person(self, role: str) -> Person:
        """`ordinary` (one contract, one invoice), `two_contracts` (an invoice each), `without_invoices`, `blocked` (for
        debt, may be unblocked once), `with_ticket`, `in_outage`."""
        ...

    def goes_down(self) -> None:
        """From now on no request is answered, and none has an effect."""
        ...

    def loses_answers_to_writes(self) -> None:
        """From now on writes take effect and are not answered."""
        ...


class ErpContract:
    @pytest.fixture
    @abstractmethod
    async def stage(self) -> ErpStage: ...

    async def test_a_customer_is_found_by_document_with_all_contracts_each_once(self, stage: ErpStage) -> None:
        person = stage.person("two_contracts")
        found = await look_up(stage, person)
        assert found.tax_id == person.tax_id
        assert sorted(contract.id for contract in found.contracts) == sorted(person.contracts)
        assert all(contract.customer_id and contract.number for contract in found.contracts)

    async def test_an_unknown_document_is_nobody(self, stage: ErpStage) -> None:
        assert await stage.erp.customers.find(stage.nobody) is None

    async def test_an_erp_that_is_away_is_a_failure_and_never_nobody(self, stage: ErpStage) -> None:
        stage.goes_down()
        with pytest.raises(Unavailable):
            await stage.erp.customers.find(stage.nobody)

    async def test_the_open_invoices_of_a_contract_come_each_once_and_those_of_another_do_not(
        self, stage: ErpStage
    ) -> None:
        person = stage.person("two_contracts")
        customer = await look_up(stage, person)
        seen = [
            invoice
            for contract in customer.contracts
            for invoice in await stage.erp.billing.open_invoices(customer, contract)
        ]
        assert sorted(invoice.id for invoice in seen) == sorted(person.invoices)

    async def test_an_invoice_has_its_code_as_the_erp_gave_it_and_its_amount(self, stage: ErpStage) -> None:
        person = stage.person("ordinary")
        customer = await look_up(stage, person)
        (invoice,) = await stage.erp.billing.open_invoices(customer, customer.contracts[0])
        boleto = parse_boleto(invoice.digitable_line)
        assert isinstance(boleto, Boleto)
        assert boleto.amount == person.invoices[invoice.id]
        assert invoice.due_on == boleto.due_on(invoice.due_on) if invoice.due_on else True
        assert invoice.nominal == person.invoices[invoice.id]

    async def test_whoever_owes_nothing_has_no_open_invoice(self, stage: ErpStage) -> None:
        customer = await look_up(stage, stage.person("without_invoices"))
        assert list(await stage.erp.billing.open_invoices(customer, customer.contracts[0])) == []

    async def test_a_pdf_is_offered_exactly_when_it_can_come_and_is_one(self, stage: ErpStage) -> None:
        customer = await look_up(stage, stage.person("ordinary"))
        (invoice,) = await stage.erp.billing.open_invoices(customer, customer.contracts[0])
        pdf = await stage.erp.billing.pdf(invoice.id)
        assert (Operation.PDF in stage.erp.offers and invoice.printable) == (pdf is not None)
        assert pdf is None or pdf.startswith(b"%PDF-")

    async def test_a_blocked_contract_is_unblocked_once_and_then_refused(self, stage: ErpStage) -> None:
        person = stage.person("blocked")
        contract = await only_contract(stage, person)
        assert isinstance(await stage.erp.unblocks.unblock(contract), Unblocked)
        assert isinstance(await stage.erp.unblocks.unblock(contract), UnblockRefused)
        assert person.unblocks == 1

    async def test_an_unblock_whose_answer_is_lost_is_in_doubt_was_sent_once_and_can_be_seen(
        self, stage: ErpStage
    ) -> None:
        person = stage.person("blocked")
        before = await only_contract(stage, person)
        stage.loses_answers_to_writes()
        with pytest.raises(InDoubt):
            await stage.erp.unblocks.unblock(before)
        assert person.unblocks == 1
        after = await only_contract(stage, person)
        assert (after.status, after.unblock_attempts) != (before.status, before.unblock_attempts)

    async def test_a_write_to_an_erp_that_is_away_is_a_failure_without_effect(self, stage: ErpStage) -> None:
        person = stage.person("blocked")
        contract = await only_contract(stage, person)
        stage.goes_down()
        with pytest.raises(Unavailable):
            await stage.erp.unblocks.unblock(contract)
        assert person.unblocks == 0

    async def test_open_tickets_are_listed(self, stage: ErpStage) -> None:
        person = stage.person("with_ticket")
        listed = await stage.erp.tickets.open_tickets(await look_up(stage, person))
        assert sorted(ticket.protocol for ticket in listed) == sorted(person.tickets)
        assert all(ticket.opened_at is None or ticket.opened_at.tzinfo for ticket in listed)

    async def test_a_ticket_gets_a_protocol_and_stands_in_the_list(self, stage: ErpStage) -> None:
        person = stage.person("ordinary")
        customer = await look_up(stage, person)
        answer = await stage.erp.tickets.open(ticket_of(customer))
        assert isinstance(answer, TicketOpen)
        assert list(person.tickets) == [answer.protocol]
        assert [ticket.protocol for ticket in await stage.erp.tickets.open_tickets(customer)] == [answer.protocol]

    async def test_a_ticket_whose_answer_is_lost_is_in_doubt_and_was_opened_once(self, stage: ErpStage) -> None:
        person = stage.person("ordinary")
        customer = await look_up(stage, person)
        stage.loses_answers_to_writes()
        with pytest.raises(InDoubt):
            await stage.erp.tickets.open(ticket_of(customer))
        assert len(person.tickets) == 1

    async def test_an_outage_is_told_to_whom_it_reaches_and_to_nobody_else(self, stage: ErpStage) -> None:
        reached = await look_up(stage, stage.person("in_outage"))
        told = await stage.erp.outages.affecting(reached)
        (outage,) = told.outages
        assert outage.predicted_at is None or outage.predicted_at.tzinfo
        spared = await look_up(stage, stage.person("ordinary"))
        assert (await stage.erp.outages.affecting(spared)).outages == ()

    async def test_which_contracts_no_outage_reaches_is_said_as_well(self, stage: ErpStage) -> None:
        reached = await look_up(stage, stage.person("in_outage"))
        assert (await stage.erp.outages.affecting(reached)).unaffected == frozenset()
        spared = await look_up(stage, stage.person("ordinary"))
        assert (await stage.erp.outages.affecting(spared)).unaffected == {each.id for each in spared.contracts}

    async def test_no_value_that_comes_from_an_erp_shows_a_person_in_its_repr(self, stage: ErpStage) -> None:
        person = stage.person("ordinary")
        customer = await look_up(stage, person)
        invoices = await stage.erp.billing.open_invoices(customer, customer.contracts[0])
        shown = repr((customer, invoices))
        assert person.tax_id.plain not in shown
        assert customer.name not in shown
        assert not any(invoice.digitable_line in shown for invoice in invoices)


async def look_up(stage: ErpStage, person: Person) -> Customer:
    customer = await stage.erp.customers.find(person.tax_id)
    assert customer is not None
    return customer


async def only_contract(stage: ErpStage, person: Person) -> Contract:
    (contract,) = (await look_up(stage, person)).contracts
    return contract


def ticket_of(customer: Customer) -> NewTicket:
    return NewTicket(
        customer=customer,
        contract_id=customer.contracts[0].id,
        description="sem internet desde ontem",
        chat_id=ChatId("55501"),
    )

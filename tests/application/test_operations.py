"""What each notification leads to: the table of the product's page, on a provider's world in memory."""

from datetime import date, timedelta

import pytest

from application.failures import InDoubt, Rejected, Unavailable, Unintelligible
from application.ports import Operation
from domain.action import CloseChat, SayCode, SendFile
from domain.customer import ContractStatus
from domain.identifiers import ContractId, CustomerId, InvoiceId, ProtocolNumber
from domain.installation import FlowKey, IdentityPolicy, Policies
from domain.invoice import Invoice
from domain.money import Money
from domain.outage import Outage
from domain.outcome import (
    BoletosIssued,
    ContractUnclear,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NoOpenBoleto,
    NotOffered,
    Paused,
    Shadowed,
    TicketAlreadyOpen,
    TicketNotNeeded,
    TicketOpened,
    TicketRefused,
    UnblockDenied,
    UnblockGranted,
    WhyNotFound,
    WhyNoTicket,
)
from domain.tax_id import Cpf
from domain.ticket import Ticket
from domain.trust_unblock import UnblockRefusal
from tests.application.office import CHAT, NOON, Office, boleto, lookup, ticket, unblock
from tests.domain.builders import contract, customer

HOME = contract("20743", plan="Fibra 500")
OFFICE = contract("31002", plan="Fibra 300")
BLOCKED = contract("20743", status=ContractStatus.BLOCKED, unblock_attempts=0)
LINE = "34191101213456788005871234570001616670000012345"
"""R$ 123,45, due on 2026-12-21"""


def invoice(id: str = "9", **changes: object) -> Invoice:  # noqa: A002
    values: dict[str, object] = {
        "id": InvoiceId(id),
        "due_on": date(2026, 12, 21),
        "nominal": Money(12345),
        "digitable_line": LINE,
        "link": "https://erp.example/b/9",
    }
    return Invoice(**(values | changes))  # type: ignore[arg-type]


# --- look a customer up ---------------------------------------------------------------------------------------


async def test_a_customer_with_one_contract_goes_straight_to_the_flow() -> None:
    office = Office()
    office.world.add(customer(HOME))
    assert isinstance(await office.receive(lookup()), CustomerFound)
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert office.heard == []


async def test_a_customer_with_two_contracts_reads_the_list_first() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    await office.receive(lookup())
    assert office.said_keys == ["contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("111.111.111-11", WhyNotFound.DOCUMENT_INVALID),
        ("", WhyNotFound.DOCUMENT_MISSING),
        ("529.982.247-25 e 123.456.789-09", WhyNotFound.SEVERAL_DOCUMENTS),
        ("123.456.789-09", WhyNotFound.NOT_IN_ERP),
    ],
)
async def test_whoever_is_not_found_goes_to_the_same_flow_without_a_word(document: str, why: WhyNotFound) -> None:
    office = Office()
    office.world.add(customer())
    assert await office.receive(lookup(document)) == CustomerNotFound(why=why)
    assert office.flows == [FlowKey.CUSTOMER_NOT_FOUND]
    assert office.heard == []


async def test_an_erp_that_fails_is_never_a_customer_who_does_not_exist() -> None:
    office = Office()
    office.world.add(customer())
    office.world.fail("find", Unavailable("erp.timeout"))
    assert await office.receive(lookup()) == Failed(cause="erp.timeout")
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.notebook.alerts == ["erp.timeout"]


async def test_a_strange_number_sees_nothing_where_the_phone_must_match() -> None:
    office = Office(Policies(identity=IdentityPolicy.DOCUMENT_AND_PHONE))
    office.world.add(customer(phones=("11 3222-1234",)))
    assert await office.receive(lookup()) == CustomerNotFound(why=WhyNotFound.IDENTITY_UNSURE)
    office = Office(Policies(identity=IdentityPolicy.DOCUMENT_AND_PHONE))
    office.world.add(customer(phones=("11987654321",)))
    assert isinstance(await office.receive(lookup()), CustomerFound)


@pytest.mark.parametrize(("phone", "found"), [("11987654321", True), ("11 3222-1234", False)])
async def test_a_document_that_was_typed_without_its_zeros_needs_the_phone_too(phone: str, found: bool) -> None:
    office = Office()
    office.world.add(customer(tax_id=Cpf(digits="00000000191"), phones=(phone,)))
    outcome = await office.receive(lookup("000000191"))
    assert isinstance(outcome, CustomerFound) == found


async def test_only_the_number_on_record_is_greeted_by_name() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE, phones=("11987654321",)))
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerFound)
    assert outcome.first_name == "Ana"


# --- outage ---------------------------------------------------------------------------------------------------


def outage(*contracts: str) -> Outage:
    return Outage(
        id="o1",
        contracts=frozenset(map(ContractId, contracts)) if contracts else None,
        predicted_at=NOON + timedelta(hours=6),
        protocol=ProtocolNumber("77"),
    )


async def test_a_customer_in_an_outage_is_told_with_hour_and_protocol_and_goes_on() -> None:
    office = Office(Policies(outage_message_enabled=True))
    office.world.add(customer())
    office.world.outages.append(outage())
    outcome = await office.receive(lookup())
    assert isinstance(outcome, CustomerInOutage)
    assert "18h" in outcome.told
    assert "77" in outcome.told
    assert office.said_keys == ["outage.told"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_the_chat_is_closed_while_the_customer_is_in_the_outage_if_so_configured() -> None:
    office = Office(Policies(outage_message_enabled=True, outage_closes_chat=True))
    office.world.add(customer())
    office.world.outages.append(outage())
    await office.receive(lookup())
    assert office.said_keys == ["outage.told"]
    assert office.chat.terminals(CHAT.id) == [CloseChat()]


async def test_closing_is_an_option_of_its_own() -> None:
    office = Office(Policies(outage_closes_chat=True))
    office.world.add(customer())
    office.world.outages.append(outage())
    await office.receive(lookup())
    assert office.heard == []
    assert office.chat.terminals(CHAT.id) == [CloseChat()]


@pytest.mark.parametrize("policies", [Policies(), Policies(outage_message_enabled=True)])
async def test_an_outage_elsewhere_or_not_to_be_told_changes_nothing(policies: Policies) -> None:
    office = Office(policies)
    office.world.add(customer(HOME))
    office.world.outages.append(outage("another"))
    assert isinstance(await office.receive(lookup()), CustomerFound)


async def test_not_knowing_of_outages_keeps_nobody_out() -> None:
    office = Office(Policies(outage_message_enabled=True))
    office.world.add(customer())
    office.world.fail("affecting", Unavailable("erp.timeout"))
    assert isinstance(await office.receive(lookup()), CustomerFound)
    office = Office(Policies(outage_message_enabled=True), offers=frozenset(Operation) - {Operation.OUTAGE})
    office.world.add(customer())
    assert isinstance(await office.receive(lookup()), CustomerFound)


# --- boleto ---------------------------------------------------------------------------------------------------


async def test_an_open_invoice_comes_with_its_code_alone_and_its_link() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice()]
    assert isinstance(await office.receive(boleto()), BoletosIssued)
    assert office.said_keys == ["boleto.intro.line", "boleto.link"]
    assert SayCode(code=LINE) in office.heard
    assert office.flows == [FlowKey.BOLETOS_FOUND]


async def test_the_pdf_goes_in_place_of_the_link_where_the_erp_gives_it() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice()]
    office.world.pdfs[InvoiceId("9")] = b"%PDF-1.4"
    await office.receive(boleto())
    assert isinstance(office.heard[-1], SendFile)
    assert office.said_keys == ["boleto.intro.line"]


async def test_a_pdf_that_cannot_be_fetched_or_is_refused_leaves_the_link() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice()]
    office.world.fail("pdf", Unavailable("erp.timeout"))
    await office.receive(boleto())
    assert office.said_keys[-1] == "boleto.link"


async def test_oldest_first_at_most_three_and_the_rest_is_counted() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [
        invoice(str(month), due_on=date(2026, month, 10), digitable_line="") for month in (12, 9, 11, 10)
    ]
    outcome = await office.receive(boleto())
    assert isinstance(outcome, BoletosIssued)
    assert [each.invoice_id for each in outcome.offers] == ["9", "10", "11"]
    assert [each.overdue for each in outcome.offers] == [True, True, True]
    assert outcome.more == 1
    assert office.said_keys[-1] == "boleto.one_more"


async def test_no_open_invoice_has_its_own_flow() -> None:
    office = Office()
    office.world.add(customer(HOME))
    assert await office.receive(boleto()) == NoOpenBoleto()
    assert office.flows == [FlowKey.BOLETOS_NONE]


async def test_an_invoice_of_which_nothing_is_left_to_pay_is_not_open_and_nobody_is_alarmed() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(payable=Money(0))]
    assert await office.receive(boleto()) == NoOpenBoleto()
    assert office.flows == [FlowKey.BOLETOS_NONE]
    assert office.notebook.alerts == []


async def test_a_customer_without_any_contract_has_no_boleto_and_no_unblock() -> None:
    office = Office()
    office.world.add(customer())
    office.world.add(type(customer())(id=CustomerId("1"), name="X", tax_id=customer().tax_id))
    assert await office.receive(boleto()) == NoOpenBoleto()
    assert await office.receive(unblock(key="n-2")) == UnblockDenied(reason=UnblockRefusal.NOT_BLOCKED)


@pytest.mark.parametrize("request_", [boleto("não sei"), unblock("não sei")])
async def test_an_answer_that_names_no_contract_shows_the_list_again(request_: object) -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    assert isinstance(await office.receive(request_), ContractUnclear)  # type: ignore[arg-type]
    assert office.said_keys == ["contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert office.world.writes == []


async def test_where_no_pdf_can_come_an_invoice_without_codes_is_not_announced_and_the_admin_is_told() -> None:
    office = Office(offers=frozenset(Operation) - {Operation.PDF})
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(digitable_line="", link="")]
    assert await office.receive(boleto()) == Failed(cause="invoice.no_way_to_pay")
    assert office.heard == []
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.notebook.alerts == ["invoice.no_way_to_pay"]


async def test_a_corrupt_code_never_reaches_the_chat_and_the_admin_is_told() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(digitable_line=LINE[:-1] + "6", link="")]
    assert isinstance(await office.receive(boleto()), Failed)
    assert office.heard == []
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.notebook.alerts


async def test_what_is_left_of_a_partly_corrupt_invoice_is_sent_and_the_admin_is_told() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(pix_code="000201broken")]
    outcome = await office.receive(boleto())
    assert isinstance(outcome, BoletosIssued)
    assert [action for action in office.heard if isinstance(action, SayCode)] == [SayCode(code=LINE)]
    assert office.notebook.alerts == list(outcome.faults) != []


# --- trust unblock --------------------------------------------------------------------------------------------


async def test_a_blocked_contract_is_unblocked_once_and_a_second_time_denied() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    outcome = await office.receive(unblock())
    assert isinstance(outcome, UnblockGranted)
    assert office.said_keys == ["unblock.granted"]
    assert await office.receive(unblock(key="n-2")) == UnblockDenied(reason=UnblockRefusal.NOT_BLOCKED)
    assert office.flows == [FlowKey.UNBLOCK_GRANTED, FlowKey.UNBLOCK_DENIED]
    assert office.world.writes == ["unblock 20743"]


async def test_what_the_erp_refuses_is_denied_in_plain_words() -> None:
    office = Office()
    office.world.unblocks_left = 0
    office.world.add(customer(BLOCKED))
    assert await office.receive(unblock()) == UnblockDenied(reason=UnblockRefusal.ALREADY_USED)
    assert office.said_keys == ["unblock.denied.already_used"]


async def test_an_answer_lost_after_the_unblock_is_read_back_and_not_repeated() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    office.world.fail("unblock!", InDoubt("erp.dropped"))
    assert isinstance(await office.receive(unblock()), UnblockGranted)
    assert office.world.writes == ["unblock 20743"]


@pytest.mark.parametrize("reading", [(), (Unavailable("erp.timeout"),)])
async def test_a_write_that_nobody_can_tell_about_goes_to_a_person(reading: tuple[Unavailable, ...]) -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    office.world.fail("unblock", InDoubt("erp.dropped"))
    office.world.fail("find", None, *reading)
    outcome = await office.receive(unblock())
    assert isinstance(outcome, Failed)
    assert outcome.write_in_doubt
    assert [note.message.key for note in office.chat.notes(CHAT.id)] == ["note.write_in_doubt"]
    assert office.flows == [FlowKey.AUXILIARY]


async def test_an_unblock_that_surely_did_not_happen_is_in_no_doubt() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    office.world.fail("unblock", Unavailable("erp.unreachable"))
    assert await office.receive(unblock()) == Failed(cause="erp.unreachable")


# --- ticket ---------------------------------------------------------------------------------------------------


async def test_a_ticket_is_opened_and_its_protocol_told() -> None:
    office = Office()
    office.world.add(customer())
    assert await office.receive(ticket()) == TicketOpened(protocol=ProtocolNumber("1001"))
    assert office.said_keys == ["ticket.opened"]
    assert office.flows == [FlowKey.TICKET_OPENED]


async def test_an_open_ticket_is_given_again_in_place_of_a_second_one() -> None:
    office = Office()
    office.world.add(customer())
    office.world.tickets[CustomerId("12345")] = [Ticket(protocol=ProtocolNumber("88"), opened_at=NOON)]
    assert await office.receive(ticket()) == TicketAlreadyOpen(protocol=ProtocolNumber("88"))
    assert office.flows == [FlowKey.TICKET_REFUSED]
    assert office.world.writes == []


async def test_an_outage_answers_in_place_of_a_ticket() -> None:
    office = Office()
    office.world.add(customer())
    office.world.outages.append(outage())
    outcome = await office.receive(ticket())
    assert isinstance(outcome, TicketNotNeeded)
    assert "77" in outcome.told
    assert office.flows == [FlowKey.TICKET_REFUSED]


async def test_a_ticket_without_words_is_refused() -> None:
    office = Office()
    office.world.add(customer())
    assert await office.receive(ticket("  ")) == TicketRefused(reason=WhyNoTicket.DESCRIPTION_MISSING)


async def test_a_ticket_that_the_erp_refuses_is_refused() -> None:
    office = Office()
    office.world.add(customer())
    office.world.accepts_tickets = False
    assert await office.receive(ticket()) == TicketRefused(reason=WhyNoTicket.REFUSED_BY_ERP)


async def test_an_answer_lost_after_the_ticket_is_found_in_the_list() -> None:
    office = Office()
    office.world.add(customer())
    office.world.fail("open!", InDoubt("erp.timeout"))
    assert await office.receive(ticket(contract="20743")) == TicketOpened(protocol=ProtocolNumber("1001"))
    assert office.world.writes == ["ticket 12345"]


async def test_an_unblock_whose_answer_nobody_understands_is_read_back_and_never_repeated() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    office.world.fail("unblock!", Unintelligible("erp.not_json"))
    assert isinstance(await office.receive(unblock()), UnblockGranted)
    assert office.world.writes == ["unblock 20743"]


async def test_a_list_of_tickets_that_the_erp_refuses_to_show_does_not_keep_a_ticket_from_being_opened() -> None:
    office = Office()
    office.world.add(customer())
    office.world.fail("open_tickets", Rejected("erp.not_found"))
    assert isinstance(await office.receive(ticket()), TicketOpened)


async def test_a_list_of_tickets_that_fails_opens_no_second_ticket() -> None:
    office = Office()
    office.world.add(customer())
    office.world.fail("open_tickets", Unintelligible("erp.not_json"))
    assert await office.receive(ticket()) == Failed(cause="erp.not_json")
    assert office.world.writes == []


@pytest.mark.parametrize(
    "request_", [ticket("111.111.111-11 caiu", document="111"), boleto(document="x"), unblock(document="")]
)
async def test_nobody_acts_for_somebody_who_is_not_identified(request_: object) -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    assert isinstance(await office.receive(request_), CustomerNotFound)  # type: ignore[arg-type]
    assert office.world.writes == []


# --- what holds for all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "operation"),
    [(boleto(), Operation.BOLETO), (unblock(), Operation.UNBLOCK), (ticket(), Operation.TICKET)],
)
async def test_what_an_erp_does_not_offer_ends_in_the_auxiliary_flow(request_: object, operation: Operation) -> None:
    office = Office(offers=frozenset({Operation.CUSTOMER}))
    office.world.add(customer(BLOCKED))
    assert await office.receive(request_) == NotOffered(operation=operation)  # type: ignore[arg-type]
    assert office.flows == [FlowKey.AUXILIARY]


async def test_an_erp_that_lists_no_tickets_still_opens_them() -> None:
    office = Office(offers=frozenset({Operation.CUSTOMER, Operation.TICKET}))
    office.world.add(customer())
    assert isinstance(await office.receive(ticket()), TicketOpened)


async def test_a_paused_installation_asks_nothing_and_sends_everybody_to_the_auxiliary_flow() -> None:
    office = Office(Policies(paused=True))
    office.world.fail("find", Unavailable("must not be asked"))
    assert await office.receive(lookup()) == Paused()
    assert office.flows == [FlowKey.AUXILIARY]


@pytest.mark.parametrize("request_", [unblock(), ticket()])
async def test_shadow_mode_reads_and_decides_but_writes_nothing_and_starts_nothing(request_: object) -> None:
    office = Office(Policies(shadow=True))
    office.world.add(customer(BLOCKED))
    assert isinstance(await office.receive(request_), Shadowed)  # type: ignore[arg-type]
    assert office.world.writes == []
    assert office.chat.done == []


async def test_shadow_mode_tells_what_would_have_been_answered() -> None:
    office = Office(Policies(shadow=True))
    office.world.add(customer())
    assert isinstance(await office.receive(lookup()), CustomerFound)
    assert office.chat.done == []

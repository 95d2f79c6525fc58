import re
from datetime import date
from typing import get_args

import msgspec
import pytest
from hypothesis import given

from adapters.messages.catalog import read_catalog
from domain.action import CloseChat, LeaveNote, LeaveToAgent, Message, Remark, Route, Say, SayCode, SendPdf, StartFlow
from domain.identifiers import InvoiceId, ProtocolNumber
from domain.installation import FlowKey, Installation, Policies
from domain.invoice import Offer
from domain.money import Money
from domain.outcome import (
    BoletosIssued,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NotOffered,
    Outcome,
    Paused,
    TicketNotNeeded,
    UnblockGranted,
    WhyNotFound,
)
from domain.routing import for_agent, route, tag_of
from tests.domain import outcomes as make
from tests.domain.builders import ALL_FLOWS, contract, installation

CATALOG = read_catalog()
FLOW_OF = {
    "customer.found": FlowKey.CUSTOMER_FOUND,
    "customer.in_outage": FlowKey.CUSTOMER_FOUND,
    "customer.not_found": FlowKey.CUSTOMER_NOT_FOUND,
    "contract.unclear": FlowKey.CUSTOMER_FOUND,
    "boleto.issued": FlowKey.BOLETOS_FOUND,
    "boleto.none_open": FlowKey.BOLETOS_NONE,
    "unblock.granted": FlowKey.UNBLOCK_GRANTED,
    "unblock.denied": FlowKey.UNBLOCK_DENIED,
    "ticket.opened": FlowKey.TICKET_OPENED,
    "ticket.already_open": FlowKey.TICKET_REFUSED,
    "ticket.outage_explains": FlowKey.TICKET_REFUSED,
    "ticket.refused": FlowKey.TICKET_REFUSED,
    "not_offered": FlowKey.AUXILIARY,
    "paused": FlowKey.AUXILIARY,
    "shadowed": FlowKey.AUXILIARY,
    "failed": FlowKey.AUXILIARY,
}
"""the table of the product's page, written a second time on purpose"""


def test_the_table_of_flows_names_every_outcome() -> None:
    assert {kind.__struct_config__.tag for kind in get_args(Outcome)} == FLOW_OF.keys()


@given(make.outcomes, make.policies)
def test_every_outcome_leads_to_its_flow_unless_an_outage_closes_the_chat(outcome: Outcome, policies: Policies) -> None:
    terminal = route(outcome, installation(policies)).terminal
    if isinstance(outcome, CustomerInOutage) and policies.outage_closes_chat and not outcome.reached:
        assert terminal == CloseChat()
    else:
        flow = FLOW_OF[tag_of(outcome)]
        assert isinstance(terminal, StartFlow)
        assert (terminal.flow, terminal.flow_id) == (flow, ALL_FLOWS[flow])


@given(make.outcomes, make.installations)
def test_exactly_one_terminal_step_and_it_is_the_last(outcome: Outcome, where: Installation) -> None:
    steps = route(outcome, where).steps()
    terminal = [isinstance(step, StartFlow | CloseChat | LeaveToAgent) for step in steps]
    assert terminal == [False] * (len(steps) - 1) + [True]


@given(make.outcomes, make.installations)
def test_a_failure_of_the_world_never_closes_a_chat_and_reaches_the_auxiliary_flow(
    outcome: Outcome, where: Installation
) -> None:
    if isinstance(outcome, Failed | NotOffered | Paused):
        terminal = route(outcome, where).terminal
        assert isinstance(terminal, StartFlow)
        assert terminal.flow is FlowKey.AUXILIARY


@given(make.outcomes, make.installations)
def test_a_flow_that_nobody_chose_is_replaced_by_the_auxiliary_one(outcome: Outcome, where: Installation) -> None:
    terminal = route(outcome, where).terminal
    if isinstance(terminal, StartFlow):
        assert terminal.flow_id == where.flows.get(terminal.flow)
        assert terminal.flow_id is not None or FlowKey.AUXILIARY not in where.flows


@given(make.outcomes, make.installations)
def test_every_message_has_words_and_every_placeholder_a_value(outcome: Outcome, where: Installation) -> None:
    planned = route(outcome, where)
    for remark in (*planned.remarks, *for_agent(planned, outcome).remarks):
        for message in messages_of(remark):
            assert CATALOG.render(message).strip() or message.key in {"outage.told", "note.code"}


@given(make.outcomes, make.installations)
def test_no_personal_data_stands_in_the_repr_of_a_route(outcome: Outcome, where: Installation) -> None:
    planned = route(outcome, where)
    assert make.PERSONAL not in repr(planned)
    assert make.PERSONAL not in repr(for_agent(planned, outcome))


@given(make.outcomes, make.installations)
def test_routing_is_deterministic_and_an_outcome_replayed_from_the_journal_leads_to_the_same_route(
    outcome: Outcome, where: Installation
) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome)
    assert kept == outcome
    assert route(kept, where) == route(outcome, where)


@given(make.outcomes, make.installations)
def test_a_route_comes_back_from_the_journal_as_it_went_in(outcome: Outcome, where: Installation) -> None:
    planned = route(outcome, where)
    assert msgspec.json.decode(msgspec.json.encode(planned), type=Route) == planned


@given(make.outcomes, make.installations)
def test_in_a_chat_of_an_agent_everything_becomes_a_note_and_nothing_is_started(
    outcome: Outcome, where: Installation
) -> None:
    planned = route(outcome, where)
    result = for_agent(planned, outcome)
    assert all(isinstance(remark, LeaveNote) for remark in result.remarks)
    assert len(result.remarks) == len(planned.remarks) + 1
    assert result.terminal == LeaveToAgent()


@pytest.mark.parametrize(
    ("link", "read"),
    [
        ("https://erp.example/b/1", Message(key="boleto.link", values={"link": "https://erp.example/b/1"})),
        ("", Message(key="note.no_link")),
    ],
)
def test_an_agent_reads_the_link_of_a_boleto_or_that_there_is_none(link: str, read: Message) -> None:
    issued = BoletosIssued(offers=(offer(pix_code="", link=link),), more=0)
    *_, pdf, _ = for_agent(route(issued, installation()), issued).remarks
    assert pdf == LeaveNote(message=read)


def test_nobody_can_tell_why_a_customer_was_not_found() -> None:
    routes = {repr(route(CustomerNotFound(why=why), installation()).steps()) for why in WhyNotFound}
    assert len(routes) == 1


def test_a_single_contract_needs_no_list() -> None:
    assert route(CustomerFound(first_name="Ana", contracts=(contract(),)), installation()).remarks == ()


def test_several_contracts_are_listed_with_number_plan_and_district() -> None:
    contracts = (contract("20743"), contract("31002", plan="", district=""))
    (remark,) = route(CustomerFound(first_name="Ana", contracts=contracts), installation()).remarks
    assert isinstance(remark, Say)
    assert CATALOG.render(remark.message) == (
        "Oi, Ana! Encontrei mais de um contrato no seu cadastro:\n\n"
        "1. Contrato 20743 – Plano 500 Mega – Centro\n2. Contrato 31002"
    )


def test_of_plan_and_district_what_is_known_stands_in_the_line() -> None:
    contracts = (contract("1", plan="", district="Centro"), contract("2", plan="Fibra", district=""))
    (remark,) = route(CustomerFound(first_name="", contracts=contracts), installation()).remarks
    assert isinstance(remark, Say)
    assert CATALOG.render(remark.message).splitlines()[-2:] == ["1. Contrato 1 – Centro", "2. Contrato 2 – Fibra"]


def offer(**changes: object) -> Offer:
    whole = {
        "invoice_id": InvoiceId("9"),
        "due_on": None,
        "overdue": False,
        "amount": Money(9990),
        "digitable_line": "34191101213456788005871234570001616670000012345",
        "pix_code": "000201***6304ABCD",
        "link": "https://erp.example/b/1",
    }
    return msgspec.convert(whole | changes, Offer)


def test_a_boleto_is_told_in_the_order_that_people_pay_in() -> None:
    remarks = route(BoletosIssued(offers=(offer(),), more=2), installation()).remarks
    kinds = [type(remark) for remark in remarks]
    assert kinds == [Say, SayCode, SayCode, SendPdf, Say, Say]
    assert remarks[1] == SayCode(code="000201***6304ABCD")
    assert remarks[2] == SayCode(code="34191101213456788005871234570001616670000012345")


@pytest.mark.parametrize(
    ("overdue", "due"),
    [
        (False, "Vencimento: 21/12/2026"),
        (True, "Venceu em 21/12/2026. O valor atualizado aparece na hora do pagamento."),
    ],
)
def test_the_first_message_tells_what_is_to_be_paid_by_when_and_to_whom(overdue: bool, due: str) -> None:
    told = offer(reference="FAT 9", due_on="2026-12-21", overdue=overdue, payee="PROVEDOR LTDA")
    first = route(BoletosIssued(offers=(told,), more=0), installation()).remarks[0]
    assert isinstance(first, Say)
    assert CATALOG.render(first.message).splitlines()[1:5] == [
        "FAT 9",
        "Valor: R$ 99,90",
        due,
        "Beneficiário: PROVEDOR LTDA. Confira esse nome antes de pagar.",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [(1, "Há mais 1 fatura em aberto além dessas."), (2, "Há mais 2 faturas em aberto além dessas.")],
)
def test_how_many_more_invoices_there_are_is_told_last(more: int, told: str) -> None:
    last = route(BoletosIssued(offers=(offer(),), more=more), installation()).remarks[-1]
    assert isinstance(last, Say)
    assert CATALOG.render(last.message) == told


@pytest.mark.parametrize(
    ("changes", "announced"),
    [
        ({}, "pix_and_line"),
        ({"digitable_line": ""}, "pix"),
        ({"pix_code": ""}, "line"),
        ({"pix_code": "", "digitable_line": ""}, "document"),
    ],
)
def test_the_first_message_announces_just_what_follows(changes: dict[str, object], announced: str) -> None:
    first = route(BoletosIssued(offers=(offer(**changes),), more=0), installation()).remarks[0]
    assert isinstance(first, Say)
    assert first.message.key == f"boleto.intro.{announced}"


@pytest.mark.parametrize(("due_on", "name"), [("2026-12-21", "boleto-2026-12-21.pdf"), (None, "boleto.pdf")])
def test_the_file_of_a_boleto_is_a_pdf_named_after_its_due_date_where_it_has_one(due_on: str | None, name: str) -> None:
    sent = route(BoletosIssued(offers=(offer(due_on=due_on),), more=0), installation()).remarks[-2]
    assert isinstance(sent, SendPdf)
    assert sent.name == name


@given(make.outcomes, make.installations)
def test_an_outage_is_told_first_and_not_once_more_to_a_chat_that_knows(outcome: Outcome, where: Installation) -> None:
    told = getattr(outcome, "told", "")
    keys = [remark.message.key for remark in route(outcome, where).remarks if isinstance(remark, Say)]
    if told and not getattr(outcome, "again", False):
        assert keys[0] == "outage.told"
    assert keys.count("outage.told") == (1 if told and not getattr(outcome, "again", False) else 0)


def test_a_customer_of_whom_only_some_contracts_are_reached_reads_which_and_is_not_cut_off() -> None:
    outcome = CustomerInOutage(
        first_name="", contracts=(contract("1"), contract("2")), told="Há uma falha.", protocol=None, back_at="18h",
        reached=("1",),
    )  # fmt: skip
    planned = route(outcome, installation(Policies(outage_closes_chat=True)))
    told, which, _ = (remark.message for remark in planned.remarks if isinstance(remark, Say))
    assert CATALOG.render(told) == "Há uma falha."
    assert CATALOG.render(which) == "A falha atinge só o contrato 1; o restante do seu cadastro segue normal."
    assert isinstance(planned.terminal, StartFlow)


def test_an_outage_that_stands_is_told_before_the_auxiliary_flow() -> None:
    planned = route(Failed(cause="erp.timeout", write_in_doubt=True, told="Há uma falha."), installation())
    assert [type(step) for step in planned.steps()] == [Say, LeaveNote, StartFlow]


_COLLECTION = re.compile(
    r"cobran|débito|dívida|inadimpl|atras|regulariz|negativ|serasa|\bspc\b|protest|multa|juros", re.IGNORECASE
)


_PLACEHOLDERS = [
    "about", "amount", "contracts", "count", "due_on", "first_name", "link", "number", "payee", "position", "protocol",
    "reference", "text", "until",
]  # fmt: skip


@pytest.mark.parametrize("key", sorted(filter(lambda key: not key.startswith("note."), CATALOG.keys())))
def test_no_sentence_that_a_customer_reads_presses_for_money(key: str) -> None:
    """Boleto and unblock work in an outage as ever; who has no internet is told the facts of the invoice alone."""
    words = CATALOG.render(Message(key=key, values=dict.fromkeys(_PLACEHOLDERS, "")))
    assert not _COLLECTION.search(words)


@given(make.outcomes, make.installations)
def test_whoever_is_told_of_an_outage_is_asked_for_no_money(outcome: Outcome, where: Installation) -> None:
    if isinstance(outcome, CustomerInOutage | TicketNotNeeded | Failed):
        keys = [message.key for remark in route(outcome, where).remarks for message in messages_of(remark)]
        assert not [key for key in keys if key.startswith(("boleto.", "unblock."))]


def test_a_write_in_doubt_is_told_to_the_people_who_can_look() -> None:
    assert any(
        isinstance(remark, LeaveNote)
        for remark in route(Failed(cause="erp.timeout", write_in_doubt=True), installation()).remarks
    )


def messages_of(remark: Remark) -> list[Message]:
    match remark:
        case Say(message=message) | LeaveNote(message=message):
            return [message]
        case SendPdf(caption=caption, otherwise=otherwise):
            return [caption, *([otherwise] if otherwise else [])]
        case SayCode():
            return []


def test_a_granted_unblock_tells_protocol_and_last_day_where_the_erp_gave_them() -> None:
    granted = UnblockGranted(protocol=ProtocolNumber("77"), until=date(2026, 11, 25))
    (remark,) = route(granted, installation()).remarks
    assert isinstance(remark, Say)
    assert CATALOG.render(remark.message).splitlines()[1:] == ["Protocolo: 77", "Vale até 25/11/2026."]
    (remark,) = route(UnblockGranted(protocol=None, until=None), installation()).remarks
    assert isinstance(remark, Say)
    assert len(CATALOG.render(remark.message).splitlines()) == 1

import re
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.messages.catalog import read_catalog
from domain.customer import Contract
from domain.flow_answer import (
    CHOOSE_CONTRACT,
    IN_OUTAGE,
    KEYS,
    RESULTS,
    FlowAnswer,
    FlowOperation,
    answer_of,
    failed_answer,
    planned,
    result_of,
)
from domain.identifiers import InvoiceId, ProtocolNumber
from domain.installation import FlowKey, Installation, Policies
from domain.invoice import Offer
from domain.money import Money
from domain.outcome import (
    BoletosIssued,
    ContractUnclear,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NotOffered,
    Outcome,
    Paused,
    Shadowed,
    TicketAlreadyOpen,
    UnblockDenied,
    UnblockGranted,
    WhyNotFound,
)
from domain.trust_unblock import UnblockRefusal
from tests.domain import outcomes as make
from tests.domain.builders import contract, installation

CATALOG = read_catalog()
operations = st.sampled_from(FlowOperation)
ASKED = installation()


def said(answer: FlowAnswer) -> str:
    return "\n\n".join(CATALOG.render(message) for message in answer.said)


@given(operations, make.outcomes, make.installations)
def test_an_answer_is_flat_text_under_the_keys_of_its_operation_and_no_others(
    operation: FlowOperation, outcome: Outcome, where: Installation
) -> None:
    answer = answer_of(operation, outcome, where)
    patterns = [re.escape(key.name).replace(r"\{n\}", "[1-9][0-9]*") for key in KEYS[operation]]
    for name, value in answer.values.items():
        assert any(re.fullmatch(pattern, name) for pattern in patterns)
        assert isinstance(value, str)
    for key in KEYS[operation]:
        assert key.name.replace("{n}", "1") in answer.values


@given(operations, make.outcomes, make.installations)
def test_every_outcome_has_a_result_that_a_flow_can_branch_on(
    operation: FlowOperation, outcome: Outcome, where: Installation
) -> None:
    answer = answer_of(operation, outcome, where)
    assert answer.result in RESULTS
    assert answer.values["resultado"] == answer.result
    if isinstance(outcome, Failed | NotOffered | Paused | Shadowed):
        assert answer.result == FlowKey.AUXILIARY
        assert answer.values["motivo"]


@given(operations, make.outcomes, make.installations)
def test_the_message_always_has_words(operation: FlowOperation, outcome: Outcome, where: Installation) -> None:
    answer = answer_of(operation, outcome, where)
    assert said(answer).strip()
    for line in answer.contracts:
        assert CATALOG.render(line)


@given(make.outcomes, make.installations)
def test_the_result_does_not_depend_on_the_flows_that_were_chosen(outcome: Outcome, where: Installation) -> None:
    whole = installation(where.policies)
    assert result_of(outcome, where) == result_of(outcome, whole)
    assert planned(outcome, where) == planned(outcome, whole)


@given(operations, make.outcomes)
def test_no_personal_data_stands_in_the_repr_of_an_answer(operation: FlowOperation, outcome: Outcome) -> None:
    assert make.PERSONAL not in repr(answer_of(operation, outcome, ASKED))


@given(operations, make.outcomes, make.outcomes)
def test_two_answers_of_an_operation_have_the_same_keys_so_that_no_variable_keeps_an_old_value(
    operation: FlowOperation, one: Outcome, other: Outcome
) -> None:
    assert answer_of(operation, one, ASKED).values.keys() == answer_of(operation, other, ASKED).values.keys()


def test_every_key_is_told_once_with_an_example_and_a_meaning() -> None:
    for keys in KEYS.values():
        names = [key.name for key in keys]
        assert len(names) == len(set(names))
        assert names[:3] == ["resultado", "mensagem", "motivo"]
        for key in keys:
            assert key.example
            assert key.meaning
            assert re.fullmatch(r"[a-z_]+(\{n\}_?[a-z_]*)?", key.name)


def test_every_operation_has_its_keys() -> None:
    assert set(KEYS) == set(FlowOperation)


def offer(number: int) -> Offer:
    return Offer(
        invoice_id=InvoiceId(str(number)),
        due_on=date(2026, 12, 21),
        overdue=False,
        amount=Money(12345),
        digitable_line=f"line{number}",
        pix_code=f"pix{number}",
        link=f"https://erp.example/{number}",
    )


def test_the_codes_of_a_boleto_stand_in_keys_of_their_own_and_are_not_announced_in_the_message() -> None:
    answer = answer_of(FlowOperation.BOLETO, BoletosIssued(offers=(offer(1), offer(2)), more=1), ASKED)
    assert answer.result == FlowKey.BOLETOS_FOUND
    assert {name: value for name, value in answer.values.items() if value and name != "resultado"} == {
        "boletos": "3",
        "boleto_1_linha_digitavel": "line1",
        "boleto_1_pix": "pix1",
        "boleto_1_link": "https://erp.example/1",
        "boleto_1_vencimento": "21/12/2026",
        "boleto_1_valor": "R$ 123,45",
        "boleto_2_linha_digitavel": "line2",
        "boleto_2_pix": "pix2",
        "boleto_2_link": "https://erp.example/2",
        "boleto_2_vencimento": "21/12/2026",
        "boleto_2_valor": "R$ 123,45",
    }
    assert "pix1" not in said(answer)
    assert "mensage" not in said(answer)
    assert said(answer).count("Vencimento: 21/12/2026") == 2


def test_boletos_are_told_one_after_the_other_in_as_many_places_as_the_provider_sends_or_more() -> None:
    one = answer_of(FlowOperation.BOLETO, BoletosIssued(offers=(offer(1),), more=0), installation(Policies()))
    places = [name for name in one.values if name.startswith("boleto_")]
    assert places[:6] == [*(f"boleto_1_{part}" for part in PARTS), "boleto_2_linha_digitavel"]
    assert len(places) == 3 * len(PARTS)
    two = answer_of(
        FlowOperation.BOLETO, BoletosIssued(offers=(offer(1), offer(2)), more=0), installation(Policies(invoices_max=1))
    )
    assert len([name for name in two.values if name.startswith("boleto_")]) == 2 * len(PARTS)


PARTS = ("linha_digitavel", "pix", "link", "vencimento", "valor")


@given(make.outcomes)
def test_five_places_for_contracts_are_in_every_answer_that_has_any_however_few_there_are(outcome: Outcome) -> None:
    for operation in set(FlowOperation) - {FlowOperation.TICKET}:
        places = [name for name in answer_of(operation, outcome, ASKED).values if name.startswith("contrato_")]
        assert places == [f"contrato_{number}" for number in range(1, 6)]


def test_several_contracts_and_none_named_is_a_question_with_its_list() -> None:
    contracts = tuple(contract(str(number), plan="", district="") for number in range(1, 8))
    answer = answer_of(FlowOperation.UNBLOCK, ContractUnclear(contracts=contracts), ASKED)
    assert answer.result == CHOOSE_CONTRACT
    assert answer.values["contratos"] == "7"
    assert answer.values["contrato_7"] == "7"
    assert [CATALOG.render(line) for line in answer.contracts][:2] == ["1. Contrato 1", "2. Contrato 2"]
    assert "7. Contrato 7" in said(answer)


def test_a_single_contract_is_listed_too() -> None:
    answer = answer_of(FlowOperation.LOOK_UP, CustomerFound(first_name="", contracts=(contract(),)), ASKED)
    assert [CATALOG.render(line) for line in answer.contracts] == ["1. Contrato 20743 – Plano 500 Mega – Centro"]
    assert said(answer) == "Encontrei o seu cadastro."


def test_who_is_known_is_greeted() -> None:
    answer = answer_of(FlowOperation.LOOK_UP, CustomerFound(first_name="Ana", contracts=(contract(),)), ASKED)
    assert said(answer) == "Oi, Ana! Encontrei o seu cadastro."
    assert answer.values["cliente_nome"] == "Ana"


def in_outage(told: str) -> CustomerInOutage:
    return CustomerInOutage(
        first_name="", contracts=(contract(),), told=told, protocol=ProtocolNumber("77"), back_at="18h30"
    )


@pytest.mark.parametrize("policies", [Policies(), Policies(outage_closes_chat=True)])
def test_an_outage_is_told_with_hour_and_protocol_whether_or_not_chats_are_closed(policies: Policies) -> None:
    answer = answer_of(FlowOperation.OUTAGE, in_outage("Volta às 18h30."), installation(policies))
    assert answer.result == IN_OUTAGE
    assert (answer.values["protocolo"], answer.values["resolution_time_hour"]) == ("77", "18h30")
    assert said(answer) == "Volta às 18h30."


def test_an_outage_that_its_chat_was_told_of_before_is_told_to_the_flow_all_the_same() -> None:
    again = msgspec.structs.replace(in_outage("Volta às 18h30."), again=True)
    assert said(answer_of(FlowOperation.LOOK_UP, again, ASKED)) == "Volta às 18h30."


@pytest.mark.parametrize("contracts", [(contract(),), (contract("1"), contract("2"))])
def test_an_outage_that_the_provider_does_not_want_told_in_its_words_is_told_in_plain_ones(
    contracts: tuple[Contract, ...],
) -> None:
    outcome = msgspec.structs.replace(in_outage(""), contracts=contracts)
    assert "falha na rede" in said(answer_of(FlowOperation.LOOK_UP, outcome, ASKED))


def test_nobody_can_tell_why_a_customer_was_not_found() -> None:
    answers = [answer_of(FlowOperation.LOOK_UP, CustomerNotFound(why=why), ASKED) for why in WhyNotFound]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].values["motivo"] == ""


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (UnblockDenied(reason=UnblockRefusal.ALREADY_USED), "already_used"),
        (UnblockGranted(protocol=None, until=None), ""),
        (TicketAlreadyOpen(protocol=ProtocolNumber("1")), "already_open"),
        (Failed(cause="erp.timeout"), "erp.timeout"),
        (NotOffered(operation="ticket"), "not_offered"),
    ],
)
def test_what_did_not_work_out_has_its_reason(outcome: Outcome, reason: str) -> None:
    assert answer_of(FlowOperation.UNBLOCK, outcome, ASKED).values["motivo"] == reason


@given(operations)
def test_what_could_not_be_asked_has_the_same_keys_and_leads_to_the_auxiliary_flow(operation: FlowOperation) -> None:
    answer = failed_answer(operation, "storage.failed", Policies())
    assert answer.values == answer_of(operation, Failed(cause="storage.failed"), ASKED).values
    assert said(answer) == "Não consegui concluir o seu pedido por aqui agora."


def test_what_is_not_even_an_operation_leads_to_the_auxiliary_flow() -> None:
    answer = failed_answer(None, "flow.unknown_operation", Policies())
    assert answer.values == {"resultado": "auxiliary", "motivo": "flow.unknown_operation"}

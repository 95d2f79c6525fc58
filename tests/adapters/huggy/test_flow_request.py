import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.huggy.flow_request import read_request
from adapters.huggy.inbound import NotUnderstood
from domain.flow_answer import FlowOperation
from domain.identifiers import Secret
from domain.notification import (
    BoletoRequested,
    CustomerLookup,
    Notification,
    OutageAsked,
    TicketRequested,
    UnblockRequested,
)

CPF = "529.982.247-25"
SALT = Secret(value="flow-key")


def read(
    body: object = b"", content_type: str = "", query: str = "", operation: FlowOperation = FlowOperation.BOLETO
) -> Notification:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(operation, content, content_type, query, salt=SALT).notification


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (FlowOperation.LOOK_UP, CustomerLookup),
        (FlowOperation.BOLETO, BoletoRequested),
        (FlowOperation.UNBLOCK, UnblockRequested),
        (FlowOperation.TICKET, TicketRequested),
        (FlowOperation.OUTAGE, OutageAsked),
    ],
)
def test_what_is_asked_stands_in_the_address(operation: FlowOperation, kind: type[Notification]) -> None:
    asked = read({"cpf": CPF, "event": "2_VIA_BOLETO"}, operation=operation)
    assert type(asked) is kind
    assert asked.document == CPF


FIELDS = {"cpf_cnpj": CPF, "CONTRATO": "20743", "chatID": "55501", "telefone": "+55 11 98765-4321"}
LISTED = [{"chave": name, "valor": value} for name, value in FIELDS.items()]


@pytest.mark.parametrize(
    "asked",
    [
        read(FIELDS),
        read(LISTED),
        read({"data": LISTED}),
        read({"fields": [{"key": name, "value": value} for name, value in FIELDS.items()]}),
        read({"body": json.dumps(FIELDS)}),
        read(json.dumps(json.dumps(FIELDS)).encode()),
        read(urlencode(FIELDS).encode(), "application/x-www-form-urlencoded"),
        read(urlencode(FIELDS).encode()),
        read(query=urlencode(FIELDS)),
        read({"cpf": CPF, "contrato": "20743"}, query="chat_id=55501&telefone=%2B55+11+98765-4321"),
        read(
            {"documento": CPF, "contract": 20743, "SYSTEM.CHAT_ID": 55501, "SYSTEM.CLIENT_NUMBER": FIELDS["telefone"]}
        ),
    ],
)
def test_fields_are_found_wherever_the_author_of_the_flow_put_them(asked: Notification) -> None:
    assert isinstance(asked, BoletoRequested)
    assert (asked.document, asked.contract) == (CPF, "20743")
    assert (asked.chat.id, asked.chat.phone) == ("55501", "+55 11 98765-4321")


def test_a_ticket_has_its_description_and_an_outage_its_contract() -> None:
    ticket = read({"cpf": CPF, "descrição": "Sem sinal"}, operation=FlowOperation.TICKET)
    assert isinstance(ticket, TicketRequested)
    assert ticket.description == "Sem sinal"
    outage = read({"cpf": CPF, "contrato": "2"}, operation=FlowOperation.OUTAGE)
    assert isinstance(outage, OutageAsked)
    assert outage.contract == "2"


@pytest.mark.parametrize("body", [b"", b"  ", {}, {"cpf": "{{cpf}}"}, {"cpf": ""}, {"cpf": None}, []])
def test_a_missing_field_is_empty(body: object) -> None:
    asked = read(body)
    assert (asked.document, asked.chat.id, asked.chat.phone) == ("", "", "")


def test_a_variable_of_the_body_that_was_never_filled_does_not_hide_what_the_address_says() -> None:
    assert read({"cpf": "{{cpf}}", "chatID": ""}, query=f"cpf={CPF}&chatID=7").document == CPF


def test_the_body_counts_before_the_address() -> None:
    assert read({"cpf": CPF}, query="cpf=1").document == CPF


def test_an_id_of_something_else_is_not_taken_for_the_chats() -> None:
    assert read({"id": "55501", "cpf": CPF}).chat.id == ""


def test_what_the_customer_has_in_hand_is_not_taken_for_the_flows_phone() -> None:
    assert read({"cpf": CPF, "customer": {"nome": "telefone"}}).chat.phone == ""


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"oi", b'{"cpf": ', b'"oi"', b"7", b"[" * 100_000])
def test_what_is_neither_json_nor_a_form_is_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read(body)


@given(st.binary(max_size=200), st.text(max_size=40), st.text(alphabet=st.characters(codec="latin-1"), max_size=100))
def test_whatever_the_bytes_nothing_else_is_raised(body: bytes, content_type: str, query: str) -> None:
    try:
        asked = read(body, content_type, query)
    except NotUnderstood:
        return
    assert asked.key.startswith("~flow:segunda-via:")


def key(body: dict[str, Any], operation: FlowOperation = FlowOperation.BOLETO, salt: Secret = SALT) -> str:
    return read_request(operation, json.dumps(body).encode(), salt=salt).notification.key


def test_equal_requests_have_equal_keys_however_they_were_laid_out() -> None:
    asked = {"cpf": CPF, "contrato": "2", "chatID": "7"}
    assert key(asked) == key({"chat": {"id": 7}, "data": [{"chave": "CPF", "valor": CPF}], "CONTRATO": 2})
    assert key(asked) == key(asked | {"agora": "12:00:01"})


@pytest.mark.parametrize("changed", [{"cpf": "1"}, {"contrato": "3"}, {"chatID": "8"}, {"telefone": "1"}])
def test_another_question_has_another_key(changed: dict[str, str]) -> None:
    asked = {"cpf": CPF, "contrato": "2", "chatID": "7"}
    assert key(asked) != key(asked | changed)


def test_another_operation_or_another_provider_has_another_key() -> None:
    asked = {"cpf": CPF}
    assert len({key(asked), key(asked, FlowOperation.UNBLOCK), key(asked, salt=Secret(value="other"))}) == 3


def test_a_key_of_any_length_salts() -> None:
    assert key({"cpf": CPF}, salt=Secret(value="k" * 200)).startswith("~flow:")


def test_what_came_in_is_kept_as_json() -> None:
    kept = read_request(FlowOperation.BOLETO, urlencode({"cpf": CPF}).encode(), salt=SALT).raw
    assert json.loads(kept) == {"operation": "segunda-via", "request": {"cpf": CPF}}

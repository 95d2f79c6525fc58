"""What the webhook's parser promises beyond the recorded shapes."""

import json
from typing import Any

import pytest

from adapters.huggy.inbound import Delivery, Handshake, NotUnderstood, Strange, Understood, parse
from domain.notification import (
    BoletoRequested,
    CustomerLookup,
    Notification,
    TicketRequested,
    UnblockRequested,
)


def delivered(payload: Any) -> Delivery:
    delivery = parse(json.dumps(payload).encode())
    assert isinstance(delivery, Delivery)
    return delivery


def only(payload: Any) -> Notification:
    (item,) = delivered(payload).items
    assert isinstance(item, Understood)
    return item.notification


def strange(payload: Any) -> Strange:
    (item,) = delivered(payload).items
    assert isinstance(item, Strange)
    return item


SPELLINGS: list[tuple[str, type[Notification]]] = [
    *(
        (name, BoletoRequested)
        for name in (
            "2_VIA_BOLETO",
            "2 via boleto",
            "2VIABOLETO",
            "2ª via de boleto",
            "Segunda via de boleto",
            "segunda-via",
            "SEGUNDA VIA DA FATURA",
        )
    ),
    *(
        (name, UnblockRequested)
        for name in (
            "DESBLOQUEAR_CONTRATO",
            "Desbloqueio por confiança",
            "desbloqueio de confianca",
            "Desbloquear contrato",
            "desbloqueio",
        )
    ),
    *(
        (name, CustomerLookup)
        for name in ("CONSULTAR_CLIENTE", "Consultar Cliente", "consultarCliente", "Consulta de clientes")
    ),
    *(
        (name, TicketRequested)
        for name in (
            "ABRIR_SOLICITACAO",
            "Abrir Solicitação de Suporte",
            "Abertura de solicitação",
            "abertura de solicitação de suporte",
            "ABRIR_CHAMADO",
            "Abrir um chamado",
        )
    ),
]


@pytest.mark.parametrize(("name", "meant"), SPELLINGS)
def test_an_event_is_known_in_each_of_its_spellings(name: str, meant: type[Notification]) -> None:
    assert type(only({"event": name, "chatID": 1})) is meant


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("  • Consultas de clientes;", {"Consultas de clientes": CustomerLookup}),
        ("  • Geração de 2ª Via de boleto;", {"Geração de 2ª Via de boleto": BoletoRequested}),
        ("  • Desbloqueio por confiança;", {"Desbloqueio por confiança": UnblockRequested}),
        ("  • Abertura de Solicitação de Suporte;", {"Abertura de Solicitação de Suporte": TicketRequested}),
        (
            (
                "Evento: Escolha o Evento correspondente à intenção do flow, como: Segunda via de boleto, Desbloqueio por "
                "confiança, Consultar Cliente ou Abrir Solicitação de Suporte"
            ),
            {
                "Segunda via de boleto": BoletoRequested,
                "Desbloqueio por confiança": UnblockRequested,
                "Consultar Cliente": CustomerLookup,
                "Abrir Solicitação de Suporte": TicketRequested,
            },
        ),
        (
            (
                "Para as ações de “Notificar App” dos eventos de Abertura de solicitação ao suporte, existe um campo adicional "
                "que deve ser preenchido:"
            ),
            {"Abertura de solicitação ao suporte": TicketRequested},
        ),
        (
            (
                "Já se os eventos selecionados forem 2_VIA_BOLETO ou DESBLOQUEAR_CONTRATO, será necessário adicionar um novo "
                "campo:"
            ),
            {"2_VIA_BOLETO": BoletoRequested, "DESBLOQUEAR_CONTRATO": UnblockRequested},
        ),
    ],
)
def test_an_event_is_known_by_every_name_that_the_providers_own_guide_gives_it(
    sentence: str, names: dict[str, type[Notification]]
) -> None:
    for name, meant in names.items():
        assert name in sentence
        assert type(only({"event": name, "chatID": 1})) is meant


@pytest.mark.parametrize(
    "name",
    [
        *("desbloqueio_negado", "Desbloqueio negado", "Desbloqueio liberado no sistema", "Geração de desbloqueio"),
        *("boleto pago", "2_VIA_BOLETO_ENVIADA", "Geração de boleto", "Existem boletos no sistema"),
        *("não abrir chamado", "Chamado aberto no sistema", "Consultas", "Protocolo para falha massiva"),
    ],
)
def test_a_name_that_only_contains_a_known_one_starts_nothing(name: str) -> None:
    assert strange({"event": name, "chatID": 1}).what.reason == "event_unknown"


@pytest.mark.parametrize(
    "named",
    [
        {key: "Consultar Cliente"}
        for key in ("event", "evento", "eventName", "event_name", "name", "type", "action", "notification")
    ]
    + [{"event": {"name": "Consultar Cliente"}}, {"notification": {"name": "Consultar Cliente"}}]
    + [{"data": {"event": "Consultar Cliente"}}, {"body": '{"evento": "Consultar Cliente"}'}],
)
def test_the_events_name_is_found_under_each_of_its_keys(named: dict[str, Any]) -> None:
    assert isinstance(only({**named, "chatID": 1}), CustomerLookup)


@pytest.mark.parametrize(
    "placed",
    [
        {"chatID": 7},
        {"chatId": "7"},
        {"chat_id": 7.0},
        {"chat": {"id": " 7 "}},
        {"chat": 7},
        {"chat.id": "7"},
        {"SYSTEM.CHAT_ID": "7"},
        {"SYSTEM": {"CHAT_ID": 7}},
        {"context": {"SYSTEM.CHAT_ID": 7}},
        {"context.SYSTEM.CHAT_ID": 7},
        {"data": [{"key": "chatID", "value": 7}]},
        {"id": 7},
    ],
)
def test_the_chat_is_found_under_each_of_its_keys(placed: dict[str, Any]) -> None:
    assert only({"event": "segunda via", **placed}).chat.id == "7"


@pytest.mark.parametrize(
    "placed", [{"id": "n-1"}, {"id": 7, "eventId": "n-1"}, {"chatID": ".."}, {"chatID": None}, {"chatID": "7" * 65}]
)
def test_no_chat_is_guessed_from_what_may_be_something_else(placed: dict[str, Any]) -> None:
    assert strange({"event": "segunda via", **placed}).what.reason == "chat_missing"


@pytest.mark.parametrize(
    "placed",
    [
        {"customer": {"id": 3}},
        {"contactId": "3"},
        {"customerID": 3},
        {"contact": {"id": 3}},
        {"chat": {"id": 1, "customer": {"id": "3"}}},
    ],
)
def test_the_contact_is_found_under_each_of_its_keys(placed: dict[str, Any]) -> None:
    assert only({"event": "segunda via", "chatID": 1, **placed}).chat.contact_id == "3"


def test_the_phone_is_the_channels_and_never_what_somebody_typed() -> None:
    typed = {"event": "segunda via", "chatID": 1, "phone": "111", "data": {"phone": "111", "telefone": "111"}}
    assert only(typed).chat.phone == ""
    assert only({**typed, "customer": {"mobile": "5511987654321"}}).chat.phone == "5511987654321"


def test_a_channel_among_several_is_not_guessed() -> None:
    both = {"event": "segunda via", "chat": {"id": 1, "channels": [{"uuid": "a"}, {"uuid": "b"}]}}
    assert only(both).chat.channel_uuid == ""


@pytest.mark.parametrize(
    "key",
    [
        "cpf",
        "CNPJ",
        "cpf_cnpj",
        "cpfcnpj",
        "CPF ou CNPJ",
        "CPF/CNPJ",
        "documento",
        "Document",
        "txid",
        "formulario.cpf",
    ],
)
@pytest.mark.parametrize("place", ["data", "params", "fields", "custom", "variables", "context", "body", ""])
def test_the_document_is_found_wherever_the_author_put_it(key: str, place: str) -> None:
    typed = {key: "52998224725"}
    asked = only({"event": "segunda via", "chatID": 1, **({place: typed} if place else typed)})
    assert asked.document == "52998224725"


def test_a_document_of_the_contacts_record_is_not_what_the_customer_typed() -> None:
    asked = only({"event": "segunda via", "chat": {"id": 1, "customer": {"cpf": "52998224725"}}})
    assert asked.document == ""


def test_an_unfilled_variable_does_not_hide_a_filled_one() -> None:
    asked = only({"event": "segunda via", "chatID": 1, "data": {"cpf_cnpj": "{{x}}", "cnpj": "", "cpf": "52998224725"}})
    assert asked.document == "52998224725"


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "   ", "{{cpf}}", ["52998224725"]])
def test_what_is_no_text_and_no_whole_number_is_missing(value: Any) -> None:
    assert only({"event": "segunda via", "chatID": 1, "data": {"cpf": value}}).document == ""


def test_texts_are_cut_at_a_sane_length() -> None:
    asked = only(
        {"event": "abrir chamado", "chatID": 1, "cpf": "1" * 99, "contrato": "c" * 999, "descricao": "d" * 9999}
    )
    assert isinstance(asked, TicketRequested)
    assert (len(asked.document), len(asked.contract), len(asked.description)) == (64, 200, 4000)


def test_a_known_event_of_huggys_is_ignored_even_when_its_text_names_one_of_ours() -> None:
    item = {"id": 1, "body": "2_VIA_BOLETO", "name": "2_VIA_BOLETO", "chat": {"id": 1}}
    for name in ("receivedMessage", "createdCustomer", "finishedAutomationFlow"):
        assert strange({"messages": {name: [item]}}).what.expected
        assert strange({"event": name, **item}).what.expected


def test_the_envelopes_company_and_time_hold_for_items_without_their_own() -> None:
    payload = {
        "time": 5,
        "company": {"id": 1001},
        "messages": {"segunda via": [{"chatID": 1}, {"chatID": 2, "company": 7}]},
    }
    items = [item.notification for item in delivered(payload).items if isinstance(item, Understood)]
    assert [item.chat.company_id for item in items] == ["1001", "7"]
    assert not any(item.key.startswith("~") for item in items)


def test_the_token_of_the_envelope_comes_along_and_stays_masked() -> None:
    delivery = delivered({"token": "abc", "messages": {}})
    assert delivery.token is not None
    assert delivery.token.reveal() == "abc"
    assert "abc" not in repr(delivery)
    assert delivered({"messages": {}}).token is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [({}, "event_missing"), (5, "not_an_object"), (None, "not_an_object"), ("texto", "not_an_object")],
)
def test_json_without_an_event_is_kept_and_not_refused(payload: Any, reason: str) -> None:
    assert strange(payload).what.reason == reason


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"<xml a='1'/>", b"texto", b'{"event": "x"', b"\x00\x01\xff", b"[" * 100_000, b'{"a":' * 100_000],
)
def test_what_is_neither_json_nor_a_form_is_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstood) as caught:
        parse(body)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [
        '{"event": "segunda via", "chatID": 1, "cpf": "é"}'.encode("utf-8-sig"),
        '{"event": "segunda via", "chatID": 1, "cpf": "é"}'.encode("utf-16"),
        '{"event": "segunda via", "chatID": 1, "cpf": "é"}'.encode("latin-1"),
        b'{"event": "segunda via", "chatID": 1, "cpf": "\xc3\xa9", "x": NaN, "y": 1e999, "z": "\\ud800"}',
        b'{"event": "segunda via", "chatID": 1, "cpf": "\xc3\xa9", "x": ' + b"9" * 9000 + b"}",
        b'{"event": "x", "event": "segunda via", "chatID": 1, "cpf": "\xc3\xa9", "x": "line\nbreak"}',
        b"event=segunda+via&chatID=1&cpf=%C3%A9",
        b"event=segunda+via&chatID=1&cpf=%E9",
        b"payload=%7B%22event%22%3A%22segunda+via%22%2C%22chatID%22%3A1%2C%22cpf%22%3A%22%C3%A9%22%7D",
        json.dumps('{"event": "segunda via", "chatID": 1, "cpf": "é"}').encode(),
    ],
)
def test_an_unusual_encoding_is_understood(body: bytes) -> None:
    delivery = parse(body)
    assert isinstance(delivery, Delivery)
    (item,) = delivery.items
    assert isinstance(item, Understood)
    assert item.notification.document == "é"


@pytest.mark.parametrize("body", [b'{"token": "abc", "validToken": true}', b"token=abc&validToken=true"])
def test_the_handshake_is_known_in_json_and_in_a_form(body: bytes) -> None:
    handshake = parse(body)
    assert isinstance(handshake, Handshake)
    assert handshake.token.reveal() == "abc"


@pytest.mark.parametrize("body", [b'{"token": "abc", "validToken": false}', b'{"token": "", "validToken": true}'])
def test_what_is_not_quite_a_handshake_is_none(body: bytes) -> None:
    assert isinstance(parse(body), Delivery)


def test_an_unknown_events_name_is_kept_short_and_without_numbers() -> None:
    assert (
        strange({"event": "pagar 52998224725 " + "x" * 99, "chatID": 1}).what.event == "pagar 99999999999 " + "x" * 46
    )
    assert strange({"name": "Ana Souza", "chatID": 1}).what.event == ""
    assert json.loads(strange({"event": "pagar 52998224725"}).raw) == {"event": "pagar 99999999999"}


def test_a_sample_shows_the_structure_and_the_form_of_values() -> None:
    kept = strange(
        {
            "event": "boleto_pago",
            "api_token": "380c4e73",
            "chat": {"id": 55501, "customer": {"name": "Ana Souza", "phone": "+5511987654321", "new": True}},
            "data": [{"chave": "cpf", "valor": "529.982.247-25"}, {"chave": "x", "valor": "{{x}}"}],
            "body": '{"nome": "Ana"}',
            "52998224725": None,
        }
    )
    assert json.loads(kept.raw) == {
        "event": "boleto_pago",
        "api_token": "***",
        "chat": {"id": 0, "customer": {"name": "Aaa Aaaaa", "phone": "+9999999999999", "new": True}},
        "data": [{"chave": "cpf", "valor": "999.999.999-99"}, {"chave": "x", "valor": "{{a}}"}],
        "body": '{"nome":"Aaa"}',
        "99999999999": None,
    }


def test_a_huge_payload_leaves_a_small_sample() -> None:
    kept = strange({"event": "novo", "items": [{f"k{i}": "x" * 500 for i in range(90)} for _ in range(90)]})
    assert len(kept.raw) <= 4096
    assert json.loads(kept.raw)["event"] == "novo"


@pytest.mark.parametrize("text", ["[" * 20_000, '{"a":' * 20_000, "[oi]", "{}}"])
def test_a_text_that_only_looks_like_json_spoils_nothing(text: str) -> None:
    assert only({"event": "segunda via", "chatID": 1, "cpf": "1", "body": text}).document == "1"

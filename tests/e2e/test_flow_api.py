"""The second shell: a flow asks by "Enviar requisição" and reads the first level of a JSON answer."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e import documents, upstream
from tests.e2e.books import Agreement, Bill, Subscriber, Trouble, now, today
from tests.e2e.scene import Plan, Provider, Scene, new_chat

PROVIDERS = (
    Plan(name="pbx", policies={"erp_timeout_s": "1", "reply_deadline_s": "4", "outage_message_enabled": "true"}),
    Plan(name="failing", policies={"erp_timeout_s": "1", "reply_deadline_s": "4"}),
    Plan(name="hasty", policies={"erp_timeout_s": "8", "flow_api_deadline_s": "1.5"}),
    Plan(name="careful", third_party=True, policies={"identity": "document_and_phone"}),
)
the_one = pytest.mark.parametrize("provider", ["pbx"], indirect=True)
OPERATIONS = ("consultar-cliente", "segunda-via", "desbloqueio", "abrir-chamado")


def post(provider: Provider, operation: str, *, timeout_s: float = 15, **sent: Any) -> httpx.Response:
    return httpx.post(f"{provider.installed.flow_api_url}/{operation}", timeout=timeout_s, trust_env=False, **sent)


def ask(provider: Provider, operation: str, **fields: str) -> dict[str, Any]:
    """Every business answer is 200, and flat: a flow reads the first level alone."""
    chat = fields.setdefault("chatID", new_chat())
    answer = post(provider, operation, json=fields)
    assert answer.status_code == httpx.codes.OK, f"{answer.status_code} {answer.text[:300]}"
    told: dict[str, Any] = answer.json()
    assert not [key for key, value in told.items() if isinstance(value, dict | list)]
    assert provider.huggy.chats[chat].deeds == []
    return told


def with_two_contracts(provider: Provider) -> Subscriber:
    return provider.books.add(agreements=[Agreement(number=provider.books.number()) for _ in range(2)])


@the_one
def test_each_operation_answers_with_the_key_of_the_flow_that_it_would_have_started(provider: Provider) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    subscriber = provider.books.add(bills=[bill])
    fields = {"cpf": subscriber.tax_id, "descricao": "sem sinal"}
    answers = {operation: ask(provider, operation, **fields) for operation in OPERATIONS}
    assert [answers[operation]["resultado"] for operation in OPERATIONS] == [
        "customer_found", "boletos_found", "unblock_granted", "ticket_opened",
    ]  # fmt: skip
    assert {bill.pix, bill.line} <= {str(value) for value in answers["segunda-via"].values()}
    assert [write.kind for write in provider.books.writes_of(subscriber)] == ["unblock", "ticket"]


@the_one
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_stranger_is_not_found_whatever_is_asked(provider: Provider, operation: str) -> None:
    told = ask(provider, operation, cpf=documents.cpf(885_000), descricao="sem sinal")
    assert told["resultado"] == "customer_not_found"


@the_one
@pytest.mark.parametrize("operation", ["segunda-via", "desbloqueio"])
def test_several_contracts_and_none_named_asks_for_one(provider: Provider, operation: str) -> None:
    subscriber = with_two_contracts(provider)
    assert ask(provider, operation, cpf=subscriber.tax_id)["resultado"] == "escolher_contrato"
    assert provider.books.writes_of(subscriber) == []


@the_one
def test_an_outage_is_told_with_its_protocol(provider: Provider) -> None:
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=now() + timedelta(hours=3))
    told = ask(provider, "falha-massiva", cpf=provider.books.add(trouble=trouble).tax_id)
    assert told["resultado"] == "falha_massiva"
    assert trouble.protocol in {str(value) for value in told.values()}


@pytest.mark.parametrize("provider", ["failing"], indirect=True)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_when_the_erp_fails_the_answer_is_the_auxiliary_flow(provider: Provider, operation: str) -> None:
    provider.erp.misbehave("*", upstream.SERVER_ERROR)
    told = ask(provider, operation, cpf=provider.books.add().tax_id, descricao="sem sinal")
    assert told["resultado"] == "auxiliary"


@pytest.mark.parametrize("provider", ["hasty"], indirect=True)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_erp_that_hangs_leaves_no_flow_without_its_answer(provider: Provider, operation: str) -> None:
    provider.erp.misbehave("*", upstream.hangs(provider.erp))
    asked_at = time.monotonic()
    told = ask(provider, operation, cpf=provider.books.add().tax_id, descricao="sem sinal")
    assert told["resultado"] == "auxiliary"
    assert time.monotonic() - asked_at < 5


@the_one
def test_an_erp_that_is_slow_is_waited_for(provider: Provider) -> None:
    provider.erp.misbehave("pbx.validate", upstream.slow(0.4))
    assert ask(provider, "consultar-cliente", cpf=provider.books.add().tax_id)["resultado"] == "customer_found"


@the_one
def test_after_a_failure_the_same_request_is_tried_again(provider: Provider) -> None:
    fields = {"cpf": provider.books.add().tax_id, "chatID": new_chat()}
    provider.erp.misbehave("*", upstream.SERVER_ERROR)
    assert ask(provider, "consultar-cliente", **fields)["resultado"] == "auxiliary"
    provider.erp.heal()
    assert ask(provider, "consultar-cliente", **fields)["resultado"] == "customer_found"


@the_one
def test_the_second_contract_of_the_list_is_the_one_that_is_meant(provider: Provider) -> None:
    subscriber = with_two_contracts(provider)
    told = ask(provider, "desbloqueio", cpf=subscriber.tax_id)
    numbered = [line.partition(" – ")[0] for line in told["contratos_lista"].splitlines()]
    assert numbered == [f"{n}. Contrato {told[f'contrato_{n}']}" for n in (1, 2)]
    assert ask(provider, "desbloqueio", cpf=subscriber.tax_id, contrato="2")["resultado"] == "unblock_granted"
    (write,) = provider.books.writes_of(subscriber)
    assert write.agreement == subscriber.agreements[1].number


@the_one
@pytest.mark.parametrize("shape", ["form", "query", "pairs"])
def test_a_request_may_be_a_form_an_address_or_a_list_of_keys_and_values(provider: Provider, shape: str) -> None:
    fields = {"cpf_cnpj": documents.punctuated(provider.books.add().tax_id), "chatID": new_chat()}
    sent: dict[str, dict[str, Any]] = {
        "form": {"data": fields},
        "query": {"params": fields},
        "pairs": {"json": {"data": [{"chave": name, "valor": value} for name, value in fields.items()]}},
    }
    assert post(provider, "consultar-cliente", **sent[shape]).json()["resultado"] == "customer_found"


@the_one
def test_a_body_that_can_not_be_read_leads_to_the_auxiliary_flow(provider: Provider) -> None:
    answer = post(provider, "segunda-via", content=b'{"cpf": "ele disse "oi""}')
    assert (answer.status_code, answer.json()["resultado"]) == (400, "auxiliary")
    assert answer.json()["mensagem"]
    too_large = post(provider, "segunda-via", content=urlencode({"descricao": "a" * 300_000}).encode())
    assert (too_large.status_code, too_large.json()["resultado"]) == (413, "auxiliary")


@pytest.mark.parametrize("provider", ["careful"], indirect=True)
def test_where_the_phone_must_match_the_request_brings_it(provider: Provider) -> None:
    subscriber = provider.books.add()
    fields = {"cpf": subscriber.tax_id}
    assert ask(provider, "consultar-cliente", **fields)["resultado"] == "customer_not_found"
    known = ask(provider, "consultar-cliente", **fields, telefone=f"+55{subscriber.phone}")
    assert (known["resultado"], known["cliente_nome"]) == ("customer_found", "Xerazade")


@the_one
def test_of_fifty_equal_requests_at_once_one_opens_a_ticket_and_all_are_told_its_protocol(provider: Provider) -> None:
    subscriber = provider.books.add()
    fields = {"cpf": subscriber.tax_id, "descricao": "sem sinal", "chatID": new_chat()}
    with ThreadPoolExecutor(50) as flows:
        answers = list(flows.map(lambda _: post(provider, "abrir-chamado", json=fields).json(), range(50)))
    assert {(told["resultado"], told["protocolo"]) for told in answers} == {
        ("ticket_opened", subscriber.cases[0].protocol)
    }
    assert len(provider.books.writes_of(subscriber)) == 1


@the_one
def test_a_flow_that_did_not_wait_long_enough_and_asks_again_is_told_what_was_done(provider: Provider) -> None:
    subscriber = provider.books.add()
    fields = {"cpf": subscriber.tax_id, "chatID": new_chat()}
    gate = upstream.Gate(provider.stage, take_effect_first=True)
    provider.erp.misbehave("pbx.unblock", gate)
    with pytest.raises(httpx.ReadTimeout):
        post(provider, "desbloqueio", json=fields, timeout_s=0.5)
    provider.stage.wait_until(lambda: gate.held == 1, "the unblock at the ERP")
    gate.open()
    assert ask(provider, "desbloqueio", **fields)["resultado"] == "unblock_granted"
    assert len(provider.books.writes_of(subscriber)) == 1


@the_one
def test_a_ticket_that_was_being_opened_when_ponte_died_is_found_by_the_same_request(
    provider: Provider, scene: Scene
) -> None:
    subscriber = provider.books.add()
    fields = {"cpf": subscriber.tax_id, "descricao": "sem sinal", "chatID": new_chat()}
    gate = upstream.Gate(provider.stage, take_effect_first=True)
    provider.erp.misbehave("pbx.open", gate)
    with ThreadPoolExecutor(1) as flow:
        lost = flow.submit(post, provider, "abrir-chamado", json=fields)
        provider.stage.wait_until(lambda: gate.held == 1, "the ticket at the ERP")
        scene.ponte.kill()
        assert isinstance(lost.exception(), httpx.TransportError)
    gate.open()
    scene.ponte.serve()
    told = ask(provider, "abrir-chamado", **fields)
    assert (told["resultado"], told["protocolo"]) == ("ticket_opened", subscriber.cases[0].protocol)
    assert len(provider.books.writes_of(subscriber)) == 1


@the_one
def test_who_opens_the_address_in_a_browser_is_told_what_it_is_for(provider: Provider) -> None:
    answer = httpx.get(f"{provider.installed.flow_api_url}/segunda-via", trust_env=False)
    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert "Enviar requisição" in answer.json()["erro"]


@the_one
def test_an_unknown_key_or_operation_is_not_found(provider: Provider) -> None:
    base = provider.installed.flow_api_url
    for url in (f"{base}/dancar-samba", f"{base}x/consultar-cliente"):
        assert httpx.post(url, json={"cpf": "1"}, trust_env=False).status_code == httpx.codes.NOT_FOUND

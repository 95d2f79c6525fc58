"""Abrir solicitação: opened with a protocol, or refused with one that stands already, and never opened twice."""

from datetime import timedelta

import pytest

from tests.e2e import documents, upstream
from tests.e2e.books import Agreement, Case, Trouble, now
from tests.e2e.notifications import TICKET
from tests.e2e.scene import Plan, Provider, new_chat

PROVIDERS = (
    Plan(name="pbx"),
    Plan(name="both", third_party=True),
    Plan(name="pbx-told", policies={"outage_message_enabled": "true"}),
    Plan(name="both-told", third_party=True, policies={"outage_message_enabled": "true"}),
)
WRITES = ("pbx.open", "tp.open")
each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
each_that_tells = pytest.mark.parametrize("provider", ["pbx-told", "both-told"], indirect=True)
WORDS = "Estou sem internet desde ontem à noite"


def attempts(provider: Provider) -> int:
    return sum(one.count(name) for one in provider.upstreams for name in WRITES)


@each
def test_an_opened_ticket_tells_its_protocol_and_keeps_the_customers_words_and_the_chat(provider: Provider) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    flow, ledger = provider.flow_after(TICKET, chat, document=subscriber.tax_id, description=WORDS)
    assert flow == "ticket_opened"
    (write,) = provider.books.writes_of(subscriber)
    assert WORDS in write.text
    assert chat in write.text
    assert any(subscriber.cases[0].protocol in text for text in ledger.said)


@each
def test_a_ticket_needs_no_contract(provider: Provider) -> None:
    subscriber = provider.books.add(agreements=[Agreement(number=provider.books.number()) for _ in range(2)])
    flow, _ = provider.flow_after(TICKET, document=subscriber.tax_id, description=WORDS)
    assert flow == "ticket_opened"
    assert len(provider.books.writes_of(subscriber)) == 1


@each
def test_while_a_ticket_is_open_its_protocol_is_given_again(provider: Provider) -> None:
    subscriber = provider.books.add()
    standing = Case(protocol=provider.books.protocol(), opened_at=now() - timedelta(hours=2))
    subscriber.cases.append(standing)
    flow, chat = provider.flow_after(TICKET, document=subscriber.tax_id, description=WORDS)
    assert flow == "ticket_refused"
    assert any(standing.protocol in text for text in chat.said)
    assert provider.books.writes_of(subscriber) == []


@each
@pytest.mark.parametrize(
    ("hours", "status"), [(2, "Encerramento"), (2, "Cancelado"), (90, "Abertura")], ids=["closed", "cancelled", "old"]
)
def test_a_ticket_that_is_closed_or_old_hinders_nobody(provider: Provider, hours: int, status: str) -> None:
    subscriber = provider.books.add()
    opened_at = now() - timedelta(hours=hours)
    subscriber.cases.append(Case(protocol=provider.books.protocol(), opened_at=opened_at, status=status))
    assert provider.flow_after(TICKET, document=subscriber.tax_id, description=WORDS)[0] == "ticket_opened"


@each
@pytest.mark.parametrize("description", ["", "{{descricao}}", None])
def test_without_words_no_ticket_is_opened(provider: Provider, description: str | None) -> None:
    subscriber = provider.books.add()
    flow, _ = provider.flow_after(TICKET, document=subscriber.tax_id, description=description)
    assert flow == "ticket_refused"
    assert provider.books.writes_of(subscriber) == []


@each_that_tells
def test_an_outage_that_explains_it_is_told_in_place_of_a_ticket(provider: Provider) -> None:
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=now() + timedelta(hours=3))
    subscriber = provider.books.add(trouble=trouble)
    flow, chat = provider.flow_after(TICKET, document=subscriber.tax_id, description=WORDS)
    assert flow == "ticket_refused"
    assert any(trouble.protocol in text for text in chat.said)
    assert provider.books.writes_of(subscriber) == []


@each
def test_a_stranger_opens_no_ticket(provider: Provider) -> None:
    before = attempts(provider)
    flow, _ = provider.flow_after(TICKET, document=documents.cpf(883_000), description=WORDS)
    assert flow == "customer_not_found"
    assert attempts(provider) == before


@each
def test_the_erps_refusal_at_status_200_is_a_refusal(provider: Provider) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    provider.erp.misbehave("pbx.open", upstream.answers_json(200, {"status": "ERROR", "message": "não permitido"}))
    if provider.third_party is not None:
        refused = {"success": False, "messages": [{"message": "não permitido", "type": "Error"}], "response": None}
        provider.third_party.misbehave("tp.open", upstream.answers_json(200, refused))
    before = attempts(provider)
    assert provider.flow_after(TICKET, chat, document=subscriber.tax_id, description=WORDS)[0] == "ticket_refused"
    provider.settle(chat)
    assert attempts(provider) - before == 1


@each
def test_a_ticket_whose_answer_is_lost_is_not_opened_twice_and_the_customer_gets_a_flow(provider: Provider) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    for one in provider.upstreams:
        for operation in WRITES:
            one.misbehave(operation, upstream.takes_effect_then(upstream.drops))
    flow, ledger = provider.flow_after(TICKET, chat, document=subscriber.tax_id, description=WORDS)
    provider.settle(chat)
    assert flow in {"ticket_opened", "auxiliary"}
    assert len(provider.books.writes_of(subscriber)) == 1
    assert len(ledger.flows) == 2, "the flow and the sentinel's"

"""Consultar cliente, from the webhook to the chat: found, in an outage, not found."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.e2e import documents
from tests.e2e.books import Agreement, Subscriber, Trouble, now
from tests.e2e.notifications import LOOKUP
from tests.e2e.scene import Plan, Provider, new_chat

_TOLD = "outage_message_enabled"
_CLOSES = "outage_closes_chat"
PROVIDERS = (
    Plan(name="pbx"),
    Plan(name="both", third_party=True),
    Plan(name="pbx-told", policies={_TOLD: "true"}),
    Plan(name="both-told", third_party=True, policies={_TOLD: "true"}),
    Plan(name="pbx-closes", policies={_TOLD: "true", _CLOSES: "true"}),
    Plan(name="both-closes", third_party=True, policies={_TOLD: "true", _CLOSES: "true"}),
    Plan(name="both-phone", third_party=True, policies={"identity": "document_and_phone"}),
)

each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
each_that_tells = pytest.mark.parametrize("provider", ["pbx-told", "both-told"], indirect=True)
each_that_closes = pytest.mark.parametrize("provider", ["pbx-closes", "both-closes"], indirect=True)
the_careful_one = pytest.mark.parametrize("provider", ["both-phone"], indirect=True)


def two_contracts(provider: Provider) -> Subscriber:
    number = provider.books.number
    return provider.books.add(
        agreements=[
            Agreement(number=number(), plan="FIBRA 300 LEVE", district="VILA NOVA"),
            Agreement(number=number(), plan="FIBRA 700 GAMER", district="CENTRO"),
        ]
    )


def in_trouble(provider: Provider) -> tuple[Subscriber, Trouble]:
    at = (now() + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=at)
    return provider.books.add(trouble=trouble), trouble


@each
def test_a_customer_with_one_contract_is_found_without_a_list(provider: Provider) -> None:
    subscriber = provider.books.add()
    flow, chat = provider.flow_after(LOOKUP, document=documents.punctuated(subscriber.tax_id))
    assert flow == "customer_found"
    assert not any(str(subscriber.agreements[0].number) in text for text in chat.said)


@each
def test_a_customer_with_two_contracts_reads_a_numbered_list_without_streets(provider: Provider) -> None:
    subscriber = two_contracts(provider)
    flow, chat = provider.flow_after(LOOKUP, document=subscriber.tax_id)
    assert flow == "customer_found"
    assert len(chat.said) == 1
    listed = chat.said[0]
    first, second = (listed.index(str(held.number)) for held in subscriber.agreements)
    assert first < second
    assert "1" in listed[:first]
    assert not any(held.street in listed for held in subscriber.agreements)


@pytest.mark.parametrize("provider", ["pbx"], indirect=True)
def test_the_list_names_the_plans_that_the_erp_tells(provider: Provider) -> None:
    _, chat = provider.flow_after(LOOKUP, document=two_contracts(provider).tax_id)
    assert "FIBRA 300 LEVE" in chat.said[0]
    assert "FIBRA 700 GAMER" in chat.said[0]


@each
@pytest.mark.parametrize(
    "document",
    [documents.cpf(880_001), documents.spoiled(documents.cpf(880_002)), "111.111.111-11", "{{cpf}}", "", "não sei"],
    ids=["stranger", "wrong digit", "all equal", "unfilled", "empty", "prose"],
)
def test_who_is_not_found_reads_the_same_whatever_the_reason(provider: Provider, document: str) -> None:
    reference = provider.flow_after(LOOKUP, document=documents.cpf(880_003))
    flow, chat = provider.flow_after(LOOKUP, document=document)
    assert flow == reference[0] == "customer_not_found"
    assert chat.said == reference[1].said


@each
def test_a_document_that_can_not_be_one_never_reaches_the_erp(provider: Provider) -> None:
    before = sum(len(upstream.calls) for upstream in provider.upstreams)
    assert provider.flow_after(LOOKUP, document=documents.spoiled(documents.cpf(880_010)))[0] == "customer_not_found"
    assert sum(len(upstream.calls) for upstream in provider.upstreams) == before


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "full width": lambda document: document.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
    "in a sentence": lambda document: f"meu cpf é {document} obrigado",
    "with a line end": lambda document: f"{document}\n",
    "with a zero width space": lambda document: f"\u200b{document}",
    "with spaces": lambda document: document.replace(".", " ").replace("-", " "),
}


@each
@pytest.mark.parametrize("spelling", _SPELLINGS.values(), ids=_SPELLINGS.keys())
def test_a_document_is_understood_as_people_type_it(provider: Provider, spelling: Callable[[str], str]) -> None:
    typed = spelling(documents.punctuated(provider.books.add().tax_id))
    assert provider.flow_after(LOOKUP, document=typed)[0] == "customer_found"


@each_that_tells
def test_in_an_outage_the_customer_is_told_hour_and_protocol_and_goes_on(provider: Provider) -> None:
    subscriber, trouble = in_trouble(provider)
    flow, chat = provider.flow_after(LOOKUP, document=subscriber.tax_id)
    assert flow == "customer_found"
    told = "\n".join(chat.said)
    assert f"{trouble.predicted_at:%H}h" in told
    assert trouble.protocol in told
    assert "{{" not in told
    assert chat.closes == 0


@each_that_closes
def test_in_an_outage_the_chat_is_closed_after_the_message_if_so_configured(provider: Provider) -> None:
    subscriber, trouble = in_trouble(provider)
    chat = new_chat()
    provider.notify(LOOKUP, chat, document=subscriber.tax_id)
    ledger = provider.huggy.chats[chat]
    provider.stage.wait_until(lambda: ledger.closes > 0 or bool(ledger.flows), "the end of the chat")
    assert [deed.kind for deed in ledger.deeds] == ["message", "close"]
    assert trouble.protocol in ledger.said[0]


@each_that_closes
def test_without_an_outage_nothing_is_closed(provider: Provider) -> None:
    flow, chat = provider.flow_after(LOOKUP, document=provider.books.add().tax_id)
    assert flow == "customer_found"
    assert chat.closes == 0


@each
def test_an_outage_is_not_told_unless_the_message_is_enabled(provider: Provider) -> None:
    subscriber, trouble = in_trouble(provider)
    flow, chat = provider.flow_after(LOOKUP, document=subscriber.tax_id)
    assert flow == "customer_found"
    assert not any(trouble.protocol in text for text in chat.said)


@the_careful_one
def test_who_writes_from_another_phone_reads_the_words_of_not_found(provider: Provider) -> None:
    subscriber = provider.books.add()
    owner = provider.flow_after(LOOKUP, document=subscriber.tax_id, phone=f"+55{subscriber.phone}")
    other = provider.flow_after(LOOKUP, document=subscriber.tax_id, phone="+5511912345678")
    stranger = provider.flow_after(LOOKUP, document=documents.cpf(880_020))
    assert owner[0] == "customer_found"
    assert other[0] == stranger[0] == "customer_not_found"
    assert other[1].said == stranger[1].said

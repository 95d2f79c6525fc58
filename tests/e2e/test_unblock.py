"""Desbloqueio de confiança: granted or denied, on the chosen contract alone, and never asked for twice."""

import pytest

from tests.e2e import documents, upstream
from tests.e2e.books import Agreement, Subscriber
from tests.e2e.notifications import UNBLOCK
from tests.e2e.scene import Plan, Provider, new_chat

PROVIDERS = (
    Plan(name="pbx"),
    Plan(name="both", third_party=True),
    Plan(name="pbx-hasty", policies={"erp_timeout_s": "1", "reply_deadline_s": "6"}),
    Plan(name="both-hasty", third_party=True, policies={"erp_timeout_s": "1", "reply_deadline_s": "6"}),
)
WRITES = ("pbx.unblock", "tp.unblock")
each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
each_hasty = pytest.mark.parametrize("provider", ["pbx-hasty", "both-hasty"], indirect=True)


def blocked(provider: Provider, *, unblocks: bool = True, status: int = 6) -> Subscriber:
    number = provider.books.number()
    return provider.books.add(agreements=[Agreement(number=number, status=status, unblocks=unblocks)])


def spoil_writes(provider: Provider, behaviour: upstream.Behaviour) -> None:
    for one in provider.upstreams:
        for operation in WRITES:
            one.misbehave(operation, behaviour)


def attempts(provider: Provider, operation: str = "") -> int:
    return sum(one.count(name) for one in provider.upstreams for name in WRITES)


@each
def test_a_granted_unblock_tells_its_protocol(provider: Provider) -> None:
    subscriber = blocked(provider)
    flow, chat = provider.flow_after(UNBLOCK, document=subscriber.tax_id, contract="")
    assert flow == "unblock_granted"
    assert [write.agreement for write in provider.books.writes_of(subscriber)] == [subscriber.agreements[0].number]
    assert any("2026" in text for text in chat.said)


@each
def test_a_denied_unblock_tells_a_reason(provider: Provider) -> None:
    flow, chat = provider.flow_after(UNBLOCK, document=blocked(provider, unblocks=False).tax_id)
    assert flow == "unblock_denied"
    assert len(chat.said) == 1


@pytest.mark.parametrize("provider", ["both"], indirect=True)
@pytest.mark.parametrize("status", [1, 4, 5, 7], ids=["normal", "cancelled", "suspended", "administrative"])
def test_a_contract_that_is_not_blocked_for_debt_is_denied_without_asking_the_erp(
    provider: Provider, status: int
) -> None:
    subscriber = blocked(provider, status=status)
    assert provider.flow_after(UNBLOCK, document=subscriber.tax_id)[0] == "unblock_denied"
    assert provider.books.writes_of(subscriber) == []


@each
def test_only_the_contract_that_was_meant_is_unblocked(provider: Provider) -> None:
    first, second = (Agreement(number=provider.books.number(), status=6) for _ in range(2))
    subscriber = provider.books.add(agreements=[first, second])
    flow, _ = provider.flow_after(UNBLOCK, document=subscriber.tax_id, contract=second.paper_number)
    assert flow == "unblock_granted"
    assert [write.agreement for write in provider.books.writes_of(subscriber)] == [second.number]


@each
def test_without_a_contract_named_nothing_is_unblocked(provider: Provider) -> None:
    subscriber = provider.books.add(agreements=[Agreement(number=provider.books.number(), status=6) for _ in range(2)])
    assert provider.flow_after(UNBLOCK, document=subscriber.tax_id, contract="{{contrato}}")[0] == "customer_found"
    assert provider.books.writes_of(subscriber) == []


@each
def test_a_stranger_unblocks_nothing(provider: Provider) -> None:
    before = attempts(provider)
    assert provider.flow_after(UNBLOCK, document=documents.cpf(882_000))[0] == "customer_not_found"
    assert attempts(provider) == before


@each
def test_an_unblock_whose_answer_is_lost_is_not_repeated_and_the_customer_gets_a_flow(provider: Provider) -> None:
    subscriber, chat = blocked(provider), new_chat()
    spoil_writes(provider, upstream.takes_effect_then(upstream.drops))
    before = attempts(provider)
    flow, ledger = provider.flow_after(UNBLOCK, chat, document=subscriber.tax_id)
    provider.settle(chat)
    assert flow in {"unblock_granted", "auxiliary"}
    assert attempts(provider) - before == 1
    assert len(provider.books.writes_of(subscriber)) == 1
    assert len(ledger.flows) == 2, "the flow and the sentinel's"


@each_hasty
def test_an_unblock_that_hangs_is_asked_for_once_and_the_customer_gets_a_flow_in_time(provider: Provider) -> None:
    subscriber, chat = blocked(provider), new_chat()
    for one in provider.upstreams:
        for operation in WRITES:
            one.misbehave(operation, upstream.hangs(one))
    before = attempts(provider)
    flow, _ = provider.flow_after(UNBLOCK, chat, document=subscriber.tax_id)
    provider.settle(chat)
    assert flow == "auxiliary"
    assert attempts(provider) - before == 1


@each_hasty
def test_an_answer_to_an_unblock_that_nobody_understands_is_not_a_refusal(provider: Provider) -> None:
    subscriber, chat = blocked(provider), new_chat()
    spoil_writes(provider, upstream.takes_effect_then(upstream.LOGIN_PAGE))
    before = attempts(provider)
    flow, _ = provider.flow_after(UNBLOCK, chat, document=subscriber.tax_id)
    provider.settle(chat)
    assert flow in {"unblock_granted", "auxiliary"}
    assert attempts(provider) - before == 1

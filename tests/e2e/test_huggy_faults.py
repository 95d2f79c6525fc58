"""Huggy that is busy, fails or loses its answers; chats that an agent has taken; flows that are started by contact."""

from datetime import timedelta

import pytest

from tests.e2e import upstream
from tests.e2e.books import Bill, today
from tests.e2e.huggy_standin import HuggyStandIn
from tests.e2e.notifications import BOLETO, LOOKUP, UNBLOCK
from tests.e2e.scene import Plan, Provider, Scene, new_chat

PROVIDERS = (Plan(name="pbx"), Plan(name="contact", policies={"flow_start": "contact"}), Plan(name="neighbour"))
the_one = pytest.mark.parametrize("provider", ["pbx"], indirect=True)
BUSY = upstream.answers(429, '{"reason":"Too many requests"}', Retry_After="1")
DOWN = upstream.answers(500, "<html>500</html>", "text/html")


@the_one
@pytest.mark.parametrize("trouble", [BUSY, DOWN], ids=["busy", "down"])
@pytest.mark.parametrize("operation", ["huggy.flow", "huggy.message", "*"])
def test_while_huggy_is_in_trouble_for_a_while_the_flow_still_starts_once(
    provider: Provider, huggy: HuggyStandIn, trouble: upstream.Behaviour, operation: str
) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    chat = new_chat()
    huggy.misbehave(operation, trouble, times=2)
    flow, ledger = provider.flow_after(BOLETO, chat, document=provider.books.add(bills=[bill]).tax_id)
    provider.settle(chat)
    assert flow == "boletos_found"
    assert len(ledger.flows) == 2, "the flow and the sentinel's"
    assert ledger.said.count(bill.pix) == 1


@the_one
def test_a_flow_whose_answer_was_lost_is_not_started_again(provider: Provider, huggy: HuggyStandIn) -> None:
    chat = new_chat()
    huggy.misbehave("huggy.flow", upstream.takes_effect_then(upstream.drops), times=1)
    provider.flow_after(LOOKUP, chat, document=provider.books.add().tax_id)
    provider.settle(chat)
    assert len(huggy.chats[chat].flows) == 2, "the flow and the sentinel's"


@the_one
def test_a_message_whose_answer_was_lost_silences_nothing(provider: Provider, huggy: HuggyStandIn) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    huggy.misbehave("huggy.message", upstream.takes_effect_then(upstream.drops), times=1)
    flow, ledger = provider.flow_after(BOLETO, document=provider.books.add(bills=[bill]).tax_id)
    assert flow == "boletos_found"
    assert {bill.pix, bill.line} <= set(ledger.said)


@the_one
def test_a_flow_that_huggy_refuses_is_replaced_by_the_auxiliary_one(provider: Provider, huggy: HuggyStandIn) -> None:
    huggy.misbehave("huggy.flow", upstream.answers(404, '{"reason":"Flow não encontrado"}'), times=1)
    assert provider.flow_after(LOOKUP, document=provider.books.add().tax_id)[0] == "auxiliary"


@the_one
def test_a_chat_that_an_agent_has_taken_gets_a_note_and_no_flow(provider: Provider, huggy: HuggyStandIn) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    subscriber, chat = provider.books.add(bills=[bill]), new_chat()
    ledger = huggy.chats[chat]
    ledger.situation = "in_chat"
    provider.notify(BOLETO, chat, document=subscriber.tax_id)
    provider.stage.wait_until(lambda: any(bill.line in note for note in ledger.notes), "the result as a note")
    ledger.situation = "auto"
    provider.settle(chat)
    assert len(ledger.flows) == 1, "the sentinel's alone"
    assert not any(bill.line in text for text in ledger.said)


@the_one
def test_a_write_for_a_chat_that_an_agent_took_meanwhile_is_told_in_a_note(
    provider: Provider, huggy: HuggyStandIn
) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    ledger = huggy.chats[chat]
    gate = upstream.Gate(provider.stage)
    provider.erp.misbehave("pbx.unblock", gate)
    provider.notify(UNBLOCK, chat, document=subscriber.tax_id)
    provider.stage.wait_until(lambda: gate.held == 1, "the unblock under way")
    ledger.situation = "in_chat"
    gate.open()
    provider.stage.wait_until(lambda: bool(ledger.notes), "a note")
    ledger.situation = "auto"
    provider.erp.heal()
    provider.settle(chat)
    assert len(ledger.flows) == 1, "the sentinel's alone"
    assert ledger.said == []


@pytest.mark.parametrize("provider", ["contact"], indirect=True)
def test_a_flow_may_be_started_by_contact(provider: Provider, huggy: HuggyStandIn) -> None:
    chat = new_chat()
    huggy.chat_of_contact["909"] = chat
    flow, _ = provider.flow_after(LOOKUP, chat, document=provider.books.add().tax_id, contact="909")
    assert flow == "customer_found"
    assert huggy.count("huggy.exec_flow") == 1


@the_one
def test_a_hanging_erp_of_one_provider_slows_no_other(provider: Provider, scene: Scene) -> None:
    neighbour = scene.providers["neighbour"]
    provider.erp.misbehave("*", upstream.hangs(provider.erp))
    for _ in range(12):
        provider.notify(LOOKUP, new_chat(), document=provider.books.add().tax_id)
    chat = new_chat()
    ledger = neighbour.huggy.chats[chat]
    neighbour.notify(LOOKUP, chat, document=neighbour.books.add().tax_id)
    neighbour.stage.wait_until(lambda: bool(ledger.flows), "the neighbour's flow", within_s=3)

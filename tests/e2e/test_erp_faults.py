"""An ERP that fails, hangs or speaks in tongues: the customer reaches a flow in time, and "unknown" is never "not found"."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.e2e import documents, upstream
from tests.e2e.books import Bill, Case, now, today
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET, UNBLOCK
from tests.e2e.scene import Plan, Provider, flow_key, new_chat
from tests.e2e.upstream import Behaviour, Upstream
from tests.e2e.voalle_shapes import PLAIN, Style

DEADLINE_S = 4.0
GRACE_S = 1.0
HASTY = {"erp_timeout_s": "1", "reply_deadline_s": f"{DEADLINE_S:g}"}
EVENTS = (LOOKUP, BOLETO, UNBLOCK, TICKET)


def _same(behaviour: Behaviour) -> Callable[[Upstream], Behaviour]:
    return lambda _: behaviour


FAULTS: dict[str, Callable[[Upstream], Behaviour]] = {
    "error-500": _same(upstream.SERVER_ERROR),
    "error-503": _same(upstream.answers(503, "busy", "text/plain", Retry_After="1")),
    "hang": upstream.hangs,
    "broken-json": _same(upstream.BROKEN_JSON),
    "html": _same(upstream.LOGIN_PAGE),
    "drop": _same(upstream.drops),
    "too-slow": _same(upstream.slow(DEADLINE_S + 2)),
    "unauthorised": _same(upstream.answers_json(401, {"message": "Token inválido"})),
    "gone": _same(upstream.answers(404, "<html>Missing Controller</html>", "text/html")),
    "status-error": _same(upstream.answers_json(200, {"status": "ERROR", "message": "indisponível"})),
    "success-false": _same(
        upstream.answers_json(200, {"success": False, "messages": "erro interno", "response": None})
    ),
    "an-array": _same(upstream.answers_json(200, ["a", 1, None])),
    "empty-body": _same(upstream.answers(200, "")),
}
PROVIDERS = (
    *(
        Plan(name=f"{kind}-{fault}", third_party=kind == "both", policies=HASTY)
        for fault in FAULTS
        for kind in (("pbx", "both") if fault in {"error-500", "hang", "broken-json", "html", "drop"} else ("pbx",))
    ),
    Plan(name="stopped", policies=HASTY),
    Plan(name="pbx"),
    Plan(name="both", third_party=True),
)
FAILING = [plan.name for plan in PROVIDERS if plan.name not in {"stopped", "pbx", "both"}]


def notified_all(provider: Provider) -> dict[str, tuple[str, float]]:
    """Each operation in a chat of its own, at once: the flow that it led to and the seconds from acknowledgement."""
    subscriber = provider.books.add(bills=[Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))])
    chats = {event: new_chat() for event in EVENTS}
    acknowledged = {}
    for event, chat in chats.items():
        provider.notify(event, chat, document=subscriber.tax_id, description="sem sinal")
        acknowledged[event] = time.monotonic()
    ledgers = {event: provider.huggy.chats[chat] for event, chat in chats.items()}
    provider.stage.wait_until(lambda: all(one.flows for one in ledgers.values()), "four flows", seen=ledgers)
    return {
        event: (
            flow_key(ledger.flows[0]),
            next(deed.at for deed in ledger.deeds if deed.kind == "flow") - acknowledged[event],
        )
        for event, ledger in ledgers.items()
    }


@pytest.mark.parametrize("provider", FAILING, indirect=True)
def test_when_the_erp_fails_every_operation_ends_in_the_auxiliary_flow_in_time(provider: Provider) -> None:
    fault = FAULTS[provider.plan.name.partition("-")[2]]
    for one in provider.upstreams:
        one.misbehave("*", fault(one))
    reached = notified_all(provider)
    assert {event: flow for event, (flow, _) in reached.items()} == dict.fromkeys(EVENTS, "auxiliary")
    assert max(seconds for _, seconds in reached.values()) <= DEADLINE_S + GRACE_S
    assert provider.books.writes == []


@pytest.mark.parametrize("provider", ["stopped"], indirect=True)
def test_when_the_erp_is_not_there_every_operation_ends_in_the_auxiliary_flow_in_time(provider: Provider) -> None:
    provider.erp.stop()
    reached = notified_all(provider)
    assert {flow for flow, _ in reached.values()} == {"auxiliary"}
    assert max(seconds for _, seconds in reached.values()) <= DEADLINE_S + GRACE_S


# --- spellings ----------------------------------------------------------------------------------------------------

STYLES = {
    "ids as text": Style(text_ids=True),
    "days alone": Style(dates="date"),
    "Brazilian dates": Style(dates="brazilian"),
    "wrapped in data": Style(wrap="data"),
    "wrapped in billets": Style(wrap="billets"),
    "one object in place of a list": Style(wrap="single"),
    "snake case": Style(snake_bills=True),
    "white space around": Style(padded=True),
    "messages empty": Style(messages=""),
    "messages a sentence": Style(messages="Success"),
    "messages a list": Style(messages=[{"message": "Sucess", "code": "1", "type": "Success"}]),
}


@pytest.fixture
def style(request: pytest.FixtureRequest, provider: Provider) -> Iterator[Style]:
    chosen: Style = request.param
    provider.erp.style = chosen
    if provider.third_party is not None:
        provider.third_party.style = chosen
    yield chosen
    provider.erp.style = PLAIN
    if provider.third_party is not None:
        provider.third_party.style = PLAIN


@pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys(), indirect=True)
def test_every_spelling_of_the_erp_is_understood(provider: Provider, style: Style) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    subscriber = provider.books.add(bills=[bill])
    for held in subscriber.agreements:
        held.status = 6
    assert provider.flow_after(LOOKUP, document=subscriber.tax_id)[0] == "customer_found"
    flow, chat = provider.flow_after(BOLETO, document=subscriber.tax_id)
    assert flow == "boletos_found"
    assert {bill.line, bill.pix} <= set(chat.said)
    assert provider.flow_after(UNBLOCK, document=subscriber.tax_id)[0] == "unblock_granted"
    assert provider.flow_after(TICKET, document=subscriber.tax_id, description="sem sinal")[0] == "ticket_opened"
    flow, chat = provider.flow_after(TICKET, document=subscriber.tax_id, description="ainda sem sinal")
    assert flow == "ticket_refused"
    assert any(subscriber.cases[0].protocol in text for text in chat.said)


@pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
@pytest.mark.parametrize("style", [Style(dates=d) for d in ("date", "date_time", "brazilian")], ids=str, indirect=True)
def test_the_age_of_a_ticket_is_read_in_each_format(provider: Provider, style: Style) -> None:
    subscriber = provider.books.add()
    subscriber.cases.append(Case(protocol=provider.books.protocol(), opened_at=now() - timedelta(days=40)))
    assert provider.flow_after(TICKET, document=subscriber.tax_id, description="sem sinal")[0] == "ticket_opened"


@pytest.mark.parametrize("provider", ["pbx"], indirect=True)
@pytest.mark.parametrize("style", [Style(camel_clients=True)], ids=["camel case"], indirect=True)
def test_a_record_that_is_not_understood_is_never_called_not_found(provider: Provider, style: Style) -> None:
    flow, _ = provider.flow_after(LOOKUP, document=provider.books.add().tax_id)
    assert flow in {"customer_found", "auxiliary"}


@pytest.mark.parametrize("provider", ["pbx"], indirect=True)
@pytest.mark.parametrize(
    "style", [Style(not_found=how) for how in ("empty", "missing", "null")], ids=str, indirect=True
)
def test_every_way_to_say_not_found_is_understood(provider: Provider, style: Style) -> None:
    assert provider.flow_after(LOOKUP, document=documents.cpf(884_000))[0] == "customer_not_found"

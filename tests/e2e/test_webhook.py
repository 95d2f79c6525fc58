"""The webhook: who may post, what is understood, and what a second delivery does."""

import json
import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.e2e import notifications
from tests.e2e.books import Agreement
from tests.e2e.notifications import BOLETO, LOOKUP, SHAPES, SPELLINGS, TICKET, UNBLOCK, Asked, Body, Shape
from tests.e2e.scene import Plan, Provider, Scene, flow_key, new_chat

PROVIDERS = (Plan(name="pbx"), Plan(name="unpinned", pinned=False), Plan(name="windowed"))
the_one = pytest.mark.parametrize("provider", ["pbx"], indirect=True)
the_unpinned = pytest.mark.parametrize("provider", ["unpinned"], indirect=True)
RIGHT_FLOW = {LOOKUP: "customer_found", BOLETO: "boletos_none", UNBLOCK: "unblock_granted", TICKET: "ticket_opened"}


def asked(provider: Provider, event: str = LOOKUP, chat: str = "", **fields: Any) -> Asked:
    return provider.asks(event, chat or new_chat(), **({"document": provider.books.add().tax_id} | fields))


def receipt(answer: httpx.Response) -> tuple[int, int, int]:
    assert answer.status_code == httpx.codes.OK, answer.text
    told = answer.json()
    return told["accepted"], told["duplicates"], told["ignored"]


# --- who may post -------------------------------------------------------------------------------------------------


@the_unpinned
def test_the_handshake_echoes_the_token_as_plain_text_and_pins_it(provider: Provider) -> None:
    answer = provider.shake_hands()
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == provider.webhook_token
    assert provider.shake_hands().text == provider.webhook_token
    stranger = replace(asked(provider), token=secrets.token_hex(16))
    assert provider.post(notifications.canonical(stranger)).status_code == httpx.codes.UNAUTHORIZED


@the_one
@pytest.mark.parametrize("shape", [notifications.canonical, notifications.flat, notifications.form])
def test_another_token_than_the_pinned_one_is_refused_and_starts_nothing(provider: Provider, shape: Shape) -> None:
    chat = new_chat()
    stranger = replace(asked(provider, chat=chat), token=secrets.token_hex(16))
    assert provider.post(shape(stranger)).status_code == httpx.codes.UNAUTHORIZED
    provider.settle(chat)
    assert len(provider.huggy.chats[chat].flows) == 1, "the sentinel's flow alone"


@the_one
@pytest.mark.parametrize("shape", [notifications.canonical, notifications.flat, notifications.form])
def test_the_key_in_the_address_is_secret_enough_for_a_shape_that_carries_no_token(
    provider: Provider, shape: Shape
) -> None:
    assert provider.post(shape(replace(asked(provider), token=""))).status_code == httpx.codes.OK


@the_one
def test_a_handshake_can_not_replace_the_pinned_token(provider: Provider) -> None:
    other = notifications.as_json({"token": secrets.token_hex(16), "validToken": True})
    assert provider.post(other).status_code == httpx.codes.UNAUTHORIZED
    assert receipt(provider.post(notifications.canonical(asked(provider))))[0] == 1


def test_an_unknown_key_is_not_found(scene: Scene) -> None:
    unknown = f"{scene.ponte.url}/webhooks/huggy/{secrets.token_urlsafe(24)}"
    answer = httpx.post(unknown, json={"messages": {}}, trust_env=False)
    assert answer.status_code == httpx.codes.NOT_FOUND


@the_one
@pytest.mark.parametrize(
    "body",
    [
        Body(content=b"\x00\x01\x02\xff", content_type="application/octet-stream"),
        Body(content=b"<xml/>", content_type="application/xml"),
        Body(content=b'{"messages":', content_type="application/json"),
        Body(content=b"", content_type="application/json"),
    ],
    ids=["bytes", "xml", "broken JSON", "empty"],
)
def test_what_is_neither_json_nor_form_is_a_bad_request(provider: Provider, body: Body) -> None:
    assert provider.post(body).status_code == httpx.codes.BAD_REQUEST


@the_one
def test_a_body_over_256_kib_is_too_large(provider: Provider) -> None:
    padding = "x" * (256 * 1024)
    too_large = asked(provider, description=padding)
    assert provider.post(notifications.canonical(too_large)).status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


@the_one
def test_a_large_body_below_the_limit_is_taken(provider: Provider) -> None:
    large = asked(provider, TICKET, description="x" * (200 * 1024))
    assert receipt(provider.post(notifications.canonical(large))) == (1, 0, 0)


@the_one
@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        "text",
        None,
        {},
        {"messages": []},
        {"messages": {"notifyApp": {}}},
        {"messages": {"notifyApp": [None, 1]}},
    ],
    ids=str,
)
def test_json_of_an_unknown_shape_is_never_a_server_error(provider: Provider, value: object) -> None:
    named = value | {"token": provider.webhook_token} if isinstance(value, dict) else value
    assert provider.post(notifications.as_json(named)).status_code < 500


# --- what is understood -------------------------------------------------------------------------------------------


@the_one
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("event", RIGHT_FLOW)
def test_every_shape_leads_to_the_right_flow(provider: Provider, shape: Shape, event: str) -> None:
    subscriber = provider.books.add(agreements=[Agreement(number=provider.books.number()) for _ in range(2)])
    meant = subscriber.agreements[1]
    chat = new_chat()
    fields = {"document": subscriber.tax_id, "description": "sem sinal", "contract": str(meant.number)}
    flow, _ = provider.flow_after(event, chat, shape=shape, **fields)
    assert flow == RIGHT_FLOW[event]
    if event == UNBLOCK:
        assert [write.agreement for write in provider.books.writes_of(subscriber)] == [meant.number]
    if event == TICKET:
        assert "sem sinal" in provider.books.writes_of(subscriber)[0].text


@the_one
@pytest.mark.parametrize(
    ("event", "spelling"), [(event, spelling) for event, spellings in SPELLINGS.items() for spelling in spellings]
)
def test_an_event_is_known_by_any_of_its_spellings(provider: Provider, event: str, spelling: str) -> None:
    document = provider.books.add().tax_id
    flow, _ = provider.flow_after(spelling, document=document, description="sem sinal")
    assert flow == RIGHT_FLOW[event]


@the_one
def test_every_item_of_a_body_is_answered_under_whatever_name_it_stands(provider: Provider) -> None:
    wishes = [asked(provider, event) for event in (LOOKUP, BOLETO, LOOKUP)]
    body = notifications.envelope(wishes[0], *(notifications.item(wish) for wish in wishes[:2]))
    body["messages"]["notification"] = [notifications.item(wishes[2])]
    body["messages"]["startedChat"] = [{"id": 1, "situation": "auto", "company": {"id": int(provider.company_id)}}]
    assert receipt(provider.post(notifications.as_json(body))) == (3, 0, 1)
    chats = [provider.huggy.chats[wish.chat] for wish in wishes]
    provider.stage.wait_until(lambda: all(chat.flows for chat in chats), "a flow for each item")
    assert [flow_key(chat.flows[0]) for chat in chats] == ["customer_found", "boletos_none", "customer_found"]


@the_one
def test_what_is_not_understood_is_acknowledged_and_counted_as_ignored(provider: Provider) -> None:
    assert receipt(provider.post(notifications.canonical(asked(provider, "DANCAR_SAMBA")))) == (0, 0, 1)


# --- a second delivery --------------------------------------------------------------------------------------------


@the_one
@pytest.mark.parametrize("event", [LOOKUP, UNBLOCK, TICKET])
def test_a_second_delivery_counts_as_a_duplicate_and_changes_nothing(provider: Provider, event: str) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    body = notifications.canonical(provider.asks(event, chat, document=subscriber.tax_id, description="sem sinal"))
    assert receipt(provider.post(body)) == (1, 0, 0)
    for _ in range(3):
        assert receipt(provider.post(body)) == (0, 1, 0)
    provider.settle(chat)
    assert len(provider.huggy.chats[chat].flows) == 2, "one flow, and the sentinel's"
    assert len(provider.books.writes_of(subscriber)) <= 1


@the_one
def test_the_same_item_twice_in_one_body_is_one(provider: Provider) -> None:
    wish = asked(provider)
    item = notifications.item(wish)
    assert receipt(provider.post(notifications.as_json(notifications.envelope(wish, item, item)))) == (1, 1, 0)


@pytest.mark.parametrize("provider", ["windowed"], indirect=True)
def test_the_same_words_without_id_and_time_are_one_inside_the_window(provider: Provider) -> None:
    wish = asked(provider)
    plain = {"token": wish.token, "event": LOOKUP, "chatID": wish.chat, "cpf": wish.document}
    assert receipt(provider.post(notifications.as_json(plain))) == (1, 0, 0)
    assert receipt(provider.post(notifications.as_json(plain))) == (0, 1, 0)
    other = plain | {"event": BOLETO}
    assert receipt(provider.post(notifications.as_json(other))) == (1, 0, 0)


@the_one
def test_the_next_wish_in_the_same_chat_is_no_duplicate(provider: Provider) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    flows = [provider.flow_after(event, chat, document=subscriber.tax_id)[0] for event in (LOOKUP, BOLETO, LOOKUP)]
    assert flows == ["customer_found", "boletos_none", "customer_found"]


@the_one
def test_the_answer_to_a_delivery_tells_nothing_of_the_customer(provider: Provider) -> None:
    subscriber = provider.books.add()
    answer = provider.post(notifications.canonical(asked(provider, document=subscriber.tax_id)))
    assert set(json.loads(answer.text)) == {"accepted", "duplicates", "ignored"}

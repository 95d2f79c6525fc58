"""Whatever the bytes, the parser gives a value or `NotUnderstood`, and what it keeps stays within its bounds."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.huggy.inbound import Delivery, Handshake, NotUnderstood, Strange, Understood, parse
from adapters.huggy.redaction import LARGEST_SAMPLE

CANONICAL: dict[str, Any] = {
    "time": 1785950000,
    "token": "380c",
    "messages": {
        "notifyApp": [
            {
                "id": "n-1",
                "event": "2_VIA_BOLETO",
                "company": {"id": 1001},
                "chat": {
                    "id": 55501,
                    "channels": [{"uuid": "u"}],
                    "customer": {"id": "c-1", "phone": "+5511987654321"},
                },
                "data": {"cpf_cnpj": "529.982.247-25", "CONTRATO": "20743"},
            }
        ]
    },
}

places = st.sampled_from(["messages", "notifyApp", "chat", "data", "context", "body", "customer", "company", ""])
leaves = st.sampled_from(["event", "name", "chatID", "id", "SYSTEM.CHAT_ID", "cpf", "time", "flowToken"])
pairs = st.sampled_from(["key", "value", "chave", "valor", "token", "validToken"])
names = places | leaves | pairs
words = st.sampled_from(
    ["2_VIA_BOLETO", "startedAutomationFlow", "receivedMessage", "{{x}}", "[", '{"chatID": 1}', "..", "\ud800"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(), inner, max_size=6),
    max_leaves=25,
)


def check(body: bytes, content_type: str = "") -> None:
    try:
        told = parse(body, content_type)
    except NotUnderstood:
        return
    assert isinstance(told, Delivery | Handshake)
    if isinstance(told, Handshake):
        return
    for item in told.items:
        if isinstance(item, Strange):
            assert len(item.raw) <= LARGEST_SAMPLE
            json.loads(item.raw)
        else:
            assert_rereadable(item)


def assert_rereadable(item: Understood) -> None:
    again = parse(item.raw)
    assert isinstance(again, Delivery)
    assert [other.notification for other in again.items if isinstance(other, Understood)] == [item.notification]


@given(st.binary(), st.sampled_from(["", "application/json", "application/x-www-form-urlencoded"]))
def test_any_bytes_are_answered(body: bytes, content_type: str) -> None:
    check(body, content_type)


@given(trees)
def test_any_json_is_answered(tree: Any) -> None:
    check(json.dumps(tree).encode())


@given(st.lists(st.tuples(names | st.text(), st.text() | words), max_size=8))
def test_any_form_is_answered(sent: list[tuple[str, str]]) -> None:
    check("&".join(f"{name}={value}" for name, value in sent).encode(errors="replace"))


@given(st.data())
def test_a_disfigured_envelope_is_answered(data: st.DataObject) -> None:
    envelope = copy.deepcopy(CANONICAL)
    for _ in range(data.draw(st.integers(1, 4))):
        node: Any = envelope
        while isinstance(node, dict | list) and node:
            place = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
            if data.draw(st.booleans()):
                node[place] = data.draw(trees)
                break
            node = node[place]
    check(json.dumps(envelope).encode())


@given(st.data())
def test_a_damaged_envelope_is_answered(data: st.DataObject) -> None:
    body = bytearray(json.dumps(CANONICAL).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    check(bytes(body))


@pytest.mark.parametrize("depth", [5, 50, 500, 900, 950, 990, 1100, 20_000])
def test_any_depth_is_answered(depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"data":', "}"), ('[{"chatID":1,"event":"segunda via","data":', "}]")):
        check((opening * depth + "1" + closing * depth).encode())
    nested = "[" * depth + "]" * depth
    check(json.dumps({"event": "segunda via", "chatID": 1, "data": nested}).encode())


@given(
    st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), min_size=6), st.text(alphabet="0123456789", min_size=4)
)
def test_a_sample_holds_neither_words_nor_numbers_of_the_payload(word: str, number: str) -> None:
    payload = {"event": number, "chat": {"nome": word}, "x": [word, {"y": f"{word} {number}"}], number: int(number)}
    delivery = parse(json.dumps(payload).encode())
    assert isinstance(delivery, Delivery)
    (item,) = delivery.items
    assert isinstance(item, Strange)
    kept = item.raw.decode()
    assert word not in kept or set(word) <= set("aA9 ?")
    assert number not in kept or set(number) == {"9"}
    assert number not in item.what.event or set(number) == {"9"}

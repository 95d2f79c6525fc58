"""The key by which a second delivery is known."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.huggy.inbound import Delivery, Understood, parse

ITEM: dict[str, Any] = {
    "id": "n-1",
    "event": "2_VIA_BOLETO",
    "chat": {"id": 55501, "customer": {"id": "c-1", "name": "Ana"}},
    "data": {"cpf_cnpj": "529.982.247-25", "CONTRATO": "20743"},
}


def key_of(item: dict[str, Any], *, time: int | None = 1785950000, indent: int | None = None) -> str:
    envelope = {"token": "t", "messages": {"notifyApp": [item]}, **({} if time is None else {"time": time})}
    delivery = parse(json.dumps(envelope, indent=indent).encode())
    assert isinstance(delivery, Delivery)
    (read,) = delivery.items
    assert isinstance(read, Understood)
    return read.notification.key


def without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


def backwards(value: Any) -> Any:
    return {name: backwards(value[name]) for name in reversed(value)} if isinstance(value, dict) else value


def test_layout_and_order_of_keys_do_not_change_the_key() -> None:
    for item in (ITEM, without(ITEM, "id")):
        for time in (1785950000, None):
            assert key_of(item, time=time) == key_of(backwards(item), time=time, indent=3)


def test_with_an_id_of_its_own_the_content_does_not_matter() -> None:
    assert key_of(ITEM) == key_of({**ITEM, "data": {}})
    assert key_of(ITEM) != key_of({**ITEM, "id": "n-2"})


def test_what_comes_later_sorts_behind_so_that_the_index_of_keys_grows_at_its_end() -> None:
    for times in (
        (1785950000, 1785950001, 1785960000),
        ("2026-08-05 09:15:00", "2026-08-05T09:15:01", "2026-10-01 00:00"),
    ):
        for item in (ITEM, without(ITEM, "id")):
            keys = [key_of({**item, "send_at": time}, time=None) for time in times]
            assert keys == sorted(keys)
            assert all(str(time)[:10] in key for key, time in zip(keys, times, strict=True))


@pytest.mark.parametrize("typed", ["529.982.247-25", "52998224725", "11222333000181", "5511987654321", "2026-08-05"])
def test_of_a_time_that_is_none_nothing_is_in_the_key(typed: str) -> None:
    key = key_of({**ITEM, "time": typed}, time=None)
    assert typed not in key
    assert re.fullmatch("boleto_requested:[0-9a-f]{40}", key)


def test_an_id_without_a_time_may_be_the_kind_of_events_so_that_the_content_counts() -> None:
    corrected = {**ITEM, "data": {"cpf_cnpj": "123.456.789-09"}}
    assert key_of(ITEM, time=None) != key_of(corrected, time=None)
    assert key_of(ITEM, time=None) == key_of(ITEM, time=None, indent=2)


def test_event_chat_and_time_tell_notifications_apart() -> None:
    for item in (ITEM, without(ITEM, "id")):
        keys = {
            key_of(item),
            key_of(item, time=1785950001),
            key_of({**item, "chat": {"id": 55502}}),
            key_of({**item, "event": "CONSULTAR_CLIENTE"}),
        }
        assert len(keys) == 4


def test_without_an_id_the_content_tells_notifications_apart() -> None:
    assert key_of(without(ITEM, "id")) != key_of(without(ITEM, "id", "data"))


def test_an_id_that_is_the_chats_or_the_contacts_is_none_of_its_own() -> None:
    for shared in (55501, "c-1"):
        asked = {**ITEM, "id": shared}
        assert key_of(asked) != key_of({**asked, "data": {"cpf_cnpj": "1"}})


def test_only_a_key_made_of_content_alone_is_marked_with_a_tilde() -> None:
    assert key_of(without(ITEM, "id"), time=None).startswith("~")
    assert not key_of(without(ITEM, "id")).startswith("~")
    assert not key_of(ITEM, time=None).startswith("~")


@given(st.text(), st.text(max_size=64), st.integers())
def test_a_key_is_short_and_shows_nothing_that_was_sent(name: str, document: str, chat: int) -> None:
    key = key_of({"event": "segunda via", "chat": {"id": chat, "customer": {"name": name}}, "cpf": document}, time=None)
    assert len(key) <= 100
    assert key.startswith("~boleto_requested:")
    assert set(key.removeprefix("~boleto_requested:")) <= set("0123456789abcdef")

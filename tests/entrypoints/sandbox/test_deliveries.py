import asyncio

import pytest

from entrypoints.sandbox.city import City
from entrypoints.sandbox.deliveries import HandshakeRefused
from entrypoints.sandbox.serving import running
from tests.entrypoints.sandbox.fake_app import FakeApp


def _ask_for_lookup(city: City, key: str) -> None:
    for text in ("oi", "1", city.people[key].tax_id):
        city.huggy.customer_writes(city.phone(key), text)


def _documents(app: FakeApp) -> list[str]:
    return [item["data"]["cpf_cnpj"] for item in app.items]


@pytest.mark.parametrize("answer", ["", "outro", '{"token":"380c4e73a1b2c3d4e5f60718293ad354"}'])
async def test_a_handshake_without_the_token_as_text_connects_nothing(city: City, answer: str) -> None:
    app = FakeApp(city.huggy)
    app.handshake_answer = answer
    async with running(app.asgi()) as url:
        with pytest.raises(HandshakeRefused):
            await city.connect_webhook(f"{url}/hook")
        _ask_for_lookup(city, "ana")
        await city.huggy.deliveries.settled()
        assert app.envelopes == []


async def test_an_address_where_nobody_listens_is_refused(city: City) -> None:
    async with running(FakeApp(city.huggy).asgi()) as url:
        pass
    with pytest.raises(HandshakeRefused):
        await city.connect_webhook(f"{url}/hook")


async def test_a_notification_is_repeated_until_it_is_accepted(city: City, app: FakeApp) -> None:
    app.refuse_next = [500, 503]
    _ask_for_lookup(city, "ana")
    await city.huggy.deliveries.settled()
    assert city.huggy.deliveries.statuses == [500, 503, 200]
    assert len(app.items) == 1


async def test_a_notification_is_given_up_after_the_last_try(city: City, app: FakeApp) -> None:
    app.refuse_next = [500] * 9
    _ask_for_lookup(city, "ana")
    await city.huggy.deliveries.settled()
    assert city.huggy.deliveries.statuses == [500] * 4


async def test_a_duplicated_notification_arrives_twice_and_is_the_same(city: City, app: FakeApp) -> None:
    city.faults.set("webhook", "duplicate")
    _ask_for_lookup(city, "ana")
    await city.huggy.deliveries.settled()
    assert len(app.envelopes) == 2
    assert app.envelopes[0] == app.envelopes[1]


async def test_out_of_order_lets_a_later_notification_pass(city: City, app: FakeApp) -> None:
    city.faults.set("webhook", "out_of_order:5")
    _ask_for_lookup(city, "ana")
    await asyncio.sleep(0)
    _ask_for_lookup(city, "davi")
    await city.huggy.deliveries.settled()
    assert _documents(app) == [city.people["davi"].tax_id, city.people["ana"].tax_id]


async def test_out_of_order_without_a_later_one_is_only_late(city: City, app: FakeApp) -> None:
    city.faults.set("webhook", "out_of_order:0.01")
    _ask_for_lookup(city, "ana")
    await city.huggy.deliveries.settled()
    assert _documents(app) == [city.people["ana"].tax_id]

"""Rede Off from end to end: declared by command and by API, told by the ERP, told to customers, and over."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e import documents, upstream
from tests.e2e.books import Agreement, Subscriber, Trouble, now
from tests.e2e.huggy_standin import ChatLedger
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET
from tests.e2e.scene import Plan, Provider, Scene, new_chat

_TELLS = {"outage_message_enabled": "true"}
PROVIDERS = (
    Plan(name="pbx", policies=_TELLS),
    Plan(name="both", third_party=True, policies=_TELLS),
    Plan(name="closes", policies=_TELLS | {"outage_closes_chat": "true"}),
    Plan(name="quiet"),
)
each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
by_pbx = pytest.mark.parametrize("provider", ["pbx"], indirect=True)
by_both = pytest.mark.parametrize("provider", ["both"], indirect=True)
Told = dict[str, Any]


class Desk:
    """Where the provider's people and systems declare outages."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def ask(self, method: str, path: str = "", body: object = None) -> httpx.Response:
        installed = self._provider.installed
        headers = {"authorization": f"Bearer {installed.outage_api_key}"}
        url = f"{installed.outage_api_url}{path}"
        return httpx.request(method, url, headers=headers, json=body, timeout=10, trust_env=False)

    def open(self, **said: str) -> str:
        answer = self.ask("POST", body={"scope": "all", **said})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["outage"]["id"])

    def correct(self, outage: str, **said: str) -> None:
        assert self.ask("PATCH", f"/{outage}", said).status_code == httpx.codes.OK

    def close(self, outage: str) -> None:
        assert self.ask("POST", f"/{outage}/close").status_code == httpx.codes.OK

    def listed(self, *, past: bool = False) -> list[Told]:
        found: list[Told] = self.ask("GET", "?all=1" if past else "").json()["outages"]
        return found


@pytest.fixture
def desk(provider: Provider) -> Iterator[Desk]:
    """Whatever still stands afterwards is closed."""
    desk = Desk(provider)
    yield desk
    for outage in desk.listed():
        desk.close(outage["id"])


def look_up(provider: Provider, subscriber: Subscriber, chat: str | None = None) -> tuple[str, str]:
    """The flow, and all that the customer read since this look-up."""
    chat = chat or new_chat()
    before = len(provider.huggy.chats[chat].said)
    flow, ledger = provider.flow_after(LOOKUP, chat, document=subscriber.tax_id)
    return flow, "\n".join(ledger.said[before:])


def in_three_hours() -> datetime:
    return (now() + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)


def spoken(moment: datetime) -> str:
    return f"{moment:%H}h"


def iso(moment: datetime) -> str:
    return moment.isoformat()


@each
def test_what_people_declare_is_told_until_they_close_it(provider: Provider, desk: Desk) -> None:
    subscriber = provider.books.add()
    at = in_three_hours()
    outage = desk.open(predicted=iso(at), protocol="2026-4711", cause="rompimento de fibra")
    flow, told = look_up(provider, subscriber)
    assert flow == "customer_found"
    assert all(words in told for words in (spoken(at), "2026-4711", "rompimento de fibra"))
    (listed,) = desk.listed()
    assert (listed["id"], listed["source"], listed["chats_told"]) == (outage, "api", 1)

    desk.close(outage)
    assert look_up(provider, subscriber) == ("customer_found", "")


@by_pbx
def test_a_command_beside_the_serving_process_opens_and_closes_one(
    scene: Scene, provider: Provider, desk: Desk
) -> None:
    ponte = scene.ponte
    where = ("--installation", provider.installed.installation_id, "--json")
    opened = json.loads(ponte.run("outage", "open", "--scope", "all", "--protocol", "2026-4712", *where))["outage"]
    assert opened["state"] == "open"
    wait_until_it_is_known(desk, opened["id"])
    _, told = look_up(provider, provider.books.add())
    assert "2026-4712" in told
    assert "ainda sem previsão" in told
    (listed,) = json.loads(ponte.run("outage", "list", *where))["outages"]
    assert (listed["id"], listed["chats_told"]) == (opened["id"], 1)
    assert json.loads(ponte.run("outage", "close", opened["id"], *where))["outage"]["state"] == "ended"


def wait_until_it_is_known(desk: Desk, outage: str) -> None:
    """What another process changes is seen within a second."""
    ask_until(lambda: outage in [listed["id"] for listed in desk.listed()])


def ask_until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline


@each
def test_a_chat_is_told_once_and_again_when_the_prediction_changes(provider: Provider, desk: Desk) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    at = in_three_hours()
    outage = desk.open(predicted=iso(at))
    assert spoken(at) in look_up(provider, subscriber, chat)[1]
    assert look_up(provider, subscriber, chat) == ("customer_found", "")
    desk.correct(outage, predicted=iso(at + timedelta(hours=1)))
    assert spoken(at + timedelta(hours=1)) in look_up(provider, subscriber, chat)[1]
    assert desk.listed()[0]["chats_told"] == 1


@by_pbx
def test_an_outage_that_nobody_closes_expires(provider: Provider, desk: Desk) -> None:
    subscriber = provider.books.add()
    outage = desk.open(protocol="2026-4713", expires=iso(now() + timedelta(seconds=3)))
    assert "2026-4713" in look_up(provider, subscriber)[1]
    ask_until(lambda: look_up(provider, subscriber)[1] == "")
    assert desk.listed() == []
    assert [listed["state"] for listed in desk.listed(past=True) if listed["id"] == outage] == ["expired"]


@each
def test_only_one_of_two_contracts_is_reached(provider: Provider, desk: Desk) -> None:
    spared, struck = provider.books.number(), provider.books.number()
    subscriber = provider.books.add(agreements=[Agreement(number=spared), Agreement(number=struck)])
    desk.open(scope=f"contracts={struck}", protocol="2026-4714")
    _, told = look_up(provider, subscriber)
    assert "2026-4714" in told
    assert "A falha atinge só o contrato" in told
    flow, chat = provider.flow_after(TICKET, document=subscriber.tax_id, contract=str(spared), description="lento")
    assert flow == "ticket_opened"
    flow, chat = provider.flow_after(TICKET, document=subscriber.tax_id, contract=str(struck), description="parou")
    assert flow == "ticket_refused"
    assert "2026-4714" in chat.said[-1]
    assert look_up(provider, provider.books.add())[1] == ""


@by_both
def test_an_outage_of_a_city_or_of_equipment_reaches_who_is_there(provider: Provider, desk: Desk) -> None:
    subscriber = provider.books.add()
    there, elsewhere = desk.open(scope="city=sao paulo", protocol="2026-4715"), desk.open(scope="city=Contagem")
    assert "2026-4715" in look_up(provider, subscriber)[1]
    desk.close(there)
    assert look_up(provider, subscriber)[1] == ""
    desk.correct(elsewhere, scope=f"access-point=OLT {subscriber.client}", protocol="2026-4716")
    assert "2026-4716" in look_up(provider, subscriber)[1]


@each
def test_of_two_outages_the_one_that_ends_first_is_told_and_the_customers_own_protocol_is_kept(
    provider: Provider, desk: Desk
) -> None:
    at = in_three_hours()
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=at + timedelta(hours=2))
    desk.open(predicted=iso(at), protocol="2026-4717")
    _, told = look_up(provider, provider.books.add(trouble=trouble))
    assert spoken(at) in told
    assert trouble.protocol in told
    assert "2026-4717" not in told


@each
def test_a_ticket_asked_for_in_an_outage_gets_its_protocol_and_boletos_come_as_ever(
    provider: Provider, desk: Desk
) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    desk.open(protocol="2026-4718")
    flow, ledger = provider.flow_after(TICKET, chat, document=subscriber.tax_id, description="sem internet")
    assert flow == "ticket_refused"
    assert "2026-4718" in ledger.said[-1]
    assert provider.books.writes_of(subscriber) == []
    assert provider.flow_after(BOLETO, chat, document=subscriber.tax_id)[0] == "boletos_none"
    assert look_up(provider, subscriber, chat) == ("customer_found", "")


@each
def test_while_the_erp_is_away_who_writes_is_told_of_an_outage_that_reaches_everybody(
    provider: Provider, desk: Desk
) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    desk.open(protocol="2026-4719")
    for one in provider.upstreams:
        one.misbehave("*", upstream.drops)
    flow, told = look_up(provider, subscriber, chat)
    assert flow == "auxiliary"
    assert "2026-4719" in told
    assert look_up(provider, subscriber, chat) == ("auxiliary", "")


@by_both
def test_what_the_erp_tells_is_listed_and_ends_when_it_says_that_it_is_over(provider: Provider, desk: Desk) -> None:
    point = f"OLT {provider.books.protocol()}"
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=in_three_hours())
    struck, neighbour = provider.books.add(trouble=trouble), provider.books.add(trouble=trouble)
    struck.access_point = neighbour.access_point = point
    assert trouble.protocol in look_up(provider, struck)[1]
    (listed,) = desk.listed()
    assert (listed["source"], listed["scope"]) == ("erp", f"access-point={point}")
    assert (listed["protocol"], listed["chats_told"]) == (trouble.protocol, 1)

    # One who was never asked about: the equipment's state is fresh there, and it works again.
    struck.trouble = neighbour.trouble = None
    assert look_up(provider, neighbour)[1] == ""
    assert desk.listed() == []


@by_both
def test_a_prediction_of_the_erp_that_has_passed_is_told_as_no_promise(provider: Provider, desk: Desk) -> None:
    trouble = Trouble(protocol=provider.books.protocol(), predicted_at=now() - timedelta(hours=1))
    provider.erp.misbehave("pbx.validate", upstream.SERVER_ERROR)
    subscriber = provider.books.add(trouble=trouble)
    assert "nova previsão em análise" in look_up(provider, subscriber)[1]


@pytest.mark.parametrize("provider", ["closes"], indirect=True)
def test_the_chat_of_one_in_an_outage_is_closed_after_the_words(provider: Provider, desk: Desk) -> None:
    desk.open(protocol="2026-4720")
    chat = new_chat()
    provider.notify(LOOKUP, chat, document=provider.books.add().tax_id)
    ledger: ChatLedger = provider.huggy.chats[chat]
    provider.stage.wait_until(lambda: ledger.closes > 0 or bool(ledger.flows), "the end of the chat")
    assert [deed.kind for deed in ledger.deeds] == ["message", "close"]
    assert desk.listed()[0]["chats_closed"] == 1


@pytest.mark.parametrize("provider", ["quiet"], indirect=True)
def test_where_the_message_is_off_nobody_is_told_at_contact(provider: Provider, desk: Desk) -> None:
    answer = desk.ask("POST", body={"scope": "all"})
    assert answer.json()["message_enabled"] is False
    assert look_up(provider, provider.books.add()) == ("customer_found", "")
    assert provider.flow_after(LOOKUP, document=documents.cpf(880_030))[0] == "customer_not_found"

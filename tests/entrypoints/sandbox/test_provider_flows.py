"""The provider's flows, run against a tiny app."""

import pytest

from entrypoints.sandbox.chats import Chat, Situation, Who
from entrypoints.sandbox.city import City
from entrypoints.sandbox.flows import START, Ask, Branch, Close, Goto, Menu, NotifyApp, ToAgent
from entrypoints.sandbox.provider_flows import PROVIDER_FLOWS
from tests.entrypoints.sandbox.fake_app import FakeApp, happy_provider


@pytest.fixture
def granting(city: City, app: FakeApp) -> tuple[City, FakeApp]:
    happy_provider(app, city)
    return city, app


async def _talk(city: City, key: str, *texts: str) -> Chat:
    for text in texts:
        chat = city.huggy.customer_writes(city.phone(key), text)
        await city.huggy.quiet(chat)
    return chat


@pytest.mark.parametrize(
    ("wishes", "event", "data", "flow_id"),
    [
        (["1"], "2_VIA_BOLETO", {"CONTRATO": "vila nova"}, 13),
        (["desbloqueio por confianca"], "DESBLOQUEAR_CONTRATO", {"CONTRATO": "vila nova"}, 15),
        (["3️⃣", "Está lento"], "ABRIR_SOLICITACAO", {"Descrição": "Está lento"}, 17),
    ],
)
async def test_a_wish_goes_from_the_menu_to_the_flow_of_its_outcome(
    granting: tuple[City, FakeApp], wishes: list[str], event: str, data: dict[str, str], flow_id: int
) -> None:
    city, app = granting
    chat = await _talk(city, "bruno", "oi", wishes[0], "123.456.789-09", "vila nova", *wishes[1:])
    assert [item["event"] for item in app.items] == ["CONSULTAR_CLIENTE", event]
    assert app.items[0]["data"] == {"cpf_cnpj": "123.456.789-09"}
    assert app.items[1]["data"] == {"cpf_cnpj": "123.456.789-09"} | data
    assert chat.flows_started == [10, 11, flow_id]
    assert [m.text for m in chat.messages if m.who is Who.APP] == [
        "resposta a CONSULTAR_CLIENTE",
        f"resposta a {event}",
    ]


async def test_the_envelope_is_the_canonical_one(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    chat = await _talk(city, "ana", "oi", "1", "529.982.247-25", "1")
    envelope = app.envelopes[1]
    assert envelope["token"] == city.huggy.webhook_token
    assert isinstance(envelope["time"], int)
    (item,) = envelope["messages"]["notifyApp"]
    assert item["id"] == "n-2"
    assert item["company"] == {"id": 1001}
    assert item["chat"]["id"] == chat.id
    assert item["chat"]["situation"] == "auto"
    assert item["chat"]["customer"]["phone"] == "+5511987654321"
    assert item["data"] == {"cpf_cnpj": "529.982.247-25", "CONTRATO": "1"}


async def test_a_variable_that_was_never_filled_stays_literal(city: City, app: FakeApp) -> None:
    chat = city.huggy.customer_writes(city.phone("ana"), "oi")
    city.huggy.start_flow(chat, city.flow_ids["unblock_denied"], {})
    city.huggy.customer_writes(city.phone("ana"), "1")
    await city.huggy.deliveries.settled()
    assert app.items[0]["data"] == {"cpf_cnpj": "{{cpf}}", "CONTRATO": "{{contrato}}"}


async def test_the_chat_is_not_quiet_while_the_app_owes_an_answer(city: City, app: FakeApp) -> None:
    chat = await _talk(city, "ana", "oi", "1")
    city.huggy.customer_writes(city.phone("ana"), "529.982.247-25")
    await city.huggy.deliveries.settled()
    assert not await city.huggy.is_quiet_within(chat, 0.01)
    city.huggy.customer_writes(city.phone("ana"), "alguém aí?")
    assert not chat.quiet.is_set()
    city.huggy.start_flow(chat, city.flow_ids["auxiliary"], {})
    await city.huggy.quiet(chat)
    assert chat.situation is Situation.QUEUED


async def test_not_found_asks_for_another_document_and_sends_that_one(city: City, app: FakeApp) -> None:
    app.flow_for = {"CONSULTAR_CLIENTE": city.flow_ids["customer_not_found"]}
    await _talk(city, "ana", "oi", "2", "111", "1", "529.982.247-25")
    assert [item["data"]["cpf_cnpj"] for item in app.items] == ["111", "529.982.247-25"]


async def test_a_second_wish_does_not_ask_for_the_document_again(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    await _talk(city, "ana", "oi", "1", "529.982.247-25", "1", "1", "2")
    assert [item["event"] for item in app.items] == ["CONSULTAR_CLIENTE", "2_VIA_BOLETO", "CONSULTAR_CLIENTE"]


async def test_looking_up_alone_offers_what_can_be_done(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    chat = await _talk(city, "ana", "oi", "4", "529.982.247-25", "1", "1")
    assert chat.flows_started[-1] == city.flow_ids["boletos_found"]


async def test_an_answer_that_is_no_option_gets_the_menu_again(city: City) -> None:
    chat = await _talk(city, "ana", "oi", "quero pizza")
    assert chat.messages[-1].text == chat.messages[-4].text
    assert "Como posso ajudar?" in chat.messages[-1].text


@pytest.mark.parametrize("before", [[], ["1"], ["5"]])
async def test_a_person_is_reached_from_anywhere_without_giving_data(city: City, before: list[str]) -> None:
    texts = ["oi", *before] if before == ["5"] else ["oi", *before, "Atendente!"]
    chat = await _talk(city, "ana", *texts)
    assert chat.situation is Situation.QUEUED


async def test_a_chat_that_ended_is_followed_by_a_new_one(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    first = await _talk(city, "ana", "oi", "1", "529.982.247-25", "1", "3")
    assert first.situation is Situation.CLOSED
    second = await _talk(city, "ana", "oi de novo")
    assert second.id != first.id
    assert second.contact == first.contact
    assert second.flows_started == [10]


def test_every_section_exists_and_ends_where_somebody_goes_on() -> None:
    flows = {flow.id: flow for flow in PROVIDER_FLOWS}
    for flow in PROVIDER_FLOWS:
        assert START in flow.sections
        for steps in flow.sections.values():
            assert isinstance(steps[-1], (Menu, NotifyApp, Branch, Goto, ToAgent, Close))
            for step in steps:
                match step:
                    case Menu(options=options):
                        assert {option.goto for option in options} <= flow.sections.keys()
                    case Branch(cases=cases, otherwise=otherwise):
                        assert {*cases.values(), otherwise} <= flow.sections.keys()
                    case Goto(section=section, flow_id=flow_id):
                        assert section in (flows[flow_id] if flow_id else flow).sections
                    case _:
                        pass


def test_the_found_flow_asks_for_the_contract_first() -> None:
    found = next(flow for flow in PROVIDER_FLOWS if flow.id == 11)
    first = found.sections[START][0]
    assert isinstance(first, Ask)
    assert first.variable == "contrato"

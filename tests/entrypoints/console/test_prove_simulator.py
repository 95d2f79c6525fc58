"""The simulator's page: it tells what would happen, and does none of it unless that was ticked."""

import re
from html import unescape

import httpx
import pytest

from application.history import Filters
from domain.customer import ContractStatus
from tests.domain.builders import contract, customer
from tests.entrypoints.console.proving import ROOM, Proving
from tests.entrypoints.console.stage import Stage, errors_in
from tests.entrypoints.fakes import INSTALLATION

CPF = "529.982.247-25"
BLOCKED = contract("20743", status=ContractStatus.BLOCKED, unblock_attempts=0)


@pytest.fixture
async def proving(stage: Stage, http: httpx.AsyncClient) -> Proving:
    made = Proving(stage, http)
    await made.begin()
    return made


async def simulate(proving: Proving, **fields: str) -> str:
    answer = await proving.browser.post(f"{ROOM}/simulador", **fields)
    assert answer.status_code == 200, errors_in(answer)
    return unescape(answer.text)


def once_in(page: str) -> str:
    found = re.search(r'name="once" value="([\w-]+)"', page)
    assert found
    return found[1]


async def test_it_tells_the_flow_with_its_key_number_and_name_at_huggy(proving: Proving) -> None:
    proving.world.add(customer())
    page = await simulate(proving, event="customer_lookup", document=CPF)
    assert "Cliente encontrado" in page
    assert "cliente cadastrado" in page
    assert "<code>customer_found</code>" in page
    assert "número 11, “Cliente cadastrado” na Huggy" in page
    assert "Nada foi enviado e nada mudou no ERP." in page


async def test_nothing_is_kept_of_it_and_no_chat_hears_of_it(proving: Proving, stage: Stage) -> None:
    proving.world.add(customer(BLOCKED))
    for event in ("customer_lookup", "boleto_requested", "unblock_requested", "ticket_requested"):
        await simulate(proving, event=event, document=CPF, description="sem sinal")
    assert (await stage.database.history.events(INSTALLATION.id, Filters())).rows == ()
    assert proving.world.writes == []
    assert stage.huggy.chats == {}


async def test_a_write_stops_and_both_answers_of_the_erp_are_told(proving: Proving) -> None:
    proving.world.add(customer(BLOCKED))
    page = await simulate(proving, event="unblock_requested", document=CPF)
    assert page.index("Se o ERP aceitar") < page.index("desbloqueio liberado") < page.index("Se o ERP negar")
    assert "desbloqueio negado" in page[page.index("Se o ERP negar") :]


async def test_a_ticked_write_is_done_once_however_often_the_form_is_sent(proving: Proving) -> None:
    proving.world.add(customer(BLOCKED))
    once = once_in((await proving.browser.get(f"{ROOM}/simulador")).text)
    order = {"event": "unblock_requested", "document": CPF, "write_unblock_requested": "true", "once": once}
    page = await simulate(proving, **order)
    assert "Desbloqueio liberado" in page
    assert f'href="{ROOM}/eventos/' in page
    await simulate(proving, **order)
    assert proving.world.writes == ["unblock 20743"]
    assert "Pediu um desbloqueio pelo simulador" in await proving.audit()


async def test_a_tick_for_one_write_is_none_for_the_other(proving: Proving) -> None:
    proving.world.add(customer())
    await simulate(
        proving, event="ticket_requested", document=CPF, description="x", write_unblock_requested="true", once="1"
    )
    assert proving.world.writes == []


async def test_a_page_without_its_number_orders_nothing(proving: Proving) -> None:
    proving.world.add(customer())
    answer = await proving.browser.post(
        f"{ROOM}/simulador", event="ticket_requested", document=CPF, description="x", write_ticket_requested="true"
    )
    assert answer.status_code == 422
    assert proving.world.writes == []


@pytest.mark.parametrize(
    ("field", "value"), [("event", "outra"), ("document", "1" * 61), ("description", "x" * 1501), ("phone", "9" * 41)]
)
async def test_what_cannot_be_right_is_told_at_its_field(proving: Proving, field: str, value: str) -> None:
    answer = await proving.browser.post(f"{ROOM}/simulador", **{"event": "customer_lookup", field: value})
    assert answer.status_code == 422
    assert errors_in(answer)


async def test_hostile_words_stay_words(proving: Proving) -> None:
    proving.world.add(customer(contract("1", plan="<script>alert(1)</script>"), contract("2")))
    answer = await proving.browser.post(f"{ROOM}/simulador", event="customer_lookup", document=f"{CPF}")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


async def test_shadow_mode_has_its_switch_and_leaves_a_note(proving: Proving) -> None:
    await proving.browser.post(f"{ROOM}/simulador/sombra", shadow="1")
    assert (await proving.installation()).policies.shadow
    await proving.browser.post(f"{ROOM}/simulador/sombra")
    assert not (await proving.installation()).policies.shadow
    assert await proving.audit() == ["Desligou o modo sombra", "Ligou o modo sombra"]

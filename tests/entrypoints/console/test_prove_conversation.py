"""The sandbox's chat: a newcomer enters by one click, writes as a customer, breaks the ERP and mends it."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from entrypoints.http.console.conversation import FAULTS
from entrypoints.http.console.playground import Neighbour, Playground
from entrypoints.sandbox.accounts import STRANGER
from entrypoints.sandbox.faults import Faults
from tests.entrypoints.console.proving import Proving
from tests.entrypoints.console.stage import Browser, Stage
from tests.entrypoints.fakes import INSTALLATION

ANA = Neighbour(key="ana", name="Ana", document="529.982.247-25", phone="+5511987654321", story="tudo em dia")
BRUNO = Neighbour(key="bruno", name="Bruno", document="123.456.789-09", phone="+5511991112233", story="dois contratos")


@pytest.fixture
async def proving(stage: Stage, http: httpx.AsyncClient) -> AsyncIterator[Proving]:
    async with httpx.AsyncClient(base_url=stage.huggy.url, trust_env=False) as to_huggy:
        playground = Playground(http=to_huggy, installation_id=INSTALLATION.id, operator="rita", people=(ANA, BRUNO))
        made = Proving(stage, http, playground)
        await made.begin()
        yield made


async def seen(proving: Proving, path: str = "/conversa") -> str:
    answer = await proving.browser.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def test_a_newcomer_enters_by_one_click(proving: Proving) -> None:
    newcomer = proving.stage.browser()
    assert (await newcomer.get("/conversa")).headers["location"] == "/entrar?next=%2Fconversa"
    door = (await newcomer.get("/entrar")).text
    assert "Entrar e conversar" in door
    token = re.search(r'name="_csrf" value="(\w+)"', door)
    assert token
    answer = await newcomer.post("/entrar/sandbox", csrf=token[1])
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversa")
    assert "Conversa de teste" in (await newcomer.get("/conversa")).text


async def test_nobody_is_let_in_by_another_site(proving: Proving) -> None:
    newcomer = proving.stage.browser()
    await newcomer.get("/entrar")
    assert (await newcomer.post("/entrar/sandbox", csrf="guessed")).status_code == 403


async def test_where_real_customers_are_served_nothing_of_it_exists(stage: Stage, http: httpx.AsyncClient) -> None:
    real = Proving(stage, http)
    await real.begin()
    assert (await real.browser.get("/conversa")).status_code == 404
    for path in ("/conversa", "/conversa/erp", "/conversa/recomecar", "/entrar/sandbox"):
        assert (await real.browser.post(path)).status_code == 404
    assert "Entrar e conversar" not in (await stage.browser().get("/entrar")).text


async def test_who_may_not_see_the_provider_may_not_play_its_customers(proving: Proving, browser: Browser) -> None:
    await browser.as_agent(STRANGER)
    assert (await browser.get("/conversa")).status_code == 404


async def test_what_is_written_reaches_the_chat_and_the_answer_is_seen(proving: Proving) -> None:
    answer = await proving.browser.post("/conversa", como="bruno", text="Oi!")
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversa?como=bruno")
    page = await seen(proving, "/conversa?como=bruno")
    assert "Como posso ajudar?" in page
    assert ">1. 2ª via de boleto</button>" in page
    assert "Como posso ajudar?" not in await seen(proving, "/conversa?como=ana")


async def test_the_page_lives_and_is_silent_while_nothing_changes(proving: Proving) -> None:
    mark = (await seen(proving)).split("visto=")[1].split('"')[0]
    assert (await proving.browser.get(f"/conversa/agora?como=ana&visto={mark}")).status_code == 204
    await proving.browser.post("/conversa", como="ana", text="Oi!")
    changed = await proving.browser.get(f"/conversa/agora?como=ana&visto={mark}")
    assert "Como posso ajudar?" in changed.text
    assert "<html" not in changed.text


async def test_the_document_is_offered_where_it_is_asked_for(proving: Proving) -> None:
    for text in ("Oi!", "1"):
        await proving.browser.post("/conversa", como="ana", text=text)
    assert "Meu documento: 529.982.247-25" in await seen(proving)


async def test_a_chat_is_begun_anew(proving: Proving) -> None:
    await proving.browser.post("/conversa", como="ana", text="Oi!")
    await proving.browser.post("/conversa/recomecar", como="ana")
    page = await seen(proving)
    assert "atendimento encerrado" in page
    assert ">Oi!</button>" in page


async def test_nothing_written_opens_no_chat(proving: Proving) -> None:
    await proving.browser.post("/conversa", como="ana", text="  ")
    await proving.browser.post("/conversa/recomecar", como="ana")
    assert proving.stage.huggy.chats == {}


@pytest.mark.parametrize(("fault", "state"), [(fault, state) for fault, _, state in FAULTS])
async def test_every_button_breaks_the_erp_and_another_mends_it(
    proving: Proving, faults: Faults, fault: str, state: str
) -> None:
    await proving.browser.post("/conversa/erp", fault=fault)
    broken = faults.active("erp")
    assert broken
    assert broken.name == fault.partition(":")[0]
    assert f"Quebrado: {state}" in await seen(proving)
    await proving.browser.post("/conversa/erp", fault="")
    assert faults.active("erp") is None
    assert "Funcionando" in await seen(proving)


async def test_nothing_else_can_be_broken(proving: Proving, faults: Faults) -> None:
    await proving.browser.post("/conversa/erp", fault="drop_after_write")
    assert faults.active("erp") is None


async def test_words_of_a_customer_stay_words(proving: Proving) -> None:
    await proving.browser.post("/conversa", como="ana", text="<img src=x onerror=alert(1)>")
    answer = await proving.browser.get("/conversa")
    assert "<img src=x" not in answer.text

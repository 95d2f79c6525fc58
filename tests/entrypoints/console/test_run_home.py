"""The first page: the installations that a visitor may see, and how each stands."""

import re
from typing import Any

from msgspec.structs import replace

from domain.identifiers import CompanyId, InstallationId, Secret
from domain.installation import Installation, Policies
from domain.problem import Occurrences
from entrypoints.sandbox.accounts import ADMIN, CONSULTANT
from tests.contracts.journal import NOON
from tests.entrypoints.console.running import HERE, Running, texts
from tests.entrypoints.fakes import INSTALLATION


def another(number: int, name: str, **changes: Any) -> Installation:
    return replace(
        INSTALLATION,
        id=InstallationId(f"other-{number}"),
        company_id=CompanyId(str(5000 + number)),
        name=name,
        webhook_key=Secret(value=f"webhook-{number}"),
        flow_api_key=Secret(value=f"flow-{number}"),
        **changes,
    )


async def names(running: Running, **parameters: str) -> list[str]:
    page = await running.browser.get("/", params=parameters)
    assert page.status_code == 200
    return re.findall(r'<h2><a href="/i/[^"]+">([^<]*)</a></h2>', page.text)


async def test_each_card_tells_state_last_event_and_share_without_failure(running: Running) -> None:
    await running.enter(
        INSTALLATION,
        another(1, "Em obras", email=""),
        another(2, "Na pausa", policies=Policies(paused=True)),
        another(3, "Na sombra", policies=Policies(shadow=True)),
        another(4, "Sem Huggy", huggy_lost_at=NOON),
    )
    await running.found("n-1")
    await running.failed("n-2")
    await running.database.problems.count(
        [Occurrences(installation_id=HERE, cause="erp.timeout", count=1, first_at=NOON, last_at=NOON)]
    )
    running.clock.advance(60)
    words = texts(await running.browser.get("/"))

    assert "Provedor Exemplo Ao vivo Com problemas Último evento há 1 min Sem falha em 24 h 50 %" in words
    assert "Em obras Em configuração Último evento nunca Sem falha em 24 h – Configuração" in words
    assert "Na pausa Pausada" in words
    assert "Na sombra Modo sombra" in words
    assert "Sem Huggy Ao vivo Reconectar com a Huggy" in words


async def test_a_thousand_installations_come_in_pages_and_are_found_by_name_or_code(running: Running) -> None:
    await running.enter(*(another(number, f"Provedor {number:04}") for number in range(30)), another(31, "Conexão Já"))
    first = await names(running)
    assert (len(first), first[0]) == (12, "Conexão Já")
    assert await names(running, pagina="2") == [f"Provedor {number:04}" for number in range(11, 23)]
    assert len(await names(running, pagina="3")) == 7
    assert await names(running, pagina="99") == await names(running, pagina="3")
    assert await names(running, pagina="-1") == first
    assert await names(running, busca="conexao") == ["Conexão Já"]
    assert await names(running, busca="5007") == ["Provedor 0007"]
    assert await names(running, busca="other-7") == ["Provedor 0007"]
    assert await names(running, busca="ninguém") == []
    assert "Nenhuma empresa com esse nome" in (await running.browser.get("/", params={"busca": "ninguém"})).text


async def test_an_agent_sees_the_companies_that_huggy_let_him_into_and_no_other(running: Running) -> None:
    await running.enter(INSTALLATION, another(1, "Alheia"))
    agent = running.another_browser()
    await agent.as_agent(ADMIN)
    page = await agent.get("/")
    assert page.status_code == 200
    assert "Provedor Exemplo" in page.text
    assert "Alheia" not in page.text


async def test_an_agent_whose_companies_are_not_installed_yet_chooses_one(running: Running) -> None:
    agent = running.another_browser()
    await agent.as_agent(CONSULTANT)
    answer = await agent.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/empresas")


async def test_an_operator_without_installations_is_shown_how_to_begin(running: Running) -> None:
    await running.stage.has_operator()
    await running.browser.as_operator()
    page = await running.browser.get("/")
    assert "Ainda não há empresas." in page.text
    assert 'href="/instalacoes/nova"' in page.text


async def test_whoever_is_not_signed_in_is_sent_to_the_door(running: Running) -> None:
    answer = await running.browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrar")

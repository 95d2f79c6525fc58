"""The page of an installation's status, and the switches that pause it."""

import re
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from application.history import FenceState
from domain.installation import Installation, Policies
from domain.problem import Occurrences
from tests.contracts.journal import NOON
from tests.entrypoints.console.running import HERE, Running, lookup, texts
from tests.entrypoints.fakes import INSTALLATION


async def kept(running: Running) -> Installation:
    installation = await running.database.installations.get(HERE)
    assert installation is not None
    return installation


def stat(page: httpx.Response, label: str) -> str:
    found = re.search(rf'<span class="label">{label}</span><span class="value">([^<]*)</span>', page.text)
    assert found is not None, label
    return found[1]


async def test_it_tells_the_last_event_the_share_without_failure_the_times_and_what_waits(running: Running) -> None:
    await running.enter()
    for number in range(3):
        await running.found(f"n-{number}")
    await running.failed("n-3")
    await running.accept(lookup("n-4", chat="2"))
    running.clock.advance(180)
    page = await running.get()

    assert stat(page, "Último evento") == "há 3 min"
    assert stat(page, "Eventos em 24 h") == "5"
    assert stat(page, "Sem falha em 24 h") == "75 %"
    assert stat(page, "Metade responde em até") == "500 ms"
    assert stat(page, "Quase todos em até") == "500 ms"
    assert stat(page, "Aguardando agora") == "1"
    assert "23/11 12h: 4 com sucesso, 0 sem resultado, 1 com falha" in page.text
    month = await running.get(periodo="30d")
    assert "23/11: 4 com sucesso, 0 sem resultado, 1 com falha" in month.text
    assert "25/10: 0 com sucesso" in month.text


async def test_a_new_installation_shows_nothing_and_no_error(running: Running) -> None:
    await running.enter()
    page = await running.get()
    assert page.status_code == 200
    assert stat(page, "Último evento") == "nunca"
    assert stat(page, "Sem falha em 24 h") == "–"


async def test_the_erp_at_rest_and_what_it_is_not_asked_stand_in_words(running: Running) -> None:
    await running.enter()
    assert "Ainda não consultado" in (await running.get()).text
    running.fences = [
        FenceState(api="pbx", taken=1, places=4, open_circuits=()),
        FenceState(api="third_party", taken=0, places=4, open_circuits=("people",)),
    ]
    words = texts(await running.get())
    assert "ERP, API PBX Responde 1 de 4 chamadas em uso" in words
    assert "ERP, API para terceiros Em descanso: falhou várias vezes seguidas Buscar o cadastro" in words


async def test_fences_that_nobody_can_read_now_leave_the_rest_of_the_page(running: Running) -> None:
    await running.enter()
    running.fences = None
    page = await running.get()
    assert "Não foi possível conferir agora" in page.text
    assert stat(page, "Eventos em 24 h") == "0"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"huggy_expires_at": NOON + timedelta(days=20), "huggy_renew_at": NOON},
            "até 13/12/2026, e se renova sozinho",
        ),
        ({"huggy_expires_at": NOON + timedelta(days=2)}, "Vence logo acesso vale até 25/11/2026"),
        ({"huggy_expires_at": NOON - timedelta(days=2)}, "O acesso venceu"),
        ({}, "o acesso vale até a Huggy recusar"),
        ({"huggy_lost_at": NOON}, "Precisa conectar de novo"),
    ],
)
async def test_how_long_the_access_to_huggy_lasts(running: Running, changes: dict[str, object], words: str) -> None:
    await running.enter(replace(INSTALLATION, **changes))
    page = await running.get()
    assert words in texts(page)
    assert (f'href="/oauth/huggy/start?instalacao={HERE}"' in page.text) is ("huggy_lost_at" in changes)


async def test_open_problems_are_named(running: Running) -> None:
    await running.enter()
    assert "Problemas abertos Nenhum" in texts(await running.get())
    await running.database.problems.count(
        [Occurrences(installation_id=HERE, cause="erp.timeout", count=31, first_at=NOON, last_at=NOON)]
    )
    assert "O ERP demorou demais para responder 31 vezes, desde 23/11/2026 12:00:00" in texts(await running.get())


async def test_all_of_it_is_paused_and_resumed_by_a_click_and_that_is_written_down(running: Running) -> None:
    await running.enter()
    page = await running.follow(await running.post("pausa", acao="pausar"))
    assert (await kept(running)).policies.paused
    assert "Atendimento: pausado." in page.text
    assert "Retomar todo o atendimento" in page.text
    await running.post("pausa", acao="retomar")
    assert not (await kept(running)).policies.paused
    resumed, paused = await running.database.audit.recent(HERE)
    assert (paused.author, paused.what, resumed.what) == ("rita", "Pausou: Atendimento", "Retomou: Atendimento")


async def test_one_kind_of_request_is_paused_and_what_else_was_stays(running: Running) -> None:
    await running.enter(
        replace(INSTALLATION, policies=Policies(paused_operations=("ticket_requested",), invoices_max=7))
    )
    await running.post("pausa", acao="pausar", pedido="unblock_requested")
    await running.post("pausa", acao="pausar", pedido="unblock_requested")
    policies = (await kept(running)).policies
    assert (policies.paused_operations, policies.invoices_max, policies.paused) == (
        ("ticket_requested", "unblock_requested"),
        7,
        False,
    )
    await running.post("pausa", acao="retomar", pedido="ticket_requested")
    assert (await kept(running)).policies.paused_operations == ("unblock_requested",)


async def test_what_is_not_complete_stays_paused(running: Running) -> None:
    await running.enter(replace(INSTALLATION, email="", policies=Policies(paused=True)))
    answer = await running.post("pausa", acao="retomar")
    assert answer.status_code == 422
    assert "complete o que falta" in answer.text
    assert (await kept(running)).policies.paused


async def test_the_headline_names_what_is_paused_on_its_own(running: Running) -> None:
    policies = Policies(paused_operations=("ticket_requested", "unblock_requested"))
    await running.enter(replace(INSTALLATION, policies=policies))
    words = texts(await running.get())
    paused = "menos no que está pausado: Desbloqueio por confiança, Abrir solicitação."
    assert f"Ao vivo Os clientes são atendidos, {paused}" in words
    await running.post("pausa", acao="retomar", pedido="unblock_requested")
    assert "menos no que está pausado: Abrir solicitação." in texts(await running.get())


@pytest.mark.parametrize("paused", [True, False])
async def test_in_shadow_mode_nobody_is_promised_the_auxiliary_flow(running: Running, *, paused: bool) -> None:
    await running.enter(replace(INSTALLATION, policies=Policies(shadow=True, paused=paused)))
    words = texts(await running.get())
    assert ("Pausada O modo sombra" if paused else "Modo sombra O Ponte lê e decide") in words
    assert "quem espera o Ponte fica sem resposta." in words
    assert "para o flow auxiliar" not in words


@pytest.mark.parametrize("fields", [{}, {"acao": "x"}, {"acao": "pausar", "pedido": "x"}])
async def test_a_form_that_was_tampered_with_changes_nothing(running: Running, fields: dict[str, str]) -> None:
    await running.enter()
    assert (await running.post("pausa", **fields)).status_code == 422
    assert (await kept(running)).policies == INSTALLATION.policies


async def test_an_installation_that_is_not_there_is_not_found(running: Running) -> None:
    await running.enter()
    assert (await running.browser.get("/i/none")).status_code == 404

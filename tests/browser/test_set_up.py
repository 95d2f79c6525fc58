"""From "Acessar com Huggy" to a company that is set up and live, by an admin who has never seen the console."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from entrypoints.sandbox.voalle import PBX, TOKEN
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.window import Window


def sign_in_at_huggy(page: Page, who: str) -> None:
    page.goto("/entrar")
    page.get_by_role("button", name="Acessar com Huggy").click()
    page.wait_for_url(re.compile("/oauth/authorize"))
    page.get_by_label(who).check()
    page.get_by_role("button", name="Permitir").click()


def test_an_admin_comes_in_by_huggy_and_sets_the_company_up(
    open_window: Callable[..., Window], sandbox: SandboxProcess
) -> None:
    page = open_window().page
    sign_in_at_huggy(page, "Caio Vizinho")
    page.wait_for_url(re.compile("/configurar/erp$"))

    page.get_by_label("URL / Endpoint").fill(f" {sandbox.erp_url}/ ")
    page.get_by_label("Token", exact=True).fill("um-token-errado")
    page.get_by_label("PBX", exact=True).fill(PBX)
    page.get_by_label("E-mail").fill("caio@vizinho.example")
    page.get_by_role("button", name="Testar e salvar").click()
    expect(page.get_by_text("Falhou").first).to_be_visible()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Testar e salvar").click()
    expect(page.get_by_text("Salvo, e o teste passou.")).to_be_visible()

    page.get_by_role("link", name="Próximo passo: Flows").click()
    for number, field in enumerate(page.get_by_role("main").get_by_role("textbox").all(), start=11):
        field.fill(str(number))  # of this company the simulated Huggy lists no flows
    page.get_by_role("button", name="Salvar").click()
    page.wait_for_url(re.compile("/configurar/rede-off$"))
    page.get_by_role("switch").first.check()
    page.get_by_role("button", name="Salvar").click()
    expect(page.get_by_text("Rede Off salvo.")).to_be_visible()

    room = page.url.partition("/configurar")[0]
    page.goto(f"{room}/configurar/ativar")
    expect(page.get_by_text("Tudo preenchido")).to_be_visible()
    page.get_by_role("button", name="Ativar o atendimento").click()
    expect(page.get_by_text("Ao vivo").first).to_be_visible()
    page.goto(f"{room}/historico")
    expect(page.get_by_text("Configurou o ERP")).to_be_visible()


def test_a_company_of_others_does_not_exist_for_an_agent(open_window: Callable[..., Window]) -> None:
    page = open_window().page
    sign_in_at_huggy(page, "Caio Vizinho")
    page.wait_for_url(re.compile("/i/"))
    answer = page.goto("/i/sandbox")
    assert answer
    assert answer.status == 404
    page.goto("/conversa")
    expect(page.get_by_role("heading", name="Página não encontrada")).to_be_visible()


def test_who_declines_at_huggy_is_told_so_and_may_try_again(open_window: Callable[..., Window]) -> None:
    page = open_window().page
    page.goto("/entrar")
    page.get_by_role("button", name="Acessar com Huggy").click()
    page.get_by_role("button", name="Recusar").click()
    expect(page.get_by_role("heading", name="A Huggy não liberou o acesso")).to_be_visible()

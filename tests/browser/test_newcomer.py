"""Somebody opens the address that `make run` printed, and by clicks alone sees what Ponte does."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.sandbox_process import SandboxProcess


@pytest.fixture(autouse=True)
def whole_erp(sandbox: SandboxProcess) -> Iterator[None]:
    yield
    httpx.post(f"{sandbox.huggy_url}/_sandbox/faults", json={"erp": None}, trust_env=False)


def choose(page: Page, key: str) -> None:
    """A new chat as this customer, whatever was said before."""
    page.get_by_label("Quem está escrevendo").select_option(key)
    page.get_by_role("button", name="Trocar").click()
    page.wait_for_url(f"**/conversa?como={key}")
    anew = page.get_by_role("button", name="Encerrar e recomeçar")
    if anew.count():
        anew.click()
    expect(page.locator("#respostas").get_by_role("button", name="Oi!")).to_be_visible()


def reply(page: Page, label: str) -> None:
    page.locator("#respostas").get_by_role("button", name=label).click()


def messages(page: Page) -> Locator:
    return page.get_by_role("log", name="Mensagens")


def way(page: Page) -> Locator:
    return page.get_by_role("region", name="O caminho pelo Ponte")


def test_a_chat_gets_its_boleto_by_clicks_alone(page: Page) -> None:
    choose(page, "ana")
    reply(page, "Oi!")
    reply(page, "1. 2ª via de boleto")
    reply(page, "Meu documento: 529.982.247-25")
    expect(messages(page)).to_contain_text("Para qual contrato você quer atendimento?")
    expect(way(page)).to_contain_text("Cliente encontrado")
    reply(page, "1")
    expect(messages(page)).to_contain_text("Pix copia e cola")
    expect(messages(page).get_by_role("button", name="Copiar Pix copia e cola")).to_be_visible()
    expect(messages(page).get_by_role("button", name="Copiar linha digitável")).to_be_visible()
    pdf = messages(page).get_by_role("link", name="Abrir o PDF").get_attribute("href")
    assert page.request.get(str(pdf)).body().startswith(b"%PDF")
    expect(way(page)).to_contain_text("Boleto enviado")
    expect(way(page)).to_contain_text("Iniciar o flow")


def test_a_broken_erp_ends_in_the_auxiliary_flow_and_a_mended_one_serves_again(page: Page) -> None:
    choose(page, "davi")
    page.get_by_role("button", name="Derrubar o ERP").click()
    expect(page.get_by_text("Quebrado: fora do ar")).to_be_visible()
    reply(page, "Oi!")
    reply(page, "4. Consultar meu cadastro")
    reply(page, "Meu documento: ")
    expect(messages(page)).to_contain_text("Vou passar você para a nossa equipe")
    expect(messages(page)).to_contain_text("passou para a fila de atendentes")
    expect(way(page)).to_contain_text("Falhou: flow auxiliar")
    page.get_by_role("button", name="Consertar o ERP").click()
    expect(page.get_by_text("Funcionando")).to_be_visible()
    page.get_by_role("button", name="Encerrar e recomeçar").click()
    reply(page, "Oi!")
    reply(page, "4. Consultar meu cadastro")
    reply(page, "Meu documento: ")
    expect(messages(page)).to_contain_text("Encontrei o seu cadastro!")


def test_what_is_being_typed_stays_while_the_page_lives_and_goes_once_it_was_sent(page: Page) -> None:
    choose(page, "helena")
    box = page.get_by_label("Mensagem", exact=True)
    box.fill("oi, tudo bem?")
    with page.expect_response(lambda answer: "/conversa/agora" in answer.url):
        pass
    expect(box).to_have_value("oi, tudo bem?")
    box.press("Enter")
    expect(messages(page)).to_contain_text("oi, tudo bem?")
    expect(messages(page)).to_contain_text("Como posso ajudar?")
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_a_code_is_copied_with_one_click(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(page, "ana")
    page.get_by_role("button", name="Copiar o documento de Ana Clara de Souza").click()
    expect(page.get_by_role("button", name="Copiar o documento de Ana Clara de Souza")).to_have_text("Copiado")
    assert page.evaluate("navigator.clipboard.readText()") == "529.982.247-25"


def test_an_outage_that_the_erp_tells_is_seen_by_customer_and_admin(page: Page) -> None:
    choose(page, "gabriel")
    reply(page, "Oi!")
    reply(page, "4. Consultar meu cadastro")
    reply(page, "Meu documento: ")
    expect(messages(page)).to_contain_text("Identificamos uma falha na rede")
    expect(way(page)).to_contain_text("Cliente em falha massiva")
    page.goto("/i/sandbox/rede-off")
    expect(page.get_by_text("Informada pelo ERP")).to_be_visible()


def test_an_admin_opens_an_outage_by_hand_and_sees_whom_it_was_told_to_as_it_happens(page: Page) -> None:
    page.goto("/i/sandbox/rede-off")
    page.get_by_label("O que ela atinge").select_option("district")
    page.get_by_label("Quais").fill("centro")
    page.get_by_role("button", name="Abrir a falha").click()
    card = page.get_by_role("article").filter(has_text="No bairro centro")
    expect(card).to_contain_text("Avisados0")
    page.get_by_label("CPF ou CNPJ").fill("529.982.247-25")
    page.get_by_role("button", name="Testar").click()
    expect(page.get_by_text("Este cliente seria avisado pela falha no bairro centro.")).to_be_visible()

    customer = page.context.new_page()
    customer.goto("/conversa")
    choose(customer, "ana")
    reply(customer, "Oi!")
    reply(customer, "4. Consultar meu cadastro")
    reply(customer, "Meu documento: ")
    expect(messages(customer)).to_contain_text("Identificamos uma falha na rede")
    customer.close()

    expect(card).to_contain_text("Avisados1")
    card.get_by_role("button", name="Encerrar").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Encerrar a falha").click()
    expect(page.get_by_text("Falha encerrada: ninguém mais é avisado dela.")).to_be_visible()


def test_the_simulator_shows_a_boleto_without_sending_it(page: Page) -> None:
    page.goto("/i/sandbox/simulador")
    page.get_by_label("Evento").select_option("boleto_requested")
    page.get_by_label("CPF ou CNPJ").fill("246.813.579-28")
    page.get_by_role("button", name="Simular").click()
    result = page.get_by_role("region", name="O que aconteceria")
    expect(result).to_contain_text("Nada foi enviado e nada mudou no ERP.")
    expect(result).to_contain_text("Fatura em aberto")
    expect(result).to_contain_text("“Existem boletos” na Huggy")
    expect(result.get_by_text("Baixar o PDF do boleto").first).to_be_visible()

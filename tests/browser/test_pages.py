"""Every page, in every width and in both lights: for people without a mouse, without good eyes, with a small telephone."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from entrypoints.sandbox_run import OPERATOR
from tests.browser.places import DOORS, PLACES
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.window import Window, overflow_of

AXE = Path(__file__).with_name("axe-4.14.1.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
WIDTHS = (320, 768, 1440)
LIGHTS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def violations_of(page: Page) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}"
        for each in found
        if each["impact"] in GRAVE
    ]


@pytest.mark.parametrize("path", [*DOORS.values(), *PLACES.values()])
def test_no_page_shuts_anybody_out_nor_stands_out_of_the_screen(window: Window, path: str) -> None:
    """In every width, in light and dark; with all that can be folded out folded out."""
    page = window.page
    if path not in DOORS.values():
        window.enter()
    answer = page.goto(path)
    assert answer
    assert answer.status == (404 if path == PLACES["nao-existe"] else 200)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(AXE)  # past the page's own policy, on purpose
    told: dict[str, list[str]] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for light in LIGHTS:
            page.emulate_media(color_scheme=light)
            wide = overflow_of(page)
            told[f"{width} {light}"] = violations_of(page) + ([f"{wide} pixels too wide"] if wide else [])
    assert {where: faults for where, faults in told.items() if faults} == {}


@pytest.mark.parametrize("path", [*PLACES.values()])
def test_everything_on_a_page_is_reached_by_the_tab_key_and_shows_it(page: Page, path: str) -> None:
    """What can be used with a mouse, in the order in which it stands."""
    page.goto(path)
    expected: int = page.evaluate(_MARK_USABLE)
    reached: list[int] = []
    hidden: list[str] = []
    for _ in range(expected + 5):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None or focused["number"] in reached:
            break
        reached.append(focused["number"])
        if not focused["shown"]:
            hidden.append(focused["html"])
    assert hidden == []
    assert len(reached) == expected
    assert reached == sorted(reached)


_MARK_USABLE = """() => {
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const radios = new Set();
  const usable = all.filter((each) => {
    if (each.disabled || each.type === 'hidden' || !each.checkVisibility({visibilityProperty: true})) return false;
    if (each.type !== 'radio') return true;
    const group = each.form?.id + each.name;
    return radios.has(group) ? false : radios.add(group);
  });
  usable.forEach((each, number) => { each.dataset.number = number; });
  return usable.length;
}"""
_FOCUSED = """() => {
  const each = document.activeElement;
  if (!each || each === document.body) return null;
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  return {number: Number(each.dataset.number), shown: ring && box.width > 0 && box.height > 0,
          html: each.outerHTML.slice(0, 160)};
}"""


def test_the_first_tab_offers_to_skip_to_the_content(page: Page) -> None:
    page.goto("/i/sandbox/rede-off")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Ir para o conteúdo")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#conteudo")).to_be_focused()


def test_a_form_with_mistakes_leads_to_the_first_of_them(page: Page) -> None:
    page.goto("/i/sandbox/rede-off")
    page.get_by_label("O que ela atinge").select_option("city")
    page.get_by_role("button", name="Abrir a falha").click()
    expect(page.locator("#erros")).to_be_focused()
    names = page.get_by_label("Quais")
    expect(names).to_have_attribute("aria-invalid", "true")
    expect(names).to_have_accessible_description("Nomes ou números como estão no ERP, separados por vírgula. Para toda a rede, deixe em branco. Escreva pelo menos um nome ou número; separe vários com vírgula.")  # fmt: skip


@pytest.mark.parametrize("width", [320, 768])
def test_all_of_an_event_is_in_sight_in_the_list_on_a_small_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/i/sandbox/eventos")
    assert page.evaluate("(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.querySelector('.scroll'))") == 0  # fmt: skip
    row = page.locator("#linhas tr").first
    expect(row).to_contain_text("Falhou: flow auxiliar")
    when, outcome = row.locator("td").nth(0).bounding_box(), row.locator("td").nth(4).bounding_box()
    assert when
    assert outcome
    assert when["y"] < outcome["y"] < when["y"] + 40


@pytest.mark.parametrize("path", ["/conversa", "/i/sandbox/simulador", "/i/sandbox/rede-off", "/i/sandbox/eventos"])
def test_a_page_serves_without_any_script(open_window: Callable[..., Window], path: str) -> None:
    window = open_window(java_script_enabled=False)
    window.enter()
    window.page.goto(path)
    expect(window.page.get_by_role("heading", level=1)).to_be_visible()


def test_a_chat_goes_on_without_any_script(open_window: Callable[..., Window]) -> None:
    window = open_window(java_script_enabled=False)
    window.enter()
    page = window.page
    page.goto("/conversa?como=bruno")
    page.locator("#respostas").get_by_role("button", name="Oi!").click()
    page.locator("#respostas").get_by_role("button", name="4. Consultar").click()
    page.locator("#respostas").get_by_role("button", name="Meu documento").click()
    expect(page.get_by_role("log", name="Mensagens")).to_contain_text("Encontrei mais de um contrato no seu cadastro")


@pytest.mark.parametrize("asks_by_itself", [True, False])
def test_an_open_page_leads_to_the_door_after_the_session_ended_and_the_door_leads_back(
    page: Page, sandbox: SandboxProcess, asks_by_itself: bool
) -> None:
    path = "/i/sandbox/rede-off" if asks_by_itself else "/i/sandbox/configurar/huggy"
    page.goto(path)
    page.context.clear_cookies()
    if not asks_by_itself:
        page.get_by_role("button", name="Testar").click()
    page.wait_for_url(f"**/entrar?next={quote(path, safe='')}")
    page.get_by_role("link", name="Entrar como operador").click()
    page.get_by_label("Nome").fill(OPERATOR)
    page.get_by_label("Senha").fill(sandbox.password)
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url(f"**{path}")

"""What keeps one browser's session from everybody else, and one company from another."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from adapters.memory.clock import SetClock
from domain.identifiers import CompanyId, InstallationId, Secret
from entrypoints.doorkeeper import hash_password
from entrypoints.sandbox.accounts import ADMIN, CONSULTANT
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.huggy_server import running_huggy
from entrypoints.sandbox.provider_flows import PROVIDER_FLOWS, WELCOME
from tests.adapters.storage.files import served
from tests.contracts.journal import NOON
from tests.entrypoints.console.stage import PASSWORD, Browser, Stage, open_stage
from tests.entrypoints.fakes import INSTALLATION

OTHERS = replace(
    INSTALLATION, id=InstallationId("others"), company_id=CompanyId("4711"), webhook_key=Secret(value="others-key")
)
HOURS = 3600


async def is_in(browser: Browser) -> bool:
    """Whoever is not is sent to the door."""
    return bool((await browser.get("/empresas")).headers.get("location") != "/entrar?next=%2Fempresas")


def cookie_in(answer: httpx.Response) -> str:
    return str(answer.headers["set-cookie"])


@pytest.fixture
async def secure(url: str, faults: Faults, http: httpx.AsyncClient) -> AsyncIterator[Stage]:
    """A console that people reach by https."""
    clock = SetClock(NOON)
    with served(url, clock=clock) as database:
        async with (
            running_huggy(PROVIDER_FLOWS, WELCOME, faults) as huggy,
            open_stage(database, clock, huggy, http, "https://ponte.example") as opened,
        ):
            yield opened


# --- the cookie


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    cookie = cookie_in(await browser.get("/entrar"))
    assert cookie.startswith("ponte=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly", "samesite=lax", "path=/", "max-age=604800"
    }  # fmt: skip


async def test_over_https_the_cookie_is_bound_to_the_host_and_never_sent_in_the_clear(secure: Stage) -> None:
    cookie = cookie_in(await secure.browser().get("/entrar"))
    assert cookie.startswith("__Host-ponte=")
    assert "secure" in cookie.lower()
    assert "domain" not in cookie.lower()


async def test_whoever_only_looks_at_the_door_leaves_nothing_on_the_server(stage: Stage, browser: Browser) -> None:
    await browser.get("/entrar/operador")
    assert await stage.database.sessions.read(browser.cookie) is None


async def test_pages_are_kept_nowhere_and_framed_nowhere(browser: Browser) -> None:
    headers = (await browser.get("/entrar")).headers
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


# --- one session


async def test_signing_in_means_a_new_id_whatever_the_browser_came_with(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.get("/entrar/operador")
    planted = browser.cookie
    await browser.as_operator()
    assert browser.cookie != planted
    thief = stage.browser()
    thief.http.cookies.set("ponte", planted, domain="ponte.example")
    assert not await is_in(thief)
    assert await is_in(browser)


async def test_coming_back_from_huggy_means_a_new_id_too(stage: Stage, browser: Browser) -> None:
    back = await browser.to_huggy(ADMIN)
    before = browser.cookie
    await browser.get(back)
    assert browser.cookie != before
    assert await stage.database.sessions.read(before) is None


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "a" * 5000, "../../etc", "%00"])
async def test_an_id_that_we_did_not_give_opens_nothing(stage: Stage, cookie: str) -> None:
    browser = stage.browser()
    browser.http.cookies.set("ponte", cookie, domain="ponte.example")
    assert not await is_in(browser)


async def test_leaving_ends_the_session_on_the_server(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    kept = browser.cookie
    answer = await browser.post("/sair")
    assert answer.headers["location"] == "/entrar"
    assert not await is_in(browser)
    assert await stage.database.sessions.read(kept) is None


async def test_an_idle_session_ends_after_twelve_hours_and_a_used_one_after_seven_days(
    stage: Stage, browser: Browser
) -> None:
    await stage.has_operator()
    await browser.as_operator()
    for _ in range(16):
        stage.clock.advance(10 * HOURS)
        assert await is_in(browser)
    stage.clock.advance(10 * HOURS)
    assert not await is_in(browser)
    await browser.as_operator()
    stage.clock.advance(12 * HOURS)
    assert not await is_in(browser)


async def test_what_an_open_page_asks_by_itself_keeps_no_session_from_going_idle(
    stage: Stage, browser: Browser
) -> None:
    await stage.has_operator()
    await browser.as_operator()
    for _ in range(2):
        stage.clock.advance(6 * HOURS)
        await browser.http.get("/empresas", headers={"hx-request": "true"})
    assert not await is_in(browser)


@pytest.mark.parametrize("what", ["removed", "new password"])
async def test_an_operators_sessions_end_with_the_operator_and_with_the_password(
    stage: Stage, browser: Browser, what: str
) -> None:
    await stage.has_operator()
    await browser.as_operator()
    if what == "removed":
        await stage.database.operators.remove("rita")
    else:
        await stage.database.operators.set_password("rita", hash_password(Secret(value="another long password")))
    assert not await is_in(browser)


async def test_a_session_of_another_version_is_ended(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    await stage.database.sessions.keep(browser.cookie, b'{"operator": 5}')
    assert not await is_in(browser)


async def test_what_is_to_be_shown_once_is_shown_on_the_next_page_alone(stage: Stage, browser: Browser) -> None:
    await browser.as_agent(ADMIN)
    (made,) = await stage.database.installations.all()
    await browser.as_agent(ADMIN, instalacao=made.id)
    assert (await browser.get("/entrar")).status_code == 303  # a step on the way shows nothing
    assert "Pronto: conectado com a Huggy." in (await browser.get("/empresas")).text
    assert "Pronto" not in (await browser.get("/empresas")).text


async def test_neither_password_nor_token_nor_code_reaches_a_log_or_a_page(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    with capture_logs() as logs:
        pages = [await browser.as_operator(password="wrong " + PASSWORD)]
        back = await browser.to_huggy(CONSULTANT)
        pages += [await browser.get(back.replace("code=", "code=0")), await browser.as_agent(CONSULTANT)]
        pages += [await browser.get("/empresas"), await browser.post("/empresas", company_id="1001")]
    (made,) = await stage.database.installations.all()
    assert made.huggy_refresh_token is not None
    secrets = (PASSWORD, made.huggy_token.reveal(), made.huggy_refresh_token.reveal(), back.partition("code=")[2][:32])
    shown = repr(logs) + "".join(page.text + repr(page.headers) for page in pages)
    assert [secret for secret in secrets if secret in shown] == []


# --- forms of other sites


@pytest.mark.parametrize("csrf", ["", "0" * 48, "é"])
async def test_a_form_without_this_browsers_token_changes_nothing(stage: Stage, browser: Browser, csrf: str) -> None:
    await stage.has_operator()
    await browser.as_operator()
    for path in ("/sair", "/entrar/operador", "/empresas", "/instalacoes/nova"):
        answer = await browser.post(path, csrf=csrf, company_id="7", name="x")
        assert answer.status_code == 403
        assert "Esta página venceu" in answer.text
        assert "recarregue a página" in answer.text
    assert await is_in(browser)


async def test_a_form_that_is_sent_after_the_session_ended_asks_to_enter_again(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    csrf = await browser.csrf()
    browser.http.cookies.clear()  # as the browser does when its time is over
    answer = await browser.post("/instalacoes/nova", csrf=csrf, company_id="7", name="x")
    assert answer.status_code == 403
    assert "A sua sessão terminou: entre de novo e refaça o último passo." in answer.text
    assert 'href="/entrar">Entrar de novo</a>' in answer.text


async def test_the_token_of_another_browser_is_worth_nothing(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    other = stage.browser()
    assert (await browser.post("/sair", csrf=await other.csrf())).status_code == 403


async def test_the_token_may_come_by_a_header(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    answer = await browser.http.post("/sair", headers={"X-CSRF-Token": await browser.csrf()})
    assert answer.status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_another_site_sends_is_refused_even_with_the_token(
    stage: Stage, browser: Browser, site: str
) -> None:
    await stage.has_operator()
    await browser.as_operator()
    headers = {"X-CSRF-Token": await browser.csrf(), "Sec-Fetch-Site": site}
    assert (await browser.http.post("/sair", headers=headers)).status_code == 403
    assert await is_in(browser)


# --- one company and the others


def rooms(stage: Stage) -> list[tuple[str, str]]:
    """Every route that stands below an installation, with each of its methods; parts besides the id are made up."""
    found = []
    for route in stage.app.routes:
        if route.path.startswith("/i/"):
            path = route.path.replace("{installation_id:str}", OTHERS.id)
            path = re.sub(r"\{\w+:int\}", "1", re.sub(r"\{\w+:(str|path|uuid)\}", "x", path))
            found += [(method, path) for method in sorted(getattr(route, "methods", ())) if method != "OPTIONS"]
    return found


async def test_no_page_of_another_company_exists_whatever_is_asked_of_it(stage: Stage, browser: Browser) -> None:
    for installation in (INSTALLATION, OTHERS):
        await stage.database.installations.save(installation)
    await browser.as_agent(ADMIN)
    headers = {"X-CSRF-Token": await browser.csrf()}
    found = rooms(stage)
    assert len(found) > 5
    for method, path in found:
        for asked in (path, path.replace(f"/i/{OTHERS.id}", "/i/nobody")):
            answer = await browser.http.request(method, asked, headers=headers)
            assert answer.status_code == 404, (method, asked)
            assert OTHERS.company_id not in answer.text
    assert await stage.database.installations.get(OTHERS.id) == OTHERS


async def test_nobody_who_is_not_signed_in_sees_a_room_or_learns_whether_it_exists(
    stage: Stage, browser: Browser
) -> None:
    await stage.database.installations.save(OTHERS)
    headers = {"X-CSRF-Token": await browser.csrf()}
    for method, path in rooms(stage):
        for asked in (path, path.replace(f"/i/{OTHERS.id}", "/i/nobody")):
            answer = await browser.http.request(method, asked, headers=headers)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/entrar")


PART = {"HX-Request": "true", "HX-Current-URL": "http://ponte.example/i/inst-1/eventos?tipo=boleto#linhas"}
"""as htmx sends it from a page that is open"""


async def test_a_part_of_a_page_is_sent_to_the_door_as_a_whole(stage: Stage, browser: Browser) -> None:
    headers = {**PART, "X-CSRF-Token": await browser.csrf()}
    for method, path in rooms(stage):
        answer = await browser.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.text) == (401, ""), (method, path)
        assert answer.headers["hx-redirect"] == "/entrar?next=%2Fi%2Finst-1%2Feventos%3Ftipo%3Dboleto"


async def test_a_page_that_is_open_goes_to_the_door_whatever_it_sends_after_the_session_ended(
    stage: Stage, browser: Browser
) -> None:
    await stage.has_operator()
    await browser.as_operator()
    headers = {**PART, "X-CSRF-Token": await browser.csrf()}
    stage.clock.advance(12 * HOURS)
    for method, path in [*rooms(stage), ("POST", "/instalacoes/nova")]:
        answer = await browser.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.text) == (401, ""), (method, path)
        assert answer.headers["hx-redirect"] == "/entrar?next=%2Fi%2Finst-1%2Feventos%3Ftipo%3Dboleto"


@pytest.mark.parametrize(
    "told", ["", "http://ponte.example", "http://ponte.example//elsewhere.example", "http://[", "javascript:alert(1)"]
)
async def test_the_door_leads_on_to_no_place_but_a_page_of_ours(browser: Browser, told: str) -> None:
    answer = await browser.http.post("/instalacoes/nova", headers={**PART, "HX-Current-URL": told})
    assert answer.headers["hx-redirect"] == "/entrar"


async def test_an_installation_that_goes_to_another_company_goes_out_of_sight(stage: Stage, browser: Browser) -> None:
    await browser.as_agent(ADMIN)
    (made,) = await stage.database.installations.all()
    room = f"/i/{made.id}/configurar/regras"
    assert (await browser.get(room)).status_code == 200
    await stage.database.installations.save(replace(made, company_id=CompanyId("4711")))
    assert (await browser.get(room)).status_code == 404

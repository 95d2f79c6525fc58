"""Coming in: by Huggy, by password; which company; and who does not get in."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.huggy_access import lost
from domain.identifiers import CompanyId, InstallationId, Secret
from domain.installation import Installation
from entrypoints.http.console.session import own_path
from entrypoints.sandbox.accounts import ADMIN, CONSULTANT, STRANGER
from entrypoints.sandbox.faults import Fault, FaultName, Faults
from tests.entrypoints.console.stage import PASSWORD, Browser, Stage, asked_of, errors_in
from tests.entrypoints.fakes import INSTALLATION

ROOM = f"/i/{INSTALLATION.id}"


async def kept(stage: Stage, company_id: str = "1001") -> Installation:
    (installation,) = [each for each in await stage.database.installations.all() if each.company_id == company_id]
    return installation


async def connect_again(browser: Browser, installation_id: str = INSTALLATION.id) -> str:
    start = await browser.get("/oauth/huggy/start", params={"instalacao": installation_id})
    return str(start.headers["location"])


# --- by Huggy


async def test_an_agent_of_one_company_comes_in_by_huggy_and_its_installation_begins(
    stage: Stage, browser: Browser
) -> None:
    answer = await browser.as_agent(ADMIN)
    installation = await kept(stage)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/i/{installation.id}/configurar/erp"
    assert (installation.name, installation.policies.paused) == ("Provedor Exemplo", True)
    assert installation.huggy_refresh_token
    assert installation.huggy_expires_at == stage.clock.now() + timedelta(seconds=15638400)
    assert await stage.accounts.belongs_to(installation.huggy_token, CompanyId("1001"))
    (note,) = await stage.database.audit.recent(installation.id)
    assert (note.author, note.by_operator) == ("Admin Sandbox", False)


async def test_the_state_and_the_address_to_come_back_to_go_along(stage: Stage, browser: Browser) -> None:
    start = await browser.get("/oauth/huggy/start")
    asked = asked_of(start.headers["location"])
    assert asked["redirect_uri"] == "http://ponte.example/oauth/huggy/callback"
    assert len(asked["state"]) >= 43


async def test_an_installation_that_was_added_with_a_typed_token_is_taken_over_by_an_agent_of_its_company(
    stage: Stage, browser: Browser
) -> None:
    await stage.database.installations.save(INSTALLATION)
    answer = await browser.as_agent(ADMIN)
    assert answer.headers["location"] == ROOM
    taken = await kept(stage)
    assert taken.huggy_refresh_token
    assert replace(taken, huggy_token=INSTALLATION.huggy_token, huggy_refresh_token=None, huggy_expires_at=None, huggy_renew_at=None) == INSTALLATION  # fmt: skip


async def test_an_agent_of_another_company_takes_nothing_over(stage: Stage, browser: Browser) -> None:
    await stage.database.installations.save(INSTALLATION)
    await browser.as_agent(STRANGER)
    assert await kept(stage) == INSTALLATION
    assert (await browser.get(ROOM)).status_code == 404
    assert (await kept(stage, "1002")).name == "Provedor Vizinho"


async def test_an_installation_that_is_well_connected_keeps_its_access_when_another_agent_comes_in(
    stage: Stage, browser: Browser
) -> None:
    await browser.as_agent(ADMIN)
    before = await kept(stage)
    other = stage.browser()
    await other.as_agent(CONSULTANT)
    answer = await other.post("/empresas", company_id="1001")
    assert answer.headers["location"] == f"/i/{before.id}"
    assert await kept(stage) == before


async def test_an_agent_of_several_companies_chooses_and_each_gets_an_access_of_its_own(
    stage: Stage, browser: Browser
) -> None:
    answer = await browser.as_agent(CONSULTANT)
    assert answer.headers["location"] == "/empresas"
    page = (await browser.get("/empresas")).text
    assert "Provedor Exemplo" in page
    assert "Provedor Vizinho" in page
    first = await browser.post("/empresas", company_id="1001")
    assert first.headers["location"].endswith("/configurar/erp")
    second = await browser.post("/empresas", company_id="1002")
    assert second.status_code == 200
    assert "/oauth/huggy/start?empresa=1002" in second.text
    answer = await browser.as_agent(CONSULTANT, empresa="1002")
    assert answer.headers["location"].endswith("/configurar/erp")
    one, two = await kept(stage, "1001"), await kept(stage, "1002")
    assert one.huggy_refresh_token != two.huggy_refresh_token


async def test_where_huggy_lists_no_companies_the_code_is_typed_and_confirmed_and_remembered(
    stage: Stage, browser: Browser, faults: Faults
) -> None:
    faults.set("lists", "404")
    answer = await browser.as_agent(ADMIN)
    assert answer.headers["location"] == "/empresas"
    for wrong, words in (("1002", "não confirmou"), ("doze", "números"), ("", "números")):
        refused = await browser.post("/empresas", company_id=wrong)
        assert refused.status_code == 422
        assert words in errors_in(refused)
    assert await stage.database.installations.all() == []
    answer = await browser.post("/empresas", company_id=" 1001 ")
    assert answer.headers["location"].endswith("/configurar/erp")
    again = await stage.browser().as_agent(ADMIN)
    assert again.headers["location"] == f"/i/{(await kept(stage)).id}"


async def test_what_was_proved_once_is_proved_again_at_each_sign_in(
    stage: Stage, browser: Browser, faults: Faults
) -> None:
    faults.set("lists", "404")
    await stage.database.installations.save(INSTALLATION)
    await stage.database.agents.remember(str(STRANGER.id), CompanyId("1001"))
    await browser.as_agent(STRANGER)
    assert (await browser.get(ROOM)).status_code == 404
    assert await stage.database.agents.companies(str(STRANGER.id)) == []


async def test_whom_huggy_lets_in_no_more_is_out_within_the_hour(stage: Stage, browser: Browser) -> None:
    await stage.database.installations.save(INSTALLATION)
    await browser.as_agent(CONSULTANT)
    assert (await browser.get(f"{ROOM}/configurar/rede-off")).status_code == 200
    stage.huggy.accounts.leaves(CONSULTANT, 1001)
    stage.clock.advance(3600)
    assert (await browser.get(f"{ROOM}/configurar/rede-off")).status_code == 404
    assert "Provedor Exemplo" not in (await browser.get("/empresas")).text


async def test_while_huggy_does_not_answer_its_last_word_holds(stage: Stage, browser: Browser, faults: Faults) -> None:
    await stage.database.installations.save(INSTALLATION)
    await browser.as_agent(CONSULTANT)
    faults.set("huggy", "500")
    stage.clock.advance(3600)
    assert (await browser.get(f"{ROOM}/configurar/rede-off")).status_code == 200


async def test_whose_sign_in_huggy_knows_no_more_signs_in_again(stage: Stage, browser: Browser, faults: Faults) -> None:
    await stage.database.installations.save(INSTALLATION)
    await browser.as_agent(CONSULTANT)
    faults.set("huggy", "wrong_token")
    stage.clock.advance(3600)
    assert (await browser.get(f"{ROOM}/configurar/rede-off")).headers["location"].startswith("/entrar")


async def test_a_company_that_huggy_does_not_answer_for_is_not_shown_and_not_forgotten(
    stage: Stage, browser: Browser, faults: Faults
) -> None:
    await stage.database.installations.save(INSTALLATION)
    await stage.database.agents.remember(str(CONSULTANT.id), CompanyId("1001"))
    faults.set("huggy", Fault(name=FaultName.SERVER_ERROR, only="/companies/1001/"))
    faults.set("lists", "404")
    answer = await browser.as_agent(CONSULTANT)
    assert answer.headers["location"] == "/empresas"
    assert "não respondeu sobre todas" in (await browser.get("/empresas")).text
    assert (await browser.get(ROOM)).status_code == 404
    assert await stage.database.agents.companies(str(CONSULTANT.id)) == ["1001"]


async def test_codes_of_companies_can_be_tried_ten_times_a_minute(
    stage: Stage, browser: Browser, faults: Faults
) -> None:
    faults.set("lists", "404")
    await browser.as_agent(ADMIN)
    for number in range(2000, 2010):
        assert "não confirmou" in errors_in(await browser.post("/empresas", company_id=str(number)))
    assert "Espere" in errors_in(await browser.post("/empresas", company_id="1001"))
    stage.clock.advance(61)
    assert (await browser.post("/empresas", company_id="1001")).status_code == 303


@pytest.mark.parametrize(
    ("fault", "words"),
    [("500", "não respondeu"), ("wrong_token", "venceu"), ("html", "não respondeu")],
)
async def test_a_code_that_huggy_did_not_answer_for_is_not_confirmed(
    stage: Stage, browser: Browser, faults: Faults, fault: str, words: str
) -> None:
    faults.set("lists", "404")
    await browser.as_agent(ADMIN)
    faults.set("huggy", fault)
    assert words in errors_in(await browser.post("/empresas", company_id="1001"))


# --- back from Huggy, in the wrong way


async def test_a_state_is_good_once_and_in_the_browser_that_began(stage: Stage, browser: Browser) -> None:
    back = await browser.to_huggy(ADMIN)
    assert (await stage.browser().get(back)).status_code == 400
    assert (await browser.get(back.replace("state=", "state=x"))).status_code == 400
    assert await stage.database.installations.all() == []
    assert (await browser.get(back)).status_code == 303
    again = await browser.get(back)
    assert again.status_code == 400
    assert "Começar de novo" in again.text


async def test_a_sign_in_that_takes_too_long_begins_anew(stage: Stage, browser: Browser) -> None:
    back = await browser.to_huggy(ADMIN)
    stage.clock.advance(601)
    assert (await browser.get(back)).status_code == 400


async def test_one_address_begins_sixty_sign_ins_a_minute(stage: Stage, browser: Browser) -> None:
    for _ in range(60):
        assert (await browser.get("/oauth/huggy/start")).status_code == 303
    assert (await browser.get("/oauth/huggy/start")).status_code == 429
    assert (await stage.browser("203.0.113.99").get("/oauth/huggy/start")).status_code == 303


async def test_who_declines_is_told_so(browser: Browser) -> None:
    answer = await browser.get(await browser.to_huggy(ADMIN, decision="deny"))
    assert answer.status_code == 400
    assert "não liberou" in answer.text
    assert "access_denied" not in answer.text


async def test_an_answer_without_a_code_is_refused(browser: Browser) -> None:
    back = await browser.to_huggy(ADMIN)
    assert (await browser.get(back.replace("code=", "xode="))).status_code == 400


async def test_a_code_that_is_not_good_is_told_as_such(browser: Browser) -> None:
    back = await browser.to_huggy(ADMIN)
    answer = await browser.get(back.replace("code=", "code=0"))
    assert answer.status_code == 400
    assert "não confirmou" in answer.text


@pytest.mark.parametrize("fault", ["500", "html", "down", "429:1"])
async def test_when_huggy_fails_nobody_comes_in_and_the_page_says_so(
    stage: Stage, browser: Browser, faults: Faults, fault: str
) -> None:
    back = await browser.to_huggy(ADMIN)
    faults.set("huggy", fault)
    answer = await browser.get(back)
    assert answer.status_code == 503
    assert "A Huggy não respondeu" in answer.text
    assert (await browser.get("/empresas")).status_code == 303


async def test_an_app_that_huggy_does_not_know_is_the_operators_matter(stage: Stage, browser: Browser) -> None:
    stage.accounts._client_secret = Secret(value="another")
    answer = await browser.get(await browser.to_huggy(ADMIN))
    assert answer.status_code == 502
    assert "client_secret" in answer.text


async def test_without_an_app_at_huggy_the_door_says_so(stage: Stage, browser: Browser) -> None:
    stage.accounts._client_id = ""
    assert "ainda não está configurado" in (await browser.get("/entrar")).text
    assert (await browser.get("/oauth/huggy/start")).status_code == 502


async def test_the_way_in_leads_back_to_the_page_that_was_wanted(stage: Stage, browser: Browser) -> None:
    await stage.database.installations.save(INSTALLATION)
    sent = await browser.get(f"{ROOM}/configurar/erp?x=1")
    assert sent.headers["location"] == "/entrar?next=%2Fi%2Finst-1%2Fconfigurar%2Ferp%3Fx%3D1"
    assert (await browser.get(sent.headers["location"])).status_code == 200
    answer = await browser.as_agent(ADMIN, next=f"{ROOM}/configurar/erp?x=1")
    assert answer.headers["location"] == f"{ROOM}/configurar/erp?x=1"


# --- connecting again


async def test_a_lost_access_is_connected_again_by_whoever_comes_in(stage: Stage, browser: Browser) -> None:
    await browser.as_agent(ADMIN)
    before = lost(await kept(stage), stage.clock.now())
    await stage.database.installations.save(before)
    await stage.browser().as_agent(ADMIN)
    after = await kept(stage)
    assert after.huggy_lost_at is None
    assert after.huggy_token != before.huggy_token


async def test_connecting_again_on_purpose_replaces_a_good_access_too(stage: Stage, browser: Browser) -> None:
    await browser.as_agent(ADMIN)
    before = await kept(stage)
    answer = await browser.as_agent(ADMIN, instalacao=before.id)
    assert answer.headers["location"] == f"/i/{before.id}"
    assert (await kept(stage)).huggy_token != before.huggy_token
    assert (await stage.database.audit.recent(before.id))[0].what == "Conectou com a Huggy"


@pytest.mark.parametrize("installation_id", [INSTALLATION.id, "nobody"])
async def test_an_installation_is_connected_by_agents_of_its_company_alone(
    stage: Stage, browser: Browser, installation_id: str
) -> None:
    await stage.database.installations.save(INSTALLATION)
    answer = await browser.as_agent(STRANGER, instalacao=installation_id)
    assert answer.status_code == 403
    assert "não é da empresa" in answer.text
    assert f"/oauth/huggy/start?instalacao={installation_id}" in answer.text, "nothing tells whether there is one"
    assert await kept(stage) == INSTALLATION


async def test_an_operator_who_connects_an_installation_stays_an_operator(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await stage.database.installations.save(INSTALLATION)
    await browser.as_operator()
    answer = await browser.as_agent(ADMIN, instalacao=INSTALLATION.id)
    assert answer.headers["location"] == ROOM
    assert (await kept(stage)).huggy_refresh_token
    (note,) = await stage.database.audit.recent(INSTALLATION.id)
    assert (note.author, note.by_operator) == ("rita", True)
    assert (await browser.get("/instalacoes/nova")).status_code == 200


async def test_a_company_that_is_not_listed_is_asked_after_when_its_installation_is_connected(
    stage: Stage, browser: Browser, faults: Faults
) -> None:
    faults.set("lists", "404")
    await stage.database.installations.save(INSTALLATION)
    assert (await browser.as_agent(ADMIN, instalacao=INSTALLATION.id)).status_code == 303
    assert await stage.database.agents.companies(str(ADMIN.id)) == ["1001"]


# --- by password


async def test_an_operator_comes_in_by_a_password_and_sees_every_installation(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    elsewhere = replace(
        INSTALLATION, id=InstallationId("inst-2"), company_id=CompanyId("9"), webhook_key=Secret(value="k-2")
    )
    for installation in (INSTALLATION, elsewhere):
        await stage.database.installations.save(installation)
    answer = await browser.as_operator(" Rita ", next=f"{ROOM}/configurar/flows")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOM}/configurar/flows")
    assert "rita" in (await browser.get("/instalacoes/nova")).text


@pytest.mark.parametrize(
    ("name", "password"), [("rita", "wrong password"), ("nobody", PASSWORD), ("", ""), ("rita", ""), ("'; --", "x")]
)
async def test_nothing_tells_whether_the_name_or_the_password_was_wrong(
    stage: Stage, browser: Browser, name: str, password: str
) -> None:
    await stage.has_operator()
    answer = await browser.as_operator(name, password)
    assert answer.status_code == 422
    assert errors_in(answer) == "Nome ou senha não conferem."
    assert (await browser.get("/empresas")).status_code == 303
    assert not password or f'value="{password}"' not in answer.text


async def test_a_name_can_be_tried_ten_times_a_minute_from_wherever(stage: Stage) -> None:
    await stage.has_operator()
    for number in range(10):
        assert (await stage.browser(f"203.0.113.{number}").as_operator(password="wrong")).status_code == 422
    late = stage.browser("203.0.113.99")
    assert (await late.as_operator()).status_code == 429
    stage.clock.advance(61)
    assert (await late.as_operator()).status_code == 303


async def test_an_address_can_try_ten_names_a_minute(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    for number in range(10):
        await browser.as_operator(f"name-{number}", "wrong")
    refused = await browser.as_operator()
    assert refused.status_code == 429
    assert "Espere um minuto" in errors_in(refused)
    assert (await stage.browser("203.0.113.99").as_operator()).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/i/1/eventos?a=b#c", "/i/1/eventos?a=b#c"),
        ("/", "/"),
        ("", ""),
        ("https://evil.example", ""),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("\\/evil.example", ""),
        ("/\t/evil.example", ""),
        ("/\n/evil.example", ""),
        ("/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x"),
        (" /i", ""),
        ("javascript:alert(1)", ""),
        ("/é", ""),
    ],
)
def test_the_way_on_is_a_path_of_ours(wanted: str, goes: str) -> None:
    assert own_path(wanted) == goes


async def test_no_sign_in_leads_elsewhere(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    assert (await browser.as_operator(next="//evil.example")).headers["location"] == "/"
    assert (await browser.get("/entrar", params={"next": "//evil.example"})).headers["location"] == "/"


# --- a company that an operator adds


async def test_an_operator_adds_a_company_which_begins_paused(stage: Stage, browser: Browser) -> None:
    await stage.has_operator()
    await browser.as_operator()
    answer = await browser.post("/instalacoes/nova", company_id=" 1001 ", name="Provedor")
    installation = await kept(stage)
    assert answer.headers["location"] == f"/i/{installation.id}/configurar/erp"
    assert (installation.name, installation.policies.paused, bool(installation.huggy_token)) == (
        "Provedor",
        True,
        False,
    )
    (note,) = await stage.database.audit.recent(installation.id)
    assert (note.author, note.by_operator) == ("rita", True)


@pytest.mark.parametrize(
    ("company_id", "name", "words"),
    [("12a", "Provedor", "só os números"), ("1002", "", "nome da empresa"), ("1001", "Provedor", "já está cadastrada")],
)
async def test_a_company_that_cannot_be_added_is_told_at_its_field_with_what_was_typed(
    stage: Stage, browser: Browser, company_id: str, name: str, words: str
) -> None:
    await stage.has_operator()
    await stage.database.installations.save(INSTALLATION)
    await browser.as_operator()
    answer = await browser.post("/instalacoes/nova", company_id=company_id, name=name)
    assert answer.status_code == 422
    assert words in errors_in(answer)
    assert f'value="{company_id}"' in answer.text
    assert len(await stage.database.installations.all()) == 1


async def test_an_agent_adds_no_company_without_huggys_word(stage: Stage, browser: Browser) -> None:
    await browser.as_agent(ADMIN)
    for answer in (
        await browser.get("/instalacoes/nova"),
        await browser.post("/instalacoes/nova", company_id="7", name="x"),
    ):
        assert answer.headers["location"] == "/empresas"
    assert len(await stage.database.installations.all()) == 1

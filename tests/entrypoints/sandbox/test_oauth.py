"""The simulated Huggy lets nobody in by mistake: what it refuses, the real one refuses too."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from entrypoints.sandbox.accounts import ADMIN, CLIENT_ID, CLIENT_SECRET, CONSULTANT, STRANGER, Agent
from entrypoints.sandbox.city import City
from tests.entrypoints.sandbox.sign_in import at_huggys_page

BACK = "http://127.0.0.1:8000/oauth/huggy/callback"
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
ASKED = {
    "scope": "install_app read_agent_profile",
    "response_type": "code",
    "redirect_uri": BACK,
    "client_id": CLIENT_ID,
    "state": "st-1",
}


class App:
    """One that signed up at this Huggy."""

    def __init__(self, city: City, http: httpx.AsyncClient) -> None:
        city.huggy.accounts.redirect_uri = BACK
        self.huggy = city.huggy
        self._http = http

    def authorize_url(self, **changed: str) -> str:
        return f"{self.huggy.url}/oauth/authorize?{urlencode({**ASKED, **changed})}"

    async def back(self, agent: Agent = ADMIN, *, decision: str = "allow") -> dict[str, list[str]]:
        """What the address that the browser is sent to carries."""
        location = await at_huggys_page(self._http, self.authorize_url(), agent, decision=decision)
        assert location.startswith(f"{BACK}?")
        return parse_qs(urlsplit(location).query)

    async def ask(self, **fields: str) -> httpx.Response:
        return await self._http.post(f"{self.huggy.url}/oauth/access_token", json=fields)

    async def exchange(self, code: str, /, **changed: str) -> httpx.Response:
        return await self.ask(
            **({"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **CLIENT} | changed)
        )

    async def renew(self, refresh_token: str) -> httpx.Response:
        return await self.ask(grant_type="refresh_token", refresh_token=refresh_token, **CLIENT)

    async def tokens(self, agent: Agent = ADMIN) -> dict[str, Any]:
        granted: dict[str, Any] = (await self.exchange((await self.back(agent))["code"][0])).json()
        return granted

    async def get(self, path: str, token: str) -> httpx.Response:
        return await self._http.get(f"{self.huggy.api_url}{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def app(city: City, http: httpx.AsyncClient) -> App:
    return App(city, http)


async def test_who_lets_the_app_in_comes_back_with_a_code_and_the_state(app: App) -> None:
    back = await app.back()
    assert back["state"] == ["st-1"]
    granted = (await app.exchange(back["code"][0])).json()
    assert set(granted) == {"token_type", "expires_in", "access_token", "refresh_token"}
    assert granted["expires_in"] == 15638400
    assert (await app.get("/agents/profile", granted["access_token"])).json()["id"] == ADMIN.id


async def test_who_does_not_comes_back_with_an_error(app: App) -> None:
    assert await app.back(decision="deny") == {"error": ["access_denied"], "state": ["st-1"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "APP-other"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": "https://evil.example"},
        {"scope": "all"},
        {"response_type": "token"},
    ],
)
async def test_an_app_that_is_not_known_sends_nobody_anywhere(
    app: App, http: httpx.AsyncClient, changed: dict[str, str]
) -> None:
    answer = await http.get(app.authorize_url(**changed))
    assert answer.status_code in {400, 401}
    assert "location" not in answer.headers


async def test_a_code_is_good_once(app: App) -> None:
    code = (await app.back())["code"][0]
    assert (await app.exchange(code)).status_code == 200
    assert (await app.exchange(code)).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "other"}, "invalid_client"),
        ({"client_id": "APP-other"}, "invalid_client"),
        ({"redirect_uri": BACK + "/"}, "invalid_request"),
        ({"code": "other"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"refresh_token": "x"}, "invalid_request"),
    ],
)
async def test_an_exchange_that_is_not_exact_is_refused(app: App, changed: dict[str, str], error: str) -> None:
    answer = await app.exchange((await app.back())["code"][0], **changed)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] == error


async def test_an_exchange_as_a_form_is_refused(app: App, http: httpx.AsyncClient) -> None:
    fields = {"grant_type": "authorization_code", "code": "x", "redirect_uri": BACK, **CLIENT}
    assert (await http.post(f"{app.huggy.url}/oauth/access_token", data=fields)).status_code == 400


async def test_a_renewal_makes_the_refresh_token_worthless_and_brings_the_next(app: App) -> None:
    first = await app.tokens()
    second = (await app.renew(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await app.renew(first["refresh_token"])).json()["error"] == "invalid_request"
    assert (await app.renew(second["refresh_token"])).status_code == 200
    assert (await app.get("/agents/profile", second["access_token"])).status_code == 200


@pytest.mark.parametrize(("agent", "answers"), [(ADMIN, (200, 403)), (CONSULTANT, (200, 200)), (STRANGER, (403, 200))])
async def test_a_token_opens_the_companies_of_its_agent_and_no_other(
    app: App, agent: Agent, answers: tuple[int, int]
) -> None:
    token = (await app.tokens(agent))["access_token"]
    paths = [f"/companies/{company}/agents/profile" for company in (1001, 1002)]
    assert tuple([(await app.get(path, token)).status_code for path in paths]) == answers
    listed = (await app.get("/companies", token)).json()
    assert tuple(company["id"] for company in listed) == agent.companies


async def test_the_neighbour_sees_none_of_the_providers_chats(app: App) -> None:
    app.huggy.customer_writes("+5511987654321", "oi")
    token = (await app.tokens(CONSULTANT))["access_token"]
    assert len((await app.get("/companies/1001/chats?page=0", token)).json()) == 1
    assert (await app.get("/companies/1001/chats?page=1", token)).json() == []
    assert (await app.get("/companies/1002/chats?page=0", token)).status_code == 404
    assert (await app.get("/companies/1002/chats/55501", token)).status_code == 404


async def test_lists_can_be_such_as_are_not_to_be_had(app: App, city: City) -> None:
    token = (await app.tokens())["access_token"]
    city.faults.set("lists", "404")
    assert [(await app.get(path, token)).status_code for path in ("/companies", "/companies/1001/flows")] == [404, 404]
    assert (await app.get("/companies/1001/agents/profile", token)).status_code == 200


async def test_revoked_access_is_refused_and_can_be_renewed_until_all_is_revoked(app: App) -> None:
    granted = await app.tokens()
    app.huggy.accounts.revoke_access()
    assert (await app.get("/agents/profile", granted["access_token"])).status_code == 401
    renewed = (await app.renew(granted["refresh_token"])).json()
    app.huggy.accounts.revoke()
    assert (await app.renew(renewed["refresh_token"])).status_code == 400

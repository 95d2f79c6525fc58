from typing import Any

import httpx
import pytest

from entrypoints.sandbox.city import City


def _credentials(city: City) -> dict[str, str]:
    integrator = city.voalle.integrator
    return {
        "grant_type": "client_credentials",
        "scope": "syngw",
        "client_id": integrator.client_id,
        "client_secret": integrator.client_secret,
        "syndata": integrator.syndata,
    }


class Api:
    """The third-party API with a good token."""

    def __init__(self, city: City, http: httpx.AsyncClient, token: str) -> None:
        self._base = f"{city.voalle.api_url}/external/integrations/thirdparty"
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> httpx.Response:
        return await self._http.get(f"{self._base}/{path}", headers=self._headers)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self._http.post(f"{self._base}/{path}", json=body, headers=self._headers)


@pytest.fixture
async def api(city: City, http: httpx.AsyncClient) -> Api:
    answer = (await http.post(f"{city.voalle.auth_url}/connect/token", data=_credentials(city))).json()
    assert answer["expires_in"] == 3600
    return Api(city, http, answer["access_token"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_secret": "x"}, 400),
        ({"syndata": "x"}, 401),
        ({"grant_type": "password"}, 400),
        ({"scope": "all"}, 400),
        ({"username": "x"}, 400),
    ],
)
async def test_wrong_credentials_get_no_token(
    city: City, http: httpx.AsyncClient, change: dict[str, str], status: int
) -> None:
    answer = await http.post(f"{city.voalle.auth_url}/connect/token", data=_credentials(city) | change)
    assert answer.status_code == status
    assert "access_token" not in answer.json()


async def test_credentials_as_json_get_no_token(city: City, http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{city.voalle.auth_url}/connect/token", json=_credentials(city))).status_code == 400


async def test_without_a_good_token_everything_is_refused(city: City, http: httpx.AsyncClient, api: Api) -> None:
    assert (await Api(city, http, "x").get("people/txid/52998224725")).status_code == 401
    city.voalle.integrator.expire_tokens()
    assert (await api.get("people/txid/52998224725")).status_code == 401


async def test_a_person_and_their_contracts_are_found(city: City, api: Api) -> None:
    bruno = city.people["bruno"]
    person = (await api.get(f"people/txid/{bruno.tax_id}")).json()
    assert person["success"] is True
    assert person["response"]["id"] == bruno.id
    body = {"txId": bruno.tax_id, "page": 1, "pageSize": 1}
    page = (await api.post("contract/getpaged", body)).json()["response"]
    assert (page["totalRecords"], page["totalPages"]) == (2, 2)
    second = (await api.post("contract/getpaged", body | {"page": 2})).json()["response"]
    numbers = [row["contractNumber"] for row in (*page["data"], *second["data"])]
    assert numbers == ["0018050", "0031877"]


async def test_status_tells_blocked_and_cancelled_contracts(city: City, api: Api) -> None:
    async def statuses(key: str, *, active: bool) -> list[int]:
        body = {"txId": city.people[key].tax_id, "onlyActiveContracts": active, "page": 1, "pageSize": 10}
        rows = (await api.post("contract/getpaged", body)).json()["response"]["data"]
        return [row["contractStatus"] for row in rows]

    assert await statuses("carla", active=True) == [6]
    assert await statuses("eduardo", active=False) == [4]
    assert await statuses("eduardo", active=True) == []


async def test_an_unknown_person_is_a_failure_inside_status_200(api: Api) -> None:
    answer = await api.get("people/txid/00000000191")
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["messages"][0]["type"] == "Error"


async def test_open_titles_tell_what_is_due_today_and_billets_tell_the_contract(city: City, api: Api) -> None:
    titles = (await api.get(f"getopentitlesbytxid/{city.people['fernanda'].tax_id}")).json()["response"]
    amounts = [title["billet"]["amount"] for title in titles]
    assert all(amount["finalValue"] > amount["value"] == 129.9 for amount in amounts)
    billets = (await api.get("getcontractbillets/21303")).json()["response"]
    assert [billet["id"] for billet in billets] == [title["id"] for title in titles]
    assert billets[0]["expirationDate"] == "2026-08-15T00:00:00"
    assert titles[0]["billet"]["expirationDate"] == "2026-08-15"


async def test_a_billet_is_a_pdf_and_an_unknown_one_is_an_envelope(api: Api, http: httpx.AsyncClient) -> None:
    pdf = await api.get("GetBillet/207431")
    assert pdf.content.startswith(b"%PDF")
    assert (await api.get("GetBillet/1")).json()["success"] is False
    link = (await api.get("GetBilletLink/207431")).json()["response"]["link"]
    assert (await http.get(link)).content == pdf.content


async def test_unlock_takes_the_number_and_works_once(city: City, api: Api) -> None:
    assert (await api.post("contracts/unlock/21101")).json()["success"] is False
    assert (await api.post("contracts/unlock/0021101", {})).json()["success"] is True
    assert (await api.post("contracts/unlock/0021101")).json()["success"] is False
    assert city.people["carla"].contracts[0].unblock_attempts == 1


async def test_a_ticket_names_its_contract_and_appears_in_the_list(city: City, api: Api) -> None:
    bruno = city.people["bruno"]
    body = {
        "description": "lenta",
        "clientId": bruno.id,
        "contractId": 20802,
        "contractServiceTagId": "",
        "close": False,
    }
    opened = (await api.post("opensolicitation", body)).json()["response"]
    assert opened["status"] == "OK"
    listed = (await api.get(f"solicitationlist/{bruno.id}?allAssignments=False")).json()["response"]["data"]
    assert [ticket["protocol"] for ticket in listed] == [opened["protocol"]]
    assert (await api.post("opensolicitation", body | {"contractId": 20743})).json()["success"] is False


async def test_someone_has_a_ticket_from_before(city: City, api: Api) -> None:
    listed = (await api.get(f"solicitationlist/{city.people['helena'].id}")).json()["response"]["data"]
    assert [ticket["beginningData"] for ticket in listed] == ["2026-11-23T08:20:00"]


async def test_an_access_point_in_maintenance_tells_protocol_and_prediction(api: Api) -> None:
    status = (await api.get("getaccesspointstatusbycontract/21404")).json()["response"]
    assert status["inMaintenance"] is True
    assert status["maintenance"]["finalDate"] == "2026-11-23T14:00:00"
    assert status["maintenance"]["protocol"]
    working = (await api.get("getaccesspointstatusbycontract/20743")).json()["response"]
    assert (working["inMaintenance"], working["maintenance"], working["active"]) == (False, None, True)


async def test_unknown_fields_are_refused(city: City, api: Api) -> None:
    body = {"txId": city.people["ana"].tax_id, "page": 1, "pageSize": 10, "filter": ""}
    assert (await api.post("contract/getpaged", body)).status_code == 400

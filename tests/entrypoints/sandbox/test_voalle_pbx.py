from typing import Any

import httpx
import pytest

from entrypoints.sandbox.city import City


def _events(city: City, event: str, segment: str | None = None) -> str:
    return f"{city.voalle.url}/pbx/pbx/events/{segment or city.voalle.pbx}/{event}"


def _api(city: City, method: str) -> str:
    return f"{city.voalle.url}/api/api/events/{method}"


def _header(city: City) -> dict[str, str]:
    return {"Authorization-Token": city.voalle.token}


async def _look_up(http: httpx.AsyncClient, city: City, key: str) -> list[dict[str, Any]]:
    body = {"codigo": city.people[key].tax_id, "token": city.voalle.token}
    answer = await http.post(_events(city, "CLIENT_VALIDATE"), data=body)
    assert answer.status_code == 200
    clients: list[dict[str, Any]] = answer.json()["clients"]
    return clients


async def test_form_and_json_find_the_same_customer(city: City, http: httpx.AsyncClient) -> None:
    body = {"codigo": city.people["ana"].tax_id, "token": city.voalle.token}
    by_json = (await http.post(_events(city, "CLIENT_VALIDATE"), json=body)).json()["clients"]
    assert by_json == await _look_up(http, city, "ana")
    assert by_json[0]["client_tx_id"] == "529.982.247-25"
    assert by_json[0]["contracts_id"] == [20743]
    assert by_json[0]["contracts_info"][0]["unblock_attempt_count"] == 0


async def test_an_unknown_document_finds_nobody(city: City, http: httpx.AsyncClient) -> None:
    body = {"codigo": "00000000191", "token": city.voalle.token}
    assert (await http.post(_events(city, "CLIENT_VALIDATE"), data=body)).json() == {"clients": []}


async def test_a_phone_alone_finds_its_customer(city: City, http: httpx.AsyncClient) -> None:
    body = {"callerid": city.people["davi"].phone, "token": city.voalle.token}
    clients = (await http.post(_events(city, "CLIENT_VALIDATE"), data=body)).json()["clients"]
    assert [client["client_id"] for client in clients] == [city.people["davi"].id]


async def test_a_document_with_letters_and_one_with_two_contracts_are_found(
    city: City, http: httpx.AsyncClient
) -> None:
    assert (await _look_up(http, city, "padaria"))[0]["client_tx_id"] == "12.ABC.345/01DE-35"
    assert (await _look_up(http, city, "bruno"))[0]["contracts_id"] == [20801, 20802]


async def test_a_cancelled_contract_is_not_listed(city: City, http: httpx.AsyncClient) -> None:
    assert (await _look_up(http, city, "eduardo"))[0]["contracts_id"] == []


async def test_an_outage_is_told_with_hours_left_and_protocol(city: City, http: httpx.AsyncClient) -> None:
    contract = (await _look_up(http, city, "gabriel"))[0]["contracts_info"][0]
    assert contract["authentication_problems"] == 1
    assert contract["resolution_time"] == 4
    assert contract["resolution_time_hour"] == "14"
    assert contract["protocol"]
    assert "authentication_problems" not in (await _look_up(http, city, "ana"))[0]["contracts_info"][0]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": "outro"}, 401),
        ({"codigo": "529.982.247-25"}, 400),
        ({"cpf": "52998224725"}, 400),
        ({"codigo": ""}, 400),
    ],
)
async def test_what_the_lookup_does_not_take_is_refused(
    city: City, http: httpx.AsyncClient, change: dict[str, str], status: int
) -> None:
    body = {"codigo": city.people["ana"].tax_id, "token": city.voalle.token} | change
    assert (await http.post(_events(city, "CLIENT_VALIDATE"), data=body)).status_code == status


async def test_another_segment_event_or_content_type_is_refused(city: City, http: httpx.AsyncClient) -> None:
    body = {"codigo": city.people["ana"].tax_id, "token": city.voalle.token}
    assert (await http.post(_events(city, "CLIENT_VALIDATE", "outro"), data=body)).status_code == 400
    assert (await http.post(_events(city, "CLIENT_FIND"), data=body)).status_code == 404
    text = {"Content-Type": "text/plain"}
    assert (await http.post(_events(city, "CLIENT_VALIDATE"), content=b"codigo=1", headers=text)).status_code == 400


async def test_an_unblock_clears_the_block_counts_once_and_is_refused_the_second_time(
    city: City, http: httpx.AsyncClient
) -> None:
    body = {"data_unblock_contract": "21101", "token": city.voalle.token}
    first = (await http.post(_events(city, "UNBLOCK_CONTRACT"), data=body)).json()
    second = (await http.post(_events(city, "UNBLOCK_CONTRACT"), data=body)).json()
    assert first["return"] is True
    assert isinstance(first["protocol"], int)
    assert second == {"return": False}
    assert (await _look_up(http, city, "carla"))[0]["contracts_info"][0]["unblock_attempt_count"] == 1


async def test_a_contract_that_is_not_blocked_is_not_unblocked(city: City, http: httpx.AsyncClient) -> None:
    body = {"data_unblock_contract": "20743", "token": city.voalle.token}
    assert (await http.post(_events(city, "UNBLOCK_CONTRACT"), data=body)).json() == {"return": False}


async def test_an_unblock_is_taken_as_a_form_only(city: City, http: httpx.AsyncClient) -> None:
    body = {"data_unblock_contract": "21101", "token": city.voalle.token}
    assert (await http.post(_events(city, "UNBLOCK_CONTRACT"), json=body)).status_code == 400
    assert city.people["carla"].contracts[0].unblock_attempts == 0


async def test_the_billets_of_a_contract_have_links_to_their_pdf(city: City, http: httpx.AsyncClient) -> None:
    body = {"data_billets_from_contract": "21303", "data_billets_filter": False, "get_all_billets": False}
    answer = await http.post(_api(city, "get_billets_from_contract"), json=body, headers=_header(city))
    billets = answer.json()["data"]
    assert len(billets) == 4
    pdf = await http.get(billets[0]["link"])
    assert pdf.headers["content-type"].startswith("application/pdf")
    assert pdf.content.startswith(b"%PDF")


async def test_a_ticket_gets_a_protocol_and_appears_in_the_list(city: City, http: httpx.AsyncClient) -> None:
    ana = city.people["ana"].id
    body = {"client_id": ana, "description": "sem sinal"}
    opened = (await http.post(_api(city, "open_solicitation"), json=body, headers=_header(city))).json()
    listed = (await http.get(_api(city, f"solicitation_list/{ana}"), headers=_header(city))).json()["data"]
    assert [int(ticket["protocol"]) for ticket in listed] == [opened["protocol"]]
    assert listed[0]["title"] == "sem sinal"


async def test_business_errors_of_tickets_come_with_status_200(city: City, http: httpx.AsyncClient) -> None:
    for body in ({"client_id": 9, "description": "x"}, {"client_id": 1201, "description": "  "}):
        answer = await http.post(_api(city, "open_solicitation"), json=body, headers=_header(city))
        assert answer.status_code == 200
        assert answer.json()["status"] == "ERROR"


async def test_the_token_header_is_needed_on_every_api_event(city: City, http: httpx.AsyncClient) -> None:
    body = {"client_id": 1201, "description": "x"}
    assert (await http.post(_api(city, "open_solicitation"), json=body)).status_code == 401
    wrong = {"Authorization-Token": "outro"}
    assert (await http.get(_api(city, "solicitation_list/1201"), headers=wrong)).status_code == 401
    assert city.people["ana"].tickets == []


async def test_unknown_fields_and_wrong_types_are_refused(city: City, http: httpx.AsyncClient) -> None:
    for body in (
        {"client_id": 1201, "description": "x", "priority": 1},
        {"client_id": 1201, "description": 5},
        {"client_id": True, "description": "x"},
        {"description": "x"},
    ):
        answer = await http.post(_api(city, "open_solicitation"), json=body, headers=_header(city))
        assert answer.status_code == 400

import asyncio
import time

import httpx
import pytest

from entrypoints.sandbox.city import City, start_city
from entrypoints.sandbox.faults import Fault, FaultName, Faults, UnknownFault
from tests.entrypoints.sandbox.conftest import NOW, TODAY

DROPPED = (httpx.RemoteProtocolError, httpx.ReadError)


async def _unblock(city: City, http: httpx.AsyncClient) -> httpx.Response:
    body = {"data_unblock_contract": "21101", "token": city.voalle.token}
    return await http.post(f"{city.voalle.url}/pbx/pbx/events/{city.voalle.pbx}/UNBLOCK_CONTRACT", data=body)


async def _look_up(city: City, http: httpx.AsyncClient) -> httpx.Response:
    body = {"codigo": city.people["ana"].tax_id, "token": city.voalle.token}
    return await http.post(f"{city.voalle.url}/pbx/pbx/events/{city.voalle.pbx}/CLIENT_VALIDATE", data=body)


def _attempts(city: City) -> int:
    return city.people["carla"].contracts[0].unblock_attempts


async def test_slow_answers_after_its_seconds(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", "slow:0.2")
    began = time.monotonic()
    assert (await _look_up(city, http)).status_code == 200
    assert time.monotonic() - began >= 0.2


async def test_down_closes_the_connection_and_nothing_happens(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", "down")
    with pytest.raises(DROPPED):
        await _unblock(city, http)
    assert _attempts(city) == 0


@pytest.mark.parametrize(
    ("fault", "status", "content_type"),
    [
        ("500", 500, "text/plain"),
        ("html", 200, "text/html"),
        ("wrong_token", 401, "application/json"),
        ("429", 429, "application/json"),
    ],
)
async def test_answers_in_the_servers_place_have_no_effect(
    city: City, http: httpx.AsyncClient, fault: str, status: int, content_type: str
) -> None:
    city.faults.set("erp", fault)
    answer = await _unblock(city, http)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(content_type)
    assert _attempts(city) == 0


async def test_too_many_requests_tell_when_to_come_back(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("huggy", "429:3")
    answer = await http.get(f"{city.huggy.api_url}/flows")
    assert answer.headers["retry-after"] == "3"


async def test_broken_json_stops_in_the_middle_after_the_work_is_done(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", "broken_json")
    answer = await _unblock(city, http)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert _attempts(city) == 1


async def test_hang_gives_no_answer_until_the_caller_leaves(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", "hang")
    with pytest.raises(httpx.ReadTimeout):
        await http.get(city.voalle.url, timeout=0.2)
    city.faults.set("erp", None)
    assert (await _look_up(city, http)).status_code == 200


async def test_a_request_that_hangs_ends_with_the_simulators(http: httpx.AsyncClient) -> None:
    async with start_city(TODAY, clock=lambda: NOW) as city:
        city.faults.set("erp", "hang")
        request = asyncio.create_task(_look_up(city, http))
        await city.faults.met("erp")
    with pytest.raises(DROPPED):
        await request


async def test_drop_after_write_takes_effect_and_answers_nothing(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", {"name": "drop_after_write", "times": 1})
    assert (await _look_up(city, http)).json()["clients"]
    with pytest.raises(DROPPED):
        await _unblock(city, http)
    assert _attempts(city) == 1
    assert (await _unblock(city, http)).json() == {"return": False}


async def test_a_write_that_is_refused_is_answered(city: City, http: httpx.AsyncClient) -> None:
    assert (await _unblock(city, http)).json()["return"] is True
    city.faults.set("erp", "drop_after_write")
    assert (await _unblock(city, http)).json() == {"return": False}


async def test_a_fault_ends_after_its_times_and_meets_only_its_path(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", Fault(name=FaultName.SERVER_ERROR, times=2, only="UNBLOCK"))
    assert (await _look_up(city, http)).status_code == 200
    assert [(await _unblock(city, http)).status_code for _ in range(3)] == [500, 500, 200]


async def test_the_three_servers_of_the_erp_share_their_fault(city: City, http: httpx.AsyncClient) -> None:
    city.faults.set("erp", "500")
    for url in (city.voalle.url, city.voalle.auth_url, city.voalle.api_url):
        assert (await http.get(url)).status_code == 500
    assert (await http.get(city.huggy.url)).status_code == 404


async def test_faults_are_switched_over_http_on_any_simulator(city: City, http: httpx.AsyncClient) -> None:
    control = f"{city.huggy.url}/_sandbox/faults"
    await http.post(control, json={"erp": "500", "huggy": {"name": "slow", "seconds": 0.01}})
    await http.post(control, json={"webhook": "duplicate", "lists": "404"})
    assert (await _look_up(city, http)).status_code == 500
    shown = (await http.get(f"{city.voalle.url}/_sandbox/faults")).json()
    assert {target: fault["name"] for target, fault in shown.items()} == {
        "erp": "500",
        "huggy": "slow",
        "webhook": "duplicate",
        "lists": "404",
    }
    await http.post(control, json={"erp": None, "huggy": "none"})
    assert (await _look_up(city, http)).status_code == 200


async def test_an_unknown_fault_is_refused_over_http(city: City, http: httpx.AsyncClient) -> None:
    for body in (
        {"erp": "earthquake"},
        {"moon": "slow"},
        {"erp": "duplicate"},
        {"webhook": "500"},
        {"huggy": "404"},
        {"lists": "500"},
    ):
        assert (await http.post(f"{city.voalle.url}/_sandbox/faults", json=body)).status_code == 400


def test_an_unknown_fault_is_refused_in_process() -> None:
    with pytest.raises(UnknownFault):
        Faults().set("erp", "earthquake")

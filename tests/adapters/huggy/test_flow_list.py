"""Asking for a list that no source promises, over real loopback connections."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.huggy.flow_list import HuggyFlowLists
from adapters.huggy.listing import PAGE, PAGES_MAX, NoList, read_page
from adapters.web.client import open_http
from application.console_ports import FlowChoice, FlowLists
from domain.identifiers import CompanyId, FlowId, Secret
from tests.adapters.huggy.test_client import DROPPED, HANGING, Loopback, Reply, answered
from tests.entrypoints.fakes import INSTALLATION


@pytest.fixture
async def huggy() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(tls=ssl.create_default_context(), max_connections=4) as client:
        yield client


@pytest.fixture
def lists(huggy: Loopback, http: httpx.AsyncClient) -> FlowLists:
    return HuggyFlowLists(http=http, base_url=huggy.url, call_s=0.5)


def said(body: object) -> Reply:
    return answered(200, msgspec.json.encode(body))


def flow(ident: str, name: str = "") -> FlowChoice:
    return FlowChoice(id=FlowId(ident), name=name)


@pytest.mark.parametrize(
    ("body", "flows"),
    [
        (
            [{"id": 11, "name": "Cliente"}, {"id": "12", "name": "Boletos"}],
            [flow("11", "Cliente"), flow("12", "Boletos")],
        ),
        ({"data": [{"id": 11, "title": "Cliente"}]}, [flow("11", "Cliente")]),
        ([{"id": 11, "label": " Cliente "}], [flow("11", "Cliente")]),
        ([{"id": 11, "name": None, "title": "Cliente"}], [flow("11", "Cliente")]),
        ([{"id": 11}], [flow("11")]),
        ([{"id": 11, "name": 5, "other": {}}], [flow("11")]),
        ([{"id": 11, "name": "x"}, {"id": "11", "name": "x"}], [flow("11", "x")]),
        ([], []),
    ],
)
async def test_every_reasonable_shape_is_a_list(
    huggy: Loopback, lists: FlowLists, body: object, flows: list[FlowChoice]
) -> None:
    huggy.replies = [said(body)]
    found = await lists(INSTALLATION)

    assert found is not None
    assert list(found) == flows
    assert huggy.received[0].line == "GET /v3/companies/1001/flows?page=0 HTTP/1.1"
    assert huggy.received[0].headers["authorization"] == "Bearer huggy-token"


@pytest.mark.parametrize(
    "reply",
    [
        answered(404, b"{}"),
        answered(401, b'{"error": "access_denied"}'),
        answered(403, b'{"reason": "..."}'),
        answered(429),
        answered(500),
        answered(302, headers="Location: https://elsewhere.example\r\n"),
        answered(200, b"<html>"),
        answered(200, b""),
        answered(200, b"\xff"),
        answered(200, b"[" * 5000),
        said({"flows": []}),
        said({"data": {}}),
        said("flows"),
        said([11, 12]),
        said([{"id": None}]),
        said([{"id": True}]),
        said([{"id": " "}]),
        said([{"name": "no id"}]),
        DROPPED,
        HANGING,
    ],
    ids=str,
)
async def test_anything_else_means_that_there_is_none(huggy: Loopback, lists: FlowLists, reply: Reply) -> None:
    huggy.replies = [reply]

    assert await lists(INSTALLATION) is None


async def test_nobody_there_means_that_there_is_none(http: httpx.AsyncClient) -> None:
    assert await HuggyFlowLists(http=http, base_url="http://127.0.0.1:1/v3")(INSTALLATION) is None


def page(start: int, count: int = PAGE) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"Flow {number}"} for number in range(start, start + count)]


async def test_pages_are_gathered_until_one_is_not_full(huggy: Loopback, lists: FlowLists) -> None:
    huggy.replies = [said(page(0)), said(page(20)), said(page(40, 3))]
    found = await lists(INSTALLATION)

    assert found is not None
    assert [each.id for each in found] == [str(number) for number in range(43)]
    assert [each.line.split()[1][-1] for each in huggy.received] == ["0", "1", "2"]


async def test_an_api_without_pages_is_asked_no_more_than_twice(huggy: Loopback, lists: FlowLists) -> None:
    huggy.replies = [said(page(0, 33))]
    found = await lists(INSTALLATION)

    assert found is not None
    assert (len(found), len(huggy.received)) == (33, 2)


async def test_pages_without_end_are_bounded(huggy: Loopback, lists: FlowLists) -> None:
    huggy.replies = [said(page(20 * number)) for number in range(PAGES_MAX + 5)]
    found = await lists(INSTALLATION)

    assert found is not None
    assert len(huggy.received) == PAGES_MAX


async def test_without_a_token_or_a_company_nobody_is_asked(huggy: Loopback, lists: FlowLists) -> None:
    assert await lists(replace(INSTALLATION, huggy_token=Secret(value=""))) is None
    assert await lists(replace(INSTALLATION, company_id=CompanyId(" "))) is None
    assert huggy.received == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "name", "data", "title"]), inner),
    )
)
def test_whatever_json_comes_is_read_or_counts_as_none(body: object) -> None:
    try:
        read = read_page(msgspec.json.encode(body))
    except NoList:
        return
    assert all(each.id.strip() == each.id and each.id for each in read)

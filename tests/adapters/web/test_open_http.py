import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.web.client import open_http
from tests.adapters.web.elsewhere import Server, serve_elsewhere


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve_elsewhere() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(tls=ssl.create_default_context(), max_connections=2) as client:
        yield client


async def test_a_redirect_is_an_answer_like_any_other_and_its_cookie_is_forgotten(
    server: Server, http: httpx.AsyncClient
) -> None:
    answers = [await http.get(server.url) for _ in range(2)]
    assert [(each.status_code, each.content) for each in answers] == [(302, b"no")] * 2
    assert len(server.heads) == 2
    assert not any("cookie" in head.lower() for head in server.heads)


async def test_an_address_goes_out_as_it_was_quoted(server: Server, http: httpx.AsyncClient) -> None:
    await http.get(f"{server.url}/a/%2e%2e/b%2Fc/%7E?x=%2B+%20")
    assert server.heads[0].startswith("GET /a/%2e%2e/b%2Fc/%7E?x=%2B+%20 HTTP/1.1\r\n")


async def test_each_header_goes_out_once(server: Server, http: httpx.AsyncClient) -> None:
    await http.get(server.url, headers={"Accept": "application/json", "Accept-Encoding": "gzip"})
    names = [line.partition(":")[0].lower() for line in server.heads[0].splitlines()[1:]]
    assert len(names) == len(set(names))
    assert {"host", "accept", "accept-encoding"} <= set(names)


async def test_a_closed_client_sends_nothing(server: Server) -> None:
    client = open_http(tls=ssl.create_default_context(), max_connections=2)
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.get(server.url)
    assert server.heads == []


async def connections(server: Server, http: httpx.AsyncClient, asks: int) -> int:
    """How many connections it takes to ask so often, one after the other."""
    before = server.connections
    for _ in range(asks):
        assert (await http.get(server.url)).status_code == 302
    return server.connections - before


async def test_the_connections_of_a_client_that_is_retired_end_and_whoever_holds_it_is_answered_all_the_same(
    server: Server,
) -> None:
    async with open_http(tls=ssl.create_default_context(), max_connections=2) as client:
        assert await connections(server, client, 2) == 1
        await client.retire()
        await server.nobody()
        assert await connections(server, client, 2) == 2
        await server.nobody()


async def test_what_is_under_way_when_a_client_is_retired_is_answered_and_its_connection_ends_then(
    server: Server,
) -> None:
    async with open_http(tls=ssl.create_default_context(), max_connections=2) as client:
        request = client.build_request("GET", server.url)
        answers = [await client.send(request, stream=True) for _ in range(2)]
        await client.retire()
        for answer in answers:
            assert await answer.aread() == b"no"
        await server.nobody()


async def test_a_request_that_fails_is_not_under_way_any_more(server: Server) -> None:
    async with open_http(tls=ssl.create_default_context(), max_connections=2) as client:
        assert await connections(server, client, 1) == 1
        await client.retire()
        with pytest.raises(httpx.TransportError):
            await client.get("http://127.0.0.1:1/")
        assert await connections(server, client, 2) == 2
        await server.nobody()

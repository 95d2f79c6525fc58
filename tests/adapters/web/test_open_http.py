import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.web.client import open_http

ANSWER = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nno"


class Server:
    """Remembers the head of each request; sends everybody elsewhere, with a cookie."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.url = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await _head(reader)).decode():
            self.heads.append(head)
            writer.write(ANSWER)
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.take, "127.0.0.1", 0) as listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
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

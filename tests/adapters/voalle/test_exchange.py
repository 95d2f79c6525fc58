"""Failures as they really come: an HTTP client over the aiohttp transport against sockets that misbehave."""

import asyncio
import gzip
import socket
import ssl
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpx_aiohttp import AiohttpTransport

from adapters.fence.breaker import FAILURES_IN_A_ROW
from adapters.fence.local import LocalFence
from adapters.voalle.exchange import VoalleExchange
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Open(Protocol):
    async def __call__(self, connection: Connection, tls: ssl.SSLContext | None = None, /) -> str: ...


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
        yield client


@pytest.fixture
async def serve() -> AsyncIterator[Open]:
    """Starts a server that treats each connection as told, and gives its address."""
    servers: list[asyncio.Server] = []
    connections: set[asyncio.Task[None]] = set()

    async def start(connection: Connection, tls: ssl.SSLContext | None = None, /) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await connection(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


def exchange(http: httpx.AsyncClient, timeout_s: float = 5, concurrency: int = 4) -> VoalleExchange:
    fence = LocalFence(concurrency=concurrency, per_minute=None)
    return VoalleExchange(http=http, timeout_s=timeout_s, fence=fence)


async def failure(http: httpx.AsyncClient, url: str, *, writes: bool, timeout_s: float = 5) -> Failure:
    with pytest.raises(Failure) as caught:
        await exchange(http, timeout_s).send("unblock", "POST", url, form={"token": "pbx-token"}, writes=writes)
    assert "pbx-token" not in str(caught.value)
    assert url not in str(caught.value)
    return caught.value


async def read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")] or (
        0,
    )
    await reader.readexactly(int(length))


def answering(response: bytes) -> Connection:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(response)
        await writer.drain()

    return connection


def with_status(status: int, body: bytes = b"{}", headers: bytes = b"") -> Connection:
    head = b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), headers)
    return answering(head + body)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


dropped_before_the_answer = answering(b"")
dropped_within_the_answer = answering(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a')
not_http = answering(b"hello\r\n\r\n")


@pytest.mark.parametrize("writes", [False, True])
async def test_a_refused_connection_had_no_effect(http: httpx.AsyncClient, writes: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = await failure(http, f"http://127.0.0.1:{unused.getsockname()[1]}/", writes=writes)
    assert (type(found), found.cause) == (Unavailable, "erp.unreachable")


async def test_a_name_that_does_not_resolve_had_no_effect(http: httpx.AsyncClient) -> None:
    found = await failure(http, "http://erp.invalid/", writes=True)
    assert (type(found), found.cause) == (Unavailable, "erp.unreachable")


async def test_a_connection_that_is_never_taken_had_no_effect(http: httpx.AsyncClient) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        found = await failure(http, url, writes=True, timeout_s=0.3)
        for client in waiting:
            client.close()
    assert (type(found), found.cause) == (Unavailable, "erp.unreachable")


@pytest.mark.parametrize("misbehaviour", [dropped_before_the_answer, dropped_within_the_answer, reset, not_http])
async def test_a_lost_answer_is_a_failed_read_but_a_doubtful_write(
    http: httpx.AsyncClient, serve: Open, misbehaviour: Connection
) -> None:
    url = await serve(misbehaviour)
    read = await failure(http, url, writes=False)
    write = await failure(http, url, writes=True)
    assert (type(read), read.cause) == (Unavailable, "erp.dropped")
    assert (type(write), write.cause) == (InDoubt, "erp.dropped")


async def test_a_silent_server_is_a_failed_read_but_a_doubtful_write(http: httpx.AsyncClient, serve: Open) -> None:
    url = await serve(silent)
    read = await failure(http, url, writes=False, timeout_s=0.1)
    write = await failure(http, url, writes=True, timeout_s=0.1)
    assert (type(read), read.cause) == (Unavailable, "erp.timeout")
    assert (type(write), write.cause) == (InDoubt, "erp.timeout")


async def test_an_answer_that_stops_midway_is_ended_in_time(http: httpx.AsyncClient, serve: Open) -> None:
    async def stop_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        await silent(reader, writer)

    found = await failure(http, await serve(stop_midway), writes=False, timeout_s=0.2)
    assert found.cause == "erp.timeout"


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_told_as_such_and_nothing_is_sent(
    http: httpx.AsyncClient, serve: Open, self_signed: ssl.SSLContext
) -> None:
    url = await serve(silent, self_signed)
    found = await failure(http, url.replace("http://", "https://"), writes=True)
    assert (type(found), found.cause) == (Unavailable, "erp.tls")


def kept_alive_once(seen: list[bytes]) -> Connection:
    """Each connection answers one request, and is dropped when a second one comes over it."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        seen.append(b"answered")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await read_request(reader)
        seen.append(b"dropped")

    return connection


async def test_a_read_over_a_connection_that_the_server_gave_up_is_sent_once_more(
    http: httpx.AsyncClient, serve: Open
) -> None:
    seen: list[bytes] = []
    url, sender = await serve(kept_alive_once(seen)), exchange(http)
    await sender.send("unblock", "POST", url, form={"a": "b"})
    await sender.send("unblock", "POST", url, form={"a": "b"})
    assert seen == [b"answered", b"dropped", b"answered"]


async def test_a_write_over_such_a_connection_is_in_doubt_and_never_sent_again(
    http: httpx.AsyncClient, serve: Open
) -> None:
    seen: list[bytes] = []
    url, sender = await serve(kept_alive_once(seen)), exchange(http)
    await sender.send("unblock", "POST", url, form={"a": "b"}, writes=True)
    with pytest.raises(InDoubt):
        await sender.send("unblock", "POST", url, form={"a": "b"}, writes=True)
    assert seen == [b"answered", b"dropped"]


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (301, (Rejected, "erp.redirected"), (Rejected, "erp.redirected")),
        (400, (Rejected, "erp.http_4xx"), (Rejected, "erp.http_4xx")),
        (401, (Rejected, "erp.unauthorized"), (Rejected, "erp.unauthorized")),
        (403, (Rejected, "erp.unauthorized"), (Rejected, "erp.unauthorized")),
        (404, (Rejected, "erp.not_found"), (Rejected, "erp.not_found")),
        (429, (Unavailable, "erp.http_429"), (Unavailable, "erp.http_429")),
        (500, (Unavailable, "erp.http_5xx"), (InDoubt, "erp.http_5xx")),
        (503, (Unavailable, "erp.http_5xx"), (InDoubt, "erp.http_5xx")),
    ],
)
async def test_a_status_means_the_same_everywhere_but_for_writes_that_may_have_happened(
    http: httpx.AsyncClient, serve: Open, status: int, read: object, write: object
) -> None:
    url = await serve(with_status(status, headers=b"Location: http://127.0.0.1:9/\r\n"))
    for writes, expected in ((False, read), (True, write)):
        found = await failure(http, url, writes=writes)
        assert (type(found), found.cause) == expected


async def test_how_long_to_wait_is_kept(http: httpx.AsyncClient, serve: Open) -> None:
    found = await failure(http, await serve(with_status(429, headers=b"Retry-After: 7\r\n")), writes=False)
    assert found.retry_after_s == 7


async def test_an_answer_beyond_the_limit_is_not_taken(http: httpx.AsyncClient, serve: Open) -> None:
    url = await serve(with_status(200, b"x" * 2000))
    with pytest.raises(Unintelligible) as caught:
        await exchange(http).send("people", "GET", url, max_bytes=1000)
    assert caught.value.cause == "erp.too_large"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_an_answer_that_swells_beyond_the_limit_takes_no_room_of_ours(
    http: httpx.AsyncClient, serve: Open, times: int
) -> None:
    """One installation's ERP must not take the memory of all: pressed twice, 200 MB fit into a kilobyte."""
    pressed, encodings = bytes(200_000_000), b", ".join([b"gzip"] * times)
    for _ in range(times):
        pressed = gzip.compress(pressed)
    url = await serve(with_status(200, pressed, headers=b"Content-Encoding: %s\r\n" % encodings))
    tracemalloc.start()
    try:
        with suppress(Unintelligible):
            answer = await exchange(http).send("people", "GET", url, max_bytes=1_000_000)
            assert answer.body == pressed
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


async def test_a_pressed_answer_is_opened(http: httpx.AsyncClient, serve: Open) -> None:
    body = b'{"id": 7}' * 1000
    url = await serve(with_status(200, gzip.compress(body), headers=b"Content-Encoding: GZip\r\n"))
    answer = await exchange(http).send("people", "GET", url, max_bytes=len(body))
    assert answer.body == body
    with pytest.raises(Unintelligible) as caught:
        await exchange(http).send("people", "GET", url, max_bytes=len(body) - 1)
    assert caught.value.cause == "erp.too_large"


async def test_a_pressed_answer_that_does_not_open_is_a_broken_one(http: httpx.AsyncClient, serve: Open) -> None:
    url = await serve(with_status(200, b"not gzip at all", headers=b"Content-Encoding: gzip\r\n"))
    assert (await failure(http, url, writes=False)).cause == "erp.dropped"
    assert isinstance(await failure(http, url, writes=True), InDoubt)


async def test_no_more_requests_than_the_fence_are_under_way(http: httpx.AsyncClient, serve: Open) -> None:
    under_way, most, full = 0, 0, asyncio.Event()

    async def hold_until_two_are_here(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        await read_request(reader)
        under_way += 1
        most = max(most, under_way)
        if under_way == 2:
            full.set()
        await full.wait()
        under_way -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    url, sender = await serve(hold_until_two_are_here), exchange(http, concurrency=2)
    await asyncio.gather(*(sender.send("unblock", "POST", url, form={}, writes=True) for _ in range(6)))
    assert most == 2


async def test_waiting_for_a_turn_is_bounded_by_the_caller_and_sends_nothing(
    http: httpx.AsyncClient, serve: Open
) -> None:
    seen: list[bytes] = []
    url, fence = await serve(kept_alive_once(seen)), LocalFence(concurrency=1, per_minute=None)
    sender = VoalleExchange(http=http, timeout_s=0.01, fence=fence)
    async with fence.turn("people"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await sender.send("unblock", "POST", url, form={}, writes=True)
    assert seen == []


@pytest.mark.parametrize("misbehaviour", [with_status(503), with_status(429), reset, silent])
async def test_an_operation_that_keeps_failing_is_not_asked_and_the_others_are(
    http: httpx.AsyncClient, serve: Open, misbehaviour: Connection
) -> None:
    asked: list[bytes] = []

    async def count_and_fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(b"")
        await misbehaviour(reader, writer)

    failing, working = await serve(count_and_fail), await serve(with_status(200))
    sender = exchange(http, timeout_s=0.1)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(InDoubt if misbehaviour in (silent, reset) else Unavailable):
            await sender.send("unblock", "POST", failing, form={}, writes=True)
    with pytest.raises(Unavailable) as caught:
        await sender.send("unblock", "POST", failing, form={}, writes=True)
    assert (type(caught.value), caught.value.cause) == (Unavailable, "erp.circuit_open")
    assert len(asked) == FAILURES_IN_A_ROW
    await sender.send("people", "GET", working)


async def test_an_erp_that_says_no_is_not_an_erp_that_fails(http: httpx.AsyncClient, serve: Open) -> None:
    url, sender = await serve(with_status(404)), exchange(http)
    for _ in range(2 * FAILURES_IN_A_ROW):
        with pytest.raises(Rejected):
            await sender.send("people", "GET", url)


async def test_a_call_that_nobody_waits_for_any_more_keeps_its_turn_until_the_erp_has_answered(
    http: httpx.AsyncClient, serve: Open
) -> None:
    asked, answer = asyncio.Queue[int](), asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.put_nowait(1)
        await answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    erp, url = exchange(http, concurrency=1), await serve(slowly)
    first = asyncio.create_task(erp.send("people", "GET", url))
    await asked.get()
    first.cancel()
    second = asyncio.create_task(erp.send("people", "GET", url))
    await asyncio.wait((first,))
    for _ in range(10):
        await asyncio.sleep(0)
    assert asked.empty()
    answer.set()
    assert (await second).status == 200
    await asked.get()


async def test_a_call_that_nobody_waits_for_any_more_is_not_made_once_its_turn_comes(
    http: httpx.AsyncClient, serve: Open
) -> None:
    asked = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await with_status(200)(reader, writer)

    erp, url = exchange(http, concurrency=1), await serve(counting)
    first = asyncio.create_task(erp.send("people", "GET", url))
    given_up = asyncio.create_task(erp.send("people", "GET", url))
    await asyncio.sleep(0)
    given_up.cancel()
    await first
    await erp.send("people", "GET", url)
    assert asked == 2

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop

from adapters.web.probe import Fault, Layer, Reached, probe
from tests.adapters.web.certificates import Authority, self_signed

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

AUTHORITY = Authority("Autoridade de teste")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def in_plain_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@asynccontextmanager
async def serving(talk: Talk = silent, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Until the end of the block, and of every conversation."""
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(_to_its_end(talk, reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)
        await asyncio.gather(*talks)


async def _to_its_end(talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        await talk(reader, writer)
        writer.close()
        await writer.wait_closed()


async def reach(url: str, *, allowed: str = "", timeout_s: float = 2) -> tuple[Reached, ...]:
    return await probe(url, tls=AUTHORITY.trusted(), private_hosts=frozenset({allowed} - {""}), timeout_s=timeout_s)


async def fault_of(port: int, host: str = "127.0.0.1", *, timeout_s: float = 2) -> tuple[Layer, Fault | None]:
    """The last layer that was reached, and what it said."""
    last = (await reach(f"https://{host}:{port}", allowed=f"{host}:{port}", timeout_s=timeout_s))[-1]
    return last.layer, last.fault


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


async def test_a_server_that_is_fine_is_reached_layer_by_layer_with_times(tmp_path: Path) -> None:
    async with serving(tls=AUTHORITY.server(tmp_path)) as port:
        reached = await reach(f"https://127.0.0.1:{port}", allowed=f"127.0.0.1:{port}")

    assert [(each.layer, each.fault) for each in reached] == [
        (Layer.DNS, None),
        (Layer.TCP, None),
        (Layer.TLS, None),
    ]
    assert all(each.ms >= 0 for each in reached)


async def test_plain_http_has_no_certificate_to_check() -> None:
    async with serving() as port:
        reached = await reach(f"http://127.0.0.1:{port}", allowed=f"127.0.0.1:{port}")

    assert [(each.layer, each.fault) for each in reached] == [(Layer.DNS, None), (Layer.TCP, None)]


async def test_a_name_that_nobody_knows_is_told() -> None:
    (last,) = await reach("https://nobody.invalid")

    assert (last.layer, last.fault) == (Layer.DNS, Fault.NAME_UNKNOWN)


@pytest.mark.parametrize(
    "url", ["", "https://", "not an address", "https://[::1", "https://host:99999", "ftp://erp.example"]
)
async def test_what_is_no_address_is_told_and_never_raised(url: str) -> None:
    (last,) = await reach(url)

    assert (last.layer, last.fault) == (Layer.DNS, Fault.NO_ADDRESS)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.7", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "127.1"]
)
async def test_an_address_of_the_operators_own_network_is_not_connected_to(host: str) -> None:
    knocked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.append(await reader.read())

    async with serving(note) as port:
        (last,) = await reach(f"https://{host}:{port}")

    assert (last.layer, last.fault) == (Layer.DNS, Fault.PRIVATE)
    assert knocked == []


async def test_a_listed_address_is_good_on_its_listed_port_alone() -> None:
    async with serving() as port:
        (last,) = await reach(f"https://127.0.0.1:{port}", allowed=f"127.0.0.1:{port + 1}")

    assert last.fault is Fault.PRIVATE


async def test_a_closed_port_is_told() -> None:
    assert await fault_of(closed_port()) == (Layer.TCP, Fault.REFUSED)


async def test_a_port_where_nobody_answers_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # The line of the listener is full: the system answers nobody any more.
        crowd = []
        for _ in range(8):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
            crowd.append(waiting)
        told = await fault_of(port, timeout_s=0.3)
        for waiting in crowd:
            waiting.close()

    assert told == (Layer.TCP, Fault.CONNECT_TIMED_OUT)


async def test_a_self_signed_certificate_is_told(tmp_path: Path) -> None:
    async with serving(tls=self_signed(tmp_path)) as port:
        assert await fault_of(port) == (Layer.TLS, Fault.CERTIFICATE_SELF_SIGNED)


async def test_an_expired_certificate_is_told(tmp_path: Path) -> None:
    async with serving(tls=AUTHORITY.server(tmp_path, days=(-30, -1))) as port:
        assert await fault_of(port) == (Layer.TLS, Fault.CERTIFICATE_EXPIRED)


async def test_a_certificate_that_begins_tomorrow_is_told(tmp_path: Path) -> None:
    async with serving(tls=AUTHORITY.server(tmp_path, days=(1, 30))) as port:
        assert await fault_of(port) == (Layer.TLS, Fault.CERTIFICATE_NOT_YET)


@pytest.mark.parametrize(("certified", "asked"), [("erp.example", "localhost"), ("erp.example", "127.0.0.1")])
async def test_a_certificate_of_another_name_is_told(tmp_path: Path, certified: str, asked: str) -> None:
    async with serving(tls=AUTHORITY.server(tmp_path, host=certified)) as port:
        assert await fault_of(port, asked) == (Layer.TLS, Fault.CERTIFICATE_OTHER_NAME)


async def test_an_incomplete_chain_is_told_and_a_complete_one_is_fine(tmp_path: Path) -> None:
    intermediate = Authority("Intermediária", signed_by=AUTHORITY)
    async with serving(tls=intermediate.server(tmp_path)) as port:
        assert await fault_of(port) == (Layer.TLS, Fault.CERTIFICATE_CHAIN)
    async with serving(tls=intermediate.server(tmp_path, with_self=True)) as port:
        assert await fault_of(port) == (Layer.TLS, None)


async def test_a_port_that_speaks_plain_text_is_told() -> None:
    async with serving(in_plain_text) as port:
        assert await fault_of(port) == (Layer.TLS, Fault.NOT_TLS)


async def test_a_server_that_stays_silent_is_told_in_time() -> None:
    async with serving() as port:
        assert await fault_of(port, timeout_s=0.2) == (Layer.TLS, Fault.TLS_TIMED_OUT)


def test_it_works_on_the_servers_own_kind_of_loop_too(tmp_path: Path) -> None:
    async def both() -> list[tuple[Layer, Fault | None]]:
        async with serving(tls=AUTHORITY.server(tmp_path)) as fine, serving(tls=self_signed(tmp_path)) as wrong:
            return [await fault_of(fine), await fault_of(wrong)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(both()) == [(Layer.TLS, None), (Layer.TLS, Fault.CERTIFICATE_SELF_SIGNED)]

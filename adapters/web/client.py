"""The HTTP client that adapters are given: httpx over aiohttp's transport, because httpx's own pool collapses under
concurrency.

Client-level time-outs do not reach that transport: whoever calls wraps the call in `asyncio.timeout`.
"""

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import map_aiohttp_exceptions
from yarl import URL


def open_http(*, tls: ssl.SSLContext, max_connections: int, private_hosts: frozenset[str] | None = None) -> "Client":
    """The long-lived client of one event loop; whoever opens it closes it with `aclose()`. It keeps no cookies.

    `private_hosts`: for addresses that tenants choose. Names that resolve to a private or loopback address are then
    refused at the moment of connecting, unless `host:port` is listed; None: no such guard.
    """

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=max_connections,
            ssl=tls,
            resolver=None if private_hosts is None else PublicAddresses(private_hosts),
        )
        opened = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # aiohttp repeats a PUT by itself when a kept connection drops: a flow started by PUT could start twice.
        opened._retry_connection = False  # noqa: SLF001 - there is no public switch
        return opened

    return Client(_Transport(tls, session))


class Client(httpx.AsyncClient):
    """Sends each request as it stands. What httpx does around one for sign-ins, redirects, cookies and hooks costs as
    much as the exchange itself, and no adapter wants any of it."""

    def __init__(self, transport: "_Transport") -> None:
        super().__init__(transport=transport, trust_env=False)
        self._connections = transport

    async def retire(self) -> None:
        """Its connections end once nothing is under way. Whoever still holds it is answered all the same, over a
        connection that ends with the answer."""
        await self._connections.retire()

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        if self.is_closed:
            raise RuntimeError("the client has been closed")
        response = await self._transport.handle_async_request(request)
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


class _Transport(AiohttpTransport):
    """The same with fewer conversions: an address that httpx has quoted is not quoted again."""

    def __init__(self, tls: ssl.SSLContext, open_session: Callable[[], aiohttp.ClientSession]) -> None:
        super().__init__(verify=tls, client=open_session)
        self._open_session = open_session
        self._under_way = 0
        self._is_retired = False

    async def retire(self) -> None:
        self._is_retired = True
        await self._let_go()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        limits = request.extensions.get("timeout", {})
        self._under_way += 1
        try:
            with map_aiohttp_exceptions():
                answer = await self.client.request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                    data=await request.aread() or None,
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(
                        connect=limits.get("pool"), sock_connect=limits.get("connect"), sock_read=limits.get("read")
                    ),
                )
        except BaseException:
            await self._ended()
            raise
        body = _Body(answer, ended=self._ended)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=body, request=request)

    async def _ended(self) -> None:
        self._under_way -= 1
        await self._let_go()

    async def _let_go(self) -> None:
        if self._is_retired and not self._under_way and isinstance(self.client, aiohttp.ClientSession):
            session, self.client = self.client, self._open_session
            await session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, *, ended: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._ended = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with map_aiohttp_exceptions():
            while chunk := await self._answer.content.readany():
                yield chunk

    async def aclose(self) -> None:
        """A connection whose answer was not read to its end is not used again."""
        self._answer.release()
        try:
            await self._answer.wait_for_close()
        finally:
            await self._ended()


class PublicAddresses(ThreadedResolver):
    """Resolves to public addresses alone: a tenant's ERP address must not reach into the operator's network."""

    def __init__(self, private_hosts: frozenset[str]) -> None:
        super().__init__()
        self._private_hosts = private_hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        public = [each for each in found if is_allowed(each["host"], host, port, self._private_hosts)]
        if not public:
            raise OSError("the name resolves to a private address, and PONTE_PRIVATE_HOSTS does not list it")
        return public


def is_allowed(address: str, host: str, port: int, private_hosts: frozenset[str] | None) -> bool:
    """Whether a tenant's `host`, whose name points to `address`, may be connected to."""
    if private_hosts is None or f"{host.lower()}:{port}" in private_hosts:
        return True
    return _is_public(ipaddress.ip_address(address.partition("%")[0]))


_UNICAST = ipaddress.IPv6Network("2000::/3")
"""all that is routed in public; what lies outside of it, 6to4 too, may stand for an IPv4 address behind a gateway"""


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in _UNICAST or ip.sixtofour is not None):
        return False
    return ip.is_global and not ip.is_multicast

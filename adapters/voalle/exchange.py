"""The one way a request goes to the ERP: in its turn, bounded in time and size, its failures told by whose they are."""

import asyncio
import ssl
import zlib
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
import httpx

from adapters.voalle.shown import shown_answer, shown_request
from adapters.voalle.wire import decode
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from application.ports import Fence
from application.trail import take
from application.unsent import before_sending
from domain.identifiers import Personal

MAX_ANSWER = 16 * 1024 * 1024
"""bytes; lists of tickets have been seen larger, and are refused"""


class Answer(Personal, frozen=True, kw_only=True):
    safe = ("status", "content_type")

    status: int
    content_type: str
    body: bytes
    retry_after_s: float | None = None

    def json(self) -> object:
        return decode(self.body)


class VoalleExchange:
    """Requests to one of an ERP's APIs, each in a turn of its `fence` and ended `timeout_s` after it got that turn."""

    def __init__(self, *, http: httpx.AsyncClient, timeout_s: float, fence: Fence) -> None:
        self._http = http
        self.timeout_s = timeout_s
        self._fence = fence
        self._headers = http.headers.copy()
        """of every request: the client's own are merged in once, not for each"""
        self._headers.update({"Accept": "*/*", "Accept-Encoding": "gzip"})
        # The client's own time-outs count from byte to byte and would end a slow answer early. A connection that is not
        # there after half of the time is told apart from a silent server: nothing was sent on it.
        self._timeout = httpx.Timeout(None, connect=timeout_s / 2).as_dict()
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        writes: bool = False,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        params: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        max_bytes: int = MAX_ANSWER,
    ) -> Answer:
        """The answer, when its status is 2xx or one of `accept`. `operation` is what the fence knows the call by.

        `writes`: what gets no answer is `InDoubt`, and nothing is ever sent twice. A read whose connection is dropped
        is sent once more, within the same turn and time. What the fence refuses is not sent at all.
        """
        # Of an empty stream httpx finds nothing out: aiohttp adds the same headers anyway.
        request = httpx.Request(
            method,
            url,
            headers=self._with(headers) if headers else self._headers,
            data=form,
            json=json,
            stream=None if form or json is not None else httpx.ByteStream(b""),
            params=params,
            extensions={"timeout": self._timeout},
        )
        with take(f"erp.{operation}", lambda: shown_request(request, form or json)) as step:
            progress = _Progress()

            async def in_turn() -> Answer:
                async with self._fence.turn(operation):
                    progress.begin_to_send()
                    # Whatever comes of it is told within the turn: the fence judges the ERP by it.
                    try:
                        async with asyncio.timeout(self.timeout_s):
                            answer = await self._try(request, writes=writes, max_bytes=max_bytes, again=not writes)
                    except TimeoutError:
                        raise _lost("erp.timeout", writes=writes) from None
                    step.answered(shown_answer(answer.status, answer.content_type, answer.body))
                    if not 200 <= answer.status < 300 and answer.status not in accept:
                        raise refusal_of(answer, writes=writes)
                    return answer

            return await self._seen_through(in_turn(), progress)

    def _with(self, headers: Mapping[str, str]) -> httpx.Headers:
        merged = self._headers.copy()
        merged.update(headers)
        return merged

    async def _seen_through(self, call: Coroutine[Any, Any, Answer], progress: "_Progress") -> Answer:
        """What comes of the call. Whoever stops waiting ends it as long as nothing was sent, and is told so; after that it
        keeps its turn to its end, because the ERP goes on working on it."""
        task = asyncio.create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if progress.has_begun:
                raise
            progress.is_called_off = True
            task.cancel()
            with before_sending():
                raise

    async def _try(self, request: httpx.Request, *, writes: bool, max_bytes: int, again: bool) -> Answer:
        try:
            return await self._once(request, max_bytes)
        except (httpx.HTTPError, aiohttp.ClientError) as error:
            failure = _failure(error, writes=writes)
        if again and failure.cause == "erp.dropped":
            return await self._try(request, writes=writes, max_bytes=max_bytes, again=False)
        raise failure

    async def _once(self, request: httpx.Request, max_bytes: int) -> Answer:
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            # Opened here: the client would open whatever it is told to, as often as it is told to, without a bound.
            is_pressed = response.headers.pop("content-encoding", "").strip().lower() == "gzip"
            unpress = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress if is_pressed else None
            async for chunk in response.aiter_bytes():
                body += unpress(chunk, max_bytes - len(body) + 1) if unpress else chunk
                if len(body) > max_bytes:
                    raise Unintelligible("erp.too_large", f"more than {max_bytes} bytes")
        except zlib.error:
            raise httpx.DecodingError("the answer does not open") from None
        finally:
            await response.aclose()
        retry_after = response.headers.get("retry-after", "")
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
            body=bytes(body),
            retry_after_s=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
        )


class _Progress:
    """How far one call has come."""

    def __init__(self) -> None:
        self.has_begun = False
        self.is_called_off = False

    def begin_to_send(self) -> None:
        """Nothing is sent of what was told to have been called off, however its turn came."""
        if self.is_called_off:
            raise asyncio.CancelledError
        self.has_begun = True


_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


def _failure(error: Exception, *, writes: bool) -> Unavailable:
    """What a request that got no answer means. The client's own words are left out: they may hold the address.

    httpx over aiohttp raises `ConnectTimeout` for a refused connection and for one that broke after the request was
    sent alike; only the cause tells them apart.
    """
    root = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(root, _NEVER_LEFT):
        return Unavailable("erp.tls" if _is_tls(root) else "erp.unreachable")
    timed_out = isinstance(root, (httpx.TimeoutException, TimeoutError))
    return _lost("erp.timeout" if timed_out else "erp.dropped", writes=writes)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, (ssl.SSLError, aiohttp.ClientSSLError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _lost(cause: str, *, writes: bool) -> Unavailable:
    return InDoubt(cause) if writes else Unavailable(cause)


def refusal_of(answer: Answer, *, writes: bool = False) -> Failure:
    """What a status that is no success means."""
    detail = f"HTTP {answer.status}"
    match answer.status:
        case 401 | 403:
            return Rejected("erp.unauthorized", detail)
        case 404:
            return Rejected("erp.not_found", detail)
        case 429:
            return Unavailable("erp.http_429", detail, retry_after_s=answer.retry_after_s)
        case status if status >= 500:
            kind = InDoubt if writes else Unavailable
            return kind("erp.http_5xx", detail, retry_after_s=answer.retry_after_s)
        case status if status < 400:
            return Rejected("erp.redirected", detail)
        case _:
            return Rejected("erp.http_4xx", detail)

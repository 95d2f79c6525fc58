"""Huggy's API for one installation, over the HTTP client that all installations share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import msgspec
from msgspec import Struct

from adapters.huggy import mishaps
from adapters.huggy.headers import headers_for
from adapters.huggy.outbound import Request, to_chat_query, to_request
from adapters.huggy.shown import shown_answer, shown_request
from adapters.huggy.throttle import Throttle, retry_after_s
from adapters.huggy.wire import complete, read_situation
from application.failures import Rejected, Unavailable, Unintelligible
from application.ports import Render
from application.trail import take
from domain.action import Action, StartFlow
from domain.identifiers import CompanyId, Secret
from domain.installation import FlowStart
from domain.notification import ChatRef, Situation

Read = TypeVar("Read")
Renew = Callable[[Secret], Awaitable[Secret | None]]
"""A token in place of one that Huggy refused; None: there is none now."""


class Limits(Struct, frozen=True, kw_only=True):
    call_s: float = 10
    """one request and its answer"""
    connect_s: float = 3
    """of that, finding a free connection or making one; nothing has been sent until then"""
    backoff_s: tuple[float, ...] = (0.5, 1.5, 4.5)
    """one per try: how long to wait after a 429 that does not say it"""
    patience_s: float = 10
    """a try that would start later than this after the first is not made"""


DEFAULT_LIMITS = Limits()


class HuggyChat:
    """`application.ports.Chat`. The caller keeps the order of calls within a chat; `throttle` is one per company."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        base_url: str,
        token: Secret,
        company_id: CompanyId,
        flow_start: FlowStart,
        render: Render,
        throttle: Throttle | None = None,
        limits: Limits = DEFAULT_LIMITS,
        renew: Renew | None = None,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._headers = self._headers_for(token)
        self._renew = renew
        self._company_id = company_id
        self._flow_start = flow_start
        self._render = render
        self._throttle = throttle or Throttle()
        self._limits = limits
        self._timeout = httpx.Timeout(limits.call_s, connect=limits.connect_s, pool=limits.connect_s).as_dict()

    async def situation(self, chat: ChatRef) -> Situation:
        body = await self._look(chat)
        return Situation.UNKNOWN if body is None else _readable(lambda: read_situation(body))

    async def perform(self, chat: ChatRef, action: Action) -> None:
        if isinstance(action, StartFlow) and self._flow_start is FlowStart.CONTACT:
            chat = await self._completed(chat)
        request = to_request(self._company_id, chat, action, render=self._render, flow_start=self._flow_start)
        if request is not None:
            with take(f"huggy.{action.__struct_config__.tag}", shown_request(request)) as step:
                answer = await self._call(request, writes=True)
                step.answered(shown_answer(answer))
                _require_success(answer, writes=True)

    async def _look(self, chat: ChatRef) -> bytes | None:
        """The chat as Huggy describes it; None: it does not let us look."""
        request = to_chat_query(self._company_id, chat)
        with take("huggy.look", shown_request(request)) as step:
            answer = await self._call(request, writes=False)
            step.answered(shown_answer(answer))
            if answer.status_code == httpx.codes.FORBIDDEN:
                return None
            _require_success(answer, writes=False)
            return answer.content

    async def _completed(self, chat: ChatRef) -> ChatRef:
        """With contact and channel, where they can be had: without them a flow is started in the chat, which is as good."""
        if chat.contact_id and chat.channel_uuid:
            return chat
        try:
            body = await self._look(chat)
            return chat if body is None else _readable(lambda: complete(chat, body))
        except (Rejected, Unintelligible):
            return chat

    async def _call(self, request: Request, *, writes: bool) -> httpx.Response:
        """Tries again after 429 alone: that answer says that nothing was done."""
        until = self._throttle.now() + self._limits.patience_s
        hold_s = 0.0
        for backoff_s in self._limits.backoff_s:
            await self._throttle.wait(until=until)
            used = self._token
            answer = await self._exchange(request, writes=writes)
            if answer.status_code == httpx.codes.UNAUTHORIZED and await self._has_another(used):
                answer = await self._exchange(request, writes=writes)  # refused, so nothing was done
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return answer
            asked_s = retry_after_s(answer.headers)
            hold_s = self._throttle.hold(backoff_s if asked_s is None else asked_s)
        raise Unavailable("huggy.rate_limited", "Huggy asks us to slow down", retry_after_s=hold_s)

    async def _has_another(self, used: Secret) -> bool:
        """Whether there is a token to use in place of that one."""
        if self._token == used and self._renew is not None:
            renewed = await self._renew(used)
            if renewed is not None and self._token == used:
                self._token, self._headers = renewed, self._headers_for(renewed)
        return self._token != used

    async def _exchange(self, request: Request, *, writes: bool) -> httpx.Response:
        try:
            async with asyncio.timeout(self._limits.call_s):
                answer = await self._http.send(self._built(request), stream=True)
                await _read(answer, needed=not writes)
                return answer
        except mishaps.LOST as error:
            failure = mishaps.of_lost_call(error, writes=writes)
        raise failure

    def _built(self, request: Request) -> httpx.Request:
        body = b"" if request.body is None else msgspec.json.encode(request.body)
        return httpx.Request(
            request.method,
            self._base_url + request.path,
            stream=httpx.ByteStream(body),  # as `content`, httpx would add headers that aiohttp adds anyway
            headers=self._headers,
            extensions={"timeout": self._timeout},
        )

    def _headers_for(self, token: Secret) -> httpx.Headers:
        """Of every request: the client's own are merged in once, not for each."""
        headers = httpx.Headers(self._http.headers, encoding="utf-8")
        headers.update(headers_for(token))
        return headers


async def _read(answer: httpx.Response, *, needed: bool) -> None:
    """A write is decided by its status; its body is read for the connection's sake, and may break."""
    try:
        await answer.aread()
    except mishaps.LOST:
        if needed:
            raise
    finally:
        await answer.aclose()


def _readable(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unintelligible("huggy.unknown_answer", "the answer is no chat") from None


def _require_success(answer: httpx.Response, *, writes: bool) -> None:
    failure = mishaps.of_status(answer.status_code, writes=writes)
    if failure is not None:
        raise failure

"""Calls to Huggy over real loopback connections: what a call that went wrong means."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Self

import httpx
import msgspec
import pytest

from adapters.huggy.client import HuggyChat, Limits
from adapters.huggy.throttle import LONGEST_HOLD_S, Throttle
from adapters.web.client import open_http
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from application.ports import Chat
from domain.action import CloseChat, LeaveToAgent, Message, Say, SayCode, StartFlow
from domain.identifiers import ChatId, CompanyId, ContactId, FlowId, Secret
from domain.installation import FlowKey, FlowStart
from domain.notification import ChatRef, Situation

CHAT = ChatRef(id=ChatId("55501"), contact_id=ContactId("91"), channel_uuid="0b6c0f1e")
TOKEN = "very-secret-token"
WORDS = "Ana, o seu CPF"
CODE = SayCode(code=WORDS)
FLOW = StartFlow(flow=FlowKey.AUXILIARY, flow_id=FlowId("7"))
AT = "/v3/companies/1001/chats/55501"


class Reply(msgspec.Struct, frozen=True):
    """Bytes to send, and whether the connection ends or hangs after them."""

    raw: bytes = b""
    ends: bool = False
    hangs: bool = False


def answered(status: int, body: bytes = b"", *, headers: str = "") -> Reply:
    head = f"HTTP/1.1 {status} Said\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return Reply(head.encode() + body)


OK = answered(200)
DROPPED = Reply(ends=True)
HANGING = Reply(hangs=True)


class Received(msgspec.Struct, frozen=True):
    line: str
    headers: dict[str, str]
    body: bytes


class Loopback:
    """Answers the requests of all connections in order, the last answer again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [OK]
        self.received: list[Received] = []
        self.arrived = asyncio.Semaphore(0)
        self.url = ""
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v3"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(asyncio.ensure_future(self._converse(reader, writer)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    self.received.append(await _request(reader))
                    self.arrived.release()
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                    writer.write(reply.raw)
                    await writer.drain()
                    if reply.hangs:
                        await asyncio.Event().wait()
                    if reply.ends:
                        return
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Received:
    line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (header.split(": ", 1) for header in rest)}
    return Received(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@pytest.fixture
async def huggy() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(tls=ssl.create_default_context(), max_connections=4) as client:
        yield client


class Hours:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def throttle(self) -> Throttle:
        return Throttle(monotonic=self.monotonic, sleep=self.sleep)


def chat_at(
    url: str, http: httpx.AsyncClient, *, limits: Limits | None = None, throttle: Throttle | None = None, **more: Any
) -> HuggyChat:
    return HuggyChat(
        http=http,
        base_url=url,
        token=Secret(value=TOKEN),
        company_id=CompanyId("1001"),
        flow_start=more.get("flow_start", FlowStart.CHAT),
        render=lambda message: f"{message.key}!",
        throttle=throttle or Hours().throttle(),
        limits=limits or Limits(),
    )


async def failure_of(call: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await call
    return caught.value


async def test_an_action_is_one_authorised_request_within_the_company(huggy: Loopback, http: httpx.AsyncClient) -> None:
    chat: Chat = chat_at(huggy.url + "/", http)
    await chat.perform(CHAT, Say(message=Message(key="olá")))
    (sent,) = huggy.received
    assert sent.line == f"POST {AT}/messages HTTP/1.1"
    assert msgspec.json.decode(sent.body) == {"text": "olá!", "isInternal": False}
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["content-type"] == "application/json"


async def test_a_quoted_id_arrives_as_quoted(huggy: Loopback, http: httpx.AsyncClient) -> None:
    await chat_at(huggy.url, http).perform(ChatRef(id=ChatId("a/b?c#d%é")), CloseChat())
    assert huggy.received[0].line == "PUT /v3/companies/1001/chats/a%2Fb%3Fc%23d%25%C3%A9/close HTTP/1.1"


async def test_a_chat_left_to_its_agent_sends_nothing(huggy: Loopback, http: httpx.AsyncClient) -> None:
    await chat_at(huggy.url, http).perform(CHAT, LeaveToAgent())
    assert huggy.received == []


@pytest.mark.parametrize(
    "reply",
    [
        OK,
        Reply(b"HTTP/1.1 204 No Content\r\n\r\n"),
        answered(201, b'{"id": 1}'),
        answered(200, b"<html>"),
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ends=True),
    ],
    ids=["empty", "no content", "json", "anything", "a body that breaks off"],
)
async def test_an_action_is_done_when_huggy_said_so(huggy: Loopback, http: httpx.AsyncClient, reply: Reply) -> None:
    huggy.replies = [reply]
    await chat_at(huggy.url, http).perform(CHAT, CODE)
    assert len(huggy.received) == 1


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (302, Unintelligible, "huggy.unexpected_status"),
        (400, Rejected, "huggy.refused"),
        (401, Unavailable, "huggy.unauthorized"),
        (403, Rejected, "huggy.forbidden"),
        (404, Rejected, "huggy.not_found"),
        (422, Rejected, "huggy.refused"),
        (500, Unavailable, "huggy.unavailable"),
        (502, InDoubt, "huggy.unavailable"),
        (503, Unavailable, "huggy.unavailable"),
        (504, InDoubt, "huggy.unavailable"),
        (524, InDoubt, "huggy.unavailable"),
    ],
)
async def test_a_refused_write_is_told_by_its_status(
    huggy: Loopback, http: httpx.AsyncClient, status: int, kind: type[Failure], cause: str
) -> None:
    huggy.replies = [answered(status, b'{"reason": "..."}', headers="Location: /elsewhere\r\n")]
    failure = await failure_of(chat_at(huggy.url, http).perform(CHAT, CODE))
    assert (type(failure), failure.cause) == (kind, cause)
    assert len(huggy.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_read_is_never_in_doubt(huggy: Loopback, http: httpx.AsyncClient, status: int) -> None:
    huggy.replies = [answered(status)]
    assert type(await failure_of(chat_at(huggy.url, http).situation(CHAT))) is Unavailable


LOST = {
    "dropped": DROPPED,
    "half a head": Reply(b"HTTP/1.1 200 OK\r\nConten", ends=True),
    "no http": Reply(b"hello\r\n\r\n", ends=True),
    "silence": HANGING,
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
async def test_a_write_without_an_answer_is_in_doubt_and_not_repeated(
    huggy: Loopback, http: httpx.AsyncClient, reply: Reply
) -> None:
    huggy.replies = [reply]
    for action in (CODE, FLOW, CloseChat()):
        huggy.received.clear()
        chat = chat_at(huggy.url, http, limits=Limits(call_s=0.2))
        assert type(await failure_of(chat.perform(CHAT, action))) is InDoubt
        assert len(huggy.received) == 1


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
async def test_a_read_without_an_answer_is_unavailable(huggy: Loopback, http: httpx.AsyncClient, reply: Reply) -> None:
    huggy.replies = [reply]
    chat = chat_at(huggy.url, http, limits=Limits(call_s=0.2))
    assert type(await failure_of(chat.situation(CHAT))) is Unavailable


async def test_a_read_whose_body_breaks_off_is_unavailable(huggy: Loopback, http: httpx.AsyncClient) -> None:
    huggy.replies = [Reply(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"situation"', ends=True)]
    assert type(await failure_of(chat_at(huggy.url, http).situation(CHAT))) is Unavailable


@pytest.mark.parametrize("start", [FlowStart.CHAT, FlowStart.CONTACT])
async def test_a_write_on_a_kept_connection_that_drops_is_in_doubt_and_not_repeated(
    huggy: Loopback, http: httpx.AsyncClient, start: FlowStart
) -> None:
    huggy.replies = [OK, DROPPED, OK]
    chat = chat_at(huggy.url, http, flow_start=start)
    await chat.perform(CHAT, FLOW)
    assert type(await failure_of(chat.perform(CHAT, FLOW))) is InDoubt
    assert len(huggy.received) == 2


async def test_nobody_listening_is_no_doubt(http: httpx.AsyncClient) -> None:
    async with Loopback() as gone:
        url = gone.url
    chat = chat_at(url, http)
    assert type(await failure_of(chat.perform(CHAT, CODE))) is Unavailable
    assert type(await failure_of(chat.situation(CHAT))) is Unavailable


async def test_an_address_that_is_none_is_no_doubt(http: httpx.AsyncClient) -> None:
    assert type(await failure_of(chat_at("ftp://127.0.0.1", http).perform(CHAT, CODE))) is Unavailable


async def test_a_failed_tls_handshake_is_no_doubt(http: httpx.AsyncClient) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert type(await failure_of(chat_at(url, http).perform(CHAT, CODE))) is Unavailable


async def test_a_call_that_found_no_free_connection_is_no_doubt(huggy: Loopback) -> None:
    huggy.replies = [HANGING]
    async with open_http(tls=ssl.create_default_context(), max_connections=1) as http:
        chat = chat_at(huggy.url, http, limits=Limits(connect_s=0.05))
        first = asyncio.create_task(chat.perform(CHAT, CODE))
        await huggy.arrived.acquire()
        assert type(await failure_of(chat.perform(CHAT, CODE))) is Unavailable
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
    assert len(huggy.received) == 1


TOO_MANY = answered(429)


async def test_after_too_many_requests_the_call_is_made_again(huggy: Loopback, http: httpx.AsyncClient) -> None:
    hours = Hours()
    huggy.replies = [TOO_MANY, answered(429, headers="Retry-After: 3\r\n"), OK]
    await chat_at(huggy.url, http, throttle=hours.throttle()).perform(CHAT, CODE)
    assert hours.slept == [0.5, 3]
    assert len(huggy.received) == 3


async def test_tries_are_bounded_and_then_tell_how_long_to_wait(huggy: Loopback, http: httpx.AsyncClient) -> None:
    hours = Hours()
    huggy.replies = [TOO_MANY]
    failure = await failure_of(chat_at(huggy.url, http, throttle=hours.throttle()).perform(CHAT, CODE))
    assert (type(failure), failure.cause, failure.retry_after_s) == (Unavailable, "huggy.rate_limited", 4.5)
    assert hours.slept == [0.5, 1.5]
    assert len(huggy.received) == 3


async def test_a_wait_beyond_the_callers_time_is_not_begun(huggy: Loopback, http: httpx.AsyncClient) -> None:
    hours = Hours()
    huggy.replies = [answered(429, headers="Retry-After: 30\r\n")]
    failure = await failure_of(chat_at(huggy.url, http, throttle=hours.throttle()).perform(CHAT, CODE))
    assert (type(failure), failure.retry_after_s) == (Unavailable, 30)
    assert hours.slept == []
    assert len(huggy.received) == 1


@pytest.mark.parametrize("odd_at", [0, 2])
async def test_no_try_tells_to_wait_for_longer_than_is_believed(
    huggy: Loopback, http: httpx.AsyncClient, odd_at: int
) -> None:
    hours = Hours()
    huggy.replies = [TOO_MANY] * odd_at + [answered(429, headers="Retry-After: 86400\r\n")]
    failure = await failure_of(chat_at(huggy.url, http, throttle=hours.throttle()).perform(CHAT, CODE))
    assert (type(failure), failure.retry_after_s) == (Unavailable, LONGEST_HOLD_S)


async def test_all_calls_of_a_company_wait_together(huggy: Loopback, http: httpx.AsyncClient) -> None:
    hours = Hours()
    throttle = hours.throttle()
    huggy.replies = [answered(429, headers="Retry-After: 4\r\n"), OK]
    await failure_of(chat_at(huggy.url, http, throttle=throttle, limits=Limits(patience_s=1)).perform(CHAT, CODE))
    await chat_at(huggy.url, http, throttle=throttle).perform(CHAT, CODE)
    assert hours.slept == [4]


@pytest.mark.parametrize(
    ("body", "situation"),
    [
        (b'{"id": 1, "situation": "auto"}', Situation.AUTOMATIC),
        (b'{"data": {"id": "1", "situation": "in_chat"}}', Situation.WITH_AGENT),
        (b'{"situation": "wait_for_chat"}', Situation.QUEUED),
        (b'{"situation": "finishing"}', Situation.CLOSED),
        (b'{"situation": "brand_new"}', Situation.UNKNOWN),
        (b'{"situation": null}', Situation.UNKNOWN),
        (b"{}", Situation.UNKNOWN),
    ],
)
async def test_a_chats_situation_is_read(
    huggy: Loopback, http: httpx.AsyncClient, body: bytes, situation: Situation
) -> None:
    huggy.replies = [answered(200, body)]
    assert await chat_at(huggy.url, http).situation(CHAT) is situation
    assert huggy.received[0].line == f"GET {AT} HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (answered(200, b'{"contactId": 91, "channels": [{"uuid": "u-1"}]}'), "PUT /v3/companies/1001/contacts/91/execFlow HTTP/1.1"),
        (answered(200, b'{"contactId": 91, "channels": [{"uuid": "u-1"}, {"uuid": "u-2"}]}'), f"POST {AT}/flow HTTP/1.1"),
        (answered(200, b"<html>"), f"POST {AT}/flow HTTP/1.1"),
        (answered(403), f"POST {AT}/flow HTTP/1.1"),
        (answered(404), f"POST {AT}/flow HTTP/1.1"),
    ],
    ids=["one channel", "two channels", "unreadable", "forbidden", "unknown"],
)  # fmt: skip
async def test_a_flow_by_contact_looks_its_channel_up_and_else_starts_in_the_chat(
    huggy: Loopback, http: httpx.AsyncClient, answer: Reply, line: str
) -> None:
    huggy.replies = [answer, answered(200)]
    flow = StartFlow(flow=FlowKey.AUXILIARY, flow_id=FlowId("7"))
    await chat_at(huggy.url, http, flow_start=FlowStart.CONTACT).perform(ChatRef(id=CHAT.id), flow)
    assert [received.line for received in huggy.received] == [f"GET {AT} HTTP/1.1", line]


async def test_a_chat_that_may_not_be_read_is_of_unknown_situation(huggy: Loopback, http: httpx.AsyncClient) -> None:
    huggy.replies = [answered(403, b'{"reason": "..."}')]
    assert await chat_at(huggy.url, http).situation(CHAT) is Situation.UNKNOWN


async def test_a_chat_that_does_not_exist_is_refused(huggy: Loopback, http: httpx.AsyncClient) -> None:
    huggy.replies = [answered(404)]
    failure = await failure_of(chat_at(huggy.url, http).situation(CHAT))
    assert (type(failure), failure.cause) == (Rejected, "huggy.not_found")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"auto"', b'{"situation": 5}', b'{"situation": "\xff"}', b"[" * 9999]
)
async def test_an_answer_that_is_no_chat_is_unintelligible(
    huggy: Loopback, http: httpx.AsyncClient, body: bytes
) -> None:
    huggy.replies = [answered(200, body)]
    assert type(await failure_of(chat_at(huggy.url, http).situation(CHAT))) is Unintelligible


@pytest.mark.parametrize("reply", [answered(401), answered(500), TOO_MANY, *LOST.values()])
async def test_no_failure_holds_the_token_the_address_or_the_words(
    huggy: Loopback, http: httpx.AsyncClient, reply: Reply
) -> None:
    huggy.replies = [reply]
    failure = await failure_of(chat_at(huggy.url, http, limits=Limits(call_s=0.2)).perform(CHAT, CODE))
    shown = "".join([str(failure), repr(failure), *traceback.format_exception(failure)])
    assert [secret for secret in (TOKEN, WORDS, "127.0.0.1", "55501") if secret in shown] == []


async def test_companies_that_share_connections_share_no_cookies(huggy: Loopback, http: httpx.AsyncClient) -> None:
    huggy.replies = [answered(200, headers="Set-Cookie: session=of-one-company; Path=/\r\n")]
    by_name = huggy.url.replace("127.0.0.1", "localhost")  # an address alone gets no cookies anyway
    await chat_at(by_name, http).perform(CHAT, CODE)
    await chat_at(by_name, http).perform(CHAT, CODE)
    assert "cookie" not in huggy.received[1].headers

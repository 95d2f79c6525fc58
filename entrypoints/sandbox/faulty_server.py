"""Puts a target's fault between the network and a simulator's app."""

import asyncio
from typing import Any, cast

import msgspec
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from entrypoints.sandbox.faults import Fault, FaultName, Faults, UnknownFault

CONTROL = "/_sandbox/"
_LOGIN_PAGE = b"<!doctype html><html><head><title>Login</title></head><body><form>Entrar</form></body></html>"


class FaultyServer:
    """An ASGI app. Control routes (`/_sandbox/…`) are never spoilt; `/_sandbox/faults` is answered here."""

    def __init__(self, app: ASGIApp, faults: Faults, target: str) -> None:
        self._app = app
        self._faults = faults
        self._target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == f"{CONTROL}faults":
            await self._switch(scope, receive, send)
            return
        fault = None if path.startswith(CONTROL) else self._faults.active(self._target, path)
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.name is not FaultName.DROP_AFTER_WRITE:
            self._faults.used(self._target)
        await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.name:
            case FaultName.SLOW:
                await self._wait(fault.seconds)
                await self._app(scope, receive, send)
            case FaultName.DOWN:
                await _hang_up(scope, receive)
            case FaultName.HANG:
                await self._hang(receive)
                await _hang_up(scope, receive)
            case FaultName.BROKEN_JSON:
                status, body = _whole(await self._held(scope, receive))
                await _answer(send, status, body[: len(body) // 2] or b'{"', "application/json")
            case FaultName.DROP_AFTER_WRITE:
                await self._drop_after_write(scope, receive, send)
            case _:
                await _refuse(fault, send)

    async def _drop_after_write(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = await self._held(scope, receive)
        if _fields(scope)["state"].get("wrote"):
            self._faults.used(self._target)
            await _hang_up(scope, receive)
            return
        for message in held:
            await send(message)

    async def _held(self, scope: Scope, receive: Receive) -> list[Message]:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        return held

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._faults.stopping.wait()
        except TimeoutError:
            return

    async def _hang(self, receive: Receive) -> None:
        ends = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._faults.stopping.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _switch(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, answer = 200, msgspec.json.encode(self._faults.shown())
        if _fields(scope)["method"] == "POST":
            try:
                for target, fault in msgspec.json.decode(await _body(receive), type=dict[str, Any]).items():
                    self._faults.set(target, fault)
                answer = msgspec.json.encode(self._faults.shown())
            except (msgspec.DecodeError, UnknownFault) as error:
                status, answer = 400, msgspec.json.encode({"reason": str(error)})
        await _answer(send, status, answer, "application/json")


def _fields(event: Scope | Message | ReceiveMessage) -> dict[str, Any]:
    """The framework types scopes and messages as unions of dictionaries; here they are read by name."""
    return cast("dict[str, Any]", event)


async def _refuse(fault: Fault, send: Send) -> None:
    """Answers in the app's place."""
    match fault.name:
        case FaultName.SERVER_ERROR:
            await _answer(send, 500, b"Internal Server Error", "text/plain")
        case FaultName.TOO_MANY_REQUESTS:
            after = (b"retry-after", f"{fault.seconds:g}".encode())
            await _answer(send, 429, b'{"reason":"Too Many Requests"}', "application/json", after)
        case FaultName.HTML:
            await _answer(send, 200, _LOGIN_PAGE, "text/html; charset=utf-8")
        case FaultName.WRONG_TOKEN:
            await _answer(send, 401, b'{"error":"access_denied","message":"Unauthorized"}', "application/json")
        case _:
            raise AssertionError(f"not a fault that answers: {fault.name}")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(scope: Scope, receive: Receive) -> None:
    transport: asyncio.Transport = _fields(scope)["state"]["transport"]
    transport.abort()
    await _gone(receive)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = _fields(await receive())
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _whole(held: list[Message]) -> tuple[int, bytes]:
    messages = [_fields(message) for message in held]
    status = next(message["status"] for message in messages if message["type"] == "http.response.start")
    return status, b"".join(message.get("body", b"") for message in messages)


async def _answer(send: Send, status: int, body: bytes, content_type: str, *headers: tuple[bytes, bytes]) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ],
    }
    await send(cast("Message", start))
    await send(cast("Message", {"type": "http.response.body", "body": body, "more_body": False}))

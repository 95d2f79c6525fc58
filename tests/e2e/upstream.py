"""What the stand-ins have in common: real loopback servers on a thread of their own, which record and misbehave."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from aiohttp import web

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Behaviour = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
WAIT_S = 30.0


class Stage:
    """The thread and event loop that stand-ins live on. Tests wait here for what must come true."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stand-ins", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=WAIT_S)

    def call_soon(self, deed: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(deed)

    def changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_until(
        self, claim: Callable[[], bool], what: str, within_s: float = WAIT_S, *, seen: object = None
    ) -> None:
        """Returns as soon as the claim is true; looks again whenever a stand-in was touched. `seen` is shown if not."""
        with self._changed:
            if not self._changed.wait_for(claim, timeout=within_s):
                raise AssertionError(f"not within {within_s:g} s: {what}; seen: {seen!r}")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=WAIT_S)
        self._loop.close()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as it came in. `at` is on the monotonic clock of this machine."""

    at: float
    operation: str
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class Refusal(Exception):
    """What the vendor would refuse; `why` is kept as a violation, because a right client never causes one."""

    def __init__(self, status: int, answer: object, why: str) -> None:
        super().__init__(why)
        self.status, self.answer, self.why = status, answer, why


@dataclass(kw_only=True)
class _Fault:
    behaviour: Behaviour
    left: int | None


class Upstream:
    """A server on 127.0.0.1, port chosen by the system. Subclasses name their operations in `routes`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._faults: dict[str, _Fault] = {}
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    def routes(self) -> Sequence[tuple[str, str, str, Handler]]:
        """(method, path, operation, handler); an operation may stand on several paths."""
        raise NotImplementedError

    def refusal_of_strangers(self) -> Refusal:
        return Refusal(404, {"reason": "not found"}, "")

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def start(self) -> Self:
        self.stage.run(self._start())
        return self

    def stop(self) -> None:
        self.stage.run(self._stop())

    def misbehave(self, operation: str, behaviour: Behaviour, times: int | None = None) -> None:
        """The next `times` requests of this operation (None: all of them) meet this behaviour; `*` is any operation."""
        self._faults[operation] = _Fault(behaviour=behaviour, left=times)

    def heal(self) -> None:
        self._faults.clear()

    def count(self, operation: str) -> int:
        return sum(call.operation == operation for call in tuple(self.calls))

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._receive], client_max_size=32 * 1024 * 1024)
        for index, (method, path, operation, handler) in enumerate(self.routes()):
            app.router.add_route(method, path, handler, name=f"{operation}.v{index}")
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self.port = int(listener.getsockname()[1])
        await web.SockSite(self._runner, listener).start()

    async def _stop(self) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _receive(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.match_info.route.name
        operation = name.rpartition(".")[0] if name else "unknown"
        body = await request.read()
        self.calls.append(
            Call(
                at=time.monotonic(),
                operation=operation,
                method=request.method,
                path=request.path_qs,
                headers={key.lower(): value for key, value in request.headers.items()},
                body=body,
            )
        )
        self.stage.changed()
        try:
            behaviour = self._next_behaviour(operation)
            if behaviour is not None:
                return await behaviour(request, self._guarded(handler, operation))
            return await self._guarded(handler, operation)(request)
        finally:
            self.stage.changed()

    def _guarded(self, handler: Handler, operation: str) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if operation == "unknown":
                    raise self.refusal_of_strangers()
                return await handler(request)
            except Refusal as refusal:
                if refusal.why:
                    self.violations.append(f"{operation}: {refusal.why}")
                return web.json_response(refusal.answer, status=refusal.status)

        return guarded

    def _next_behaviour(self, operation: str) -> Behaviour | None:
        fault = self._faults.get(operation) or self._faults.get("*")
        if fault is None or fault.left == 0:
            return None
        if fault.left is not None:
            fault.left -= 1
        return fault.behaviour


def json_body(request: web.Request, body: bytes, *, allowed: frozenset[str]) -> dict[str, Any]:
    """The JSON object of a request that is declared as JSON and holds no field that the vendor does not know."""
    if request.content_type != "application/json":
        raise Refusal(415, {"error": "invalid content type"}, f"sent as {request.content_type}")
    try:
        sent = json.loads(body)
    except ValueError:
        raise Refusal(400, {"error": "invalid body"}, "the body is not JSON") from None
    if not isinstance(sent, dict):
        raise Refusal(400, {"error": "invalid body"}, "the body is not an object")
    if strange := set(sent) - allowed:
        raise Refusal(400, {"error": "unknown field"}, f"unknown fields {sorted(strange)}")
    return sent


# --- misbehaviour -------------------------------------------------------------------------------------------------


def slow(seconds: float) -> Behaviour:
    async def behaviour(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await handler(request)

    return behaviour


def answers(status: int, text: str, content_type: str = "application/json", **headers: str) -> Behaviour:
    """Answers this in place of the truth; nothing takes effect. Header names are written with underscores."""

    async def behaviour(request: web.Request, handler: Handler) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, content_type=content_type, headers=named)

    return behaviour


def answers_json(status: int, value: object) -> Behaviour:
    return answers(status, json.dumps(value))


def hangs(upstream: Upstream) -> Behaviour:
    """Takes the request and never answers it; nothing takes effect."""

    async def behaviour(request: web.Request, handler: Handler) -> web.StreamResponse:
        await upstream._stopping.wait()
        return web.Response(status=503)

    return behaviour


def takes_effect_then(behaviour: Behaviour) -> Behaviour:
    """The deed is done, then the answer goes wrong."""

    async def after(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return await behaviour(request, handler)

    return after


async def drops(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Closes the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


SERVER_ERROR = answers(500, '{"error":"internal"}')
BROKEN_JSON = answers(200, '{"clients":[{"client_id":')
LOGIN_PAGE = answers(200, "<!doctype html><html><title>Login</title><form>usuario senha</form></html>", "text/html")


class Gate:
    """Holds requests until `open`, after letting the first ones pass; `take_effect_first` decides on which side of the
    deed they are held."""

    def __init__(self, stage: Stage, *, let_pass: int = 0, take_effect_first: bool = False) -> None:
        self._stage = stage
        self._opened = asyncio.Event()
        self._let_pass = let_pass
        self._take_effect_first = take_effect_first
        self.held = 0

    def open(self) -> None:
        self._stage.call_soon(self._opened.set)

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._let_pass > 0:
            self._let_pass -= 1
            return await handler(request)
        response = await handler(request) if self._take_effect_first else None
        self.held += 1
        self._stage.changed()
        await self._opened.wait()
        return response or await handler(request)

"""Answers to requests that went wrong: what the caller may know, and an id under which the log holds the rest.

No exception's own words go out: a framework's detail holds the request's path, and webhook and flow paths hold keys.
"""

import itertools
import re
import secrets
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap, Message, Scope
from msgspec import Struct

from application.failures import Failure, Unavailable

RETRY_AFTER_S = 5

# Not a secret, so no random bytes for each request: fetching them lets go of the interpreter, and that costs time.
_PROCESS = secrets.token_hex(4)
_NUMBERS = itertools.count()
_SAFE = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_ACCEPTABLE_ID = re.compile(rb"[0-9A-Za-z-]{8,64}")
_SENTENCES = {
    400: "O pedido não foi entendido.",
    401: "É preciso se identificar.",
    403: "Acesso negado.",
    404: "Não encontrado.",
    405: "Método não permitido.",
    413: "O pedido é grande demais.",
    415: "Tipo de conteúdo não aceito.",
    429: "Pedidos demais; tente novamente em instantes.",
    503: "Indisponível no momento; tente novamente em instantes.",
}
_OTHER_REFUSAL = "O pedido não pode ser atendido."
_OUR_FAULT = "Erro interno; informe o código do pedido ao suporte."

log = structlog.get_logger()


class ErrorAnswer(Struct, frozen=True, kw_only=True):
    error: str
    request_id: str


def sentence(status: int) -> str:
    """What people are told for this status, in Portuguese; total."""
    return _SENTENCES.get(status, _OTHER_REFUSAL if status < 500 else _OUR_FAULT)


def request_id(scope: Scope) -> str:
    """The caller's `X-Request-Id` if it is a plain one, else a new one; the same for the whole request."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        state["request_id"] = given.decode() if _ACCEPTABLE_ID.fullmatch(given) else f"{_PROCESS}{next(_NUMBERS):08x}"
    return str(state["request_id"])


def signature(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers that every answer carries."""
    return [(b"x-request-id", request_id(scope).encode()), *_SAFE]


async def sign_answer(message: Message, scope: Scope) -> None:
    if message["type"] == "http.response.start":
        message["headers"] = [*message.get("headers", []), *signature(scope)]


def retry_after_s(failure: Unavailable) -> int:
    """Whole seconds for `Retry-After`, at least one."""
    return max(1, round(failure.retry_after_s or RETRY_AFTER_S))


def answer_refusal(request: Request[Any, Any, Any], refusal: HTTPException) -> Response[ErrorAnswer]:
    if refusal.status_code >= 500:
        return _answer_fault(request, refusal)
    return _answer(request, refusal.status_code, headers=dict(refusal.headers or {}))


def note_unavailable(request: Request[Any, Any, Any], failure: Failure) -> None:
    log.warning(
        "request.unavailable", route=route_of(request), cause=failure.cause, request_id=request_id(request.scope)
    )


def note_fault(scope: Scope, route: str, error: Exception) -> None:
    log.error("request.failed", route=route, request_id=request_id(scope), exc_info=error)


def _answer_unavailable(request: Request[Any, Any, Any], failure: Unavailable) -> Response[ErrorAnswer]:
    note_unavailable(request, failure)
    return _answer(request, 503, headers={"retry-after": str(retry_after_s(failure))})


def _answer_fault(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorAnswer]:
    note_fault(request.scope, route_of(request), error)
    return _answer(request, 500)


def _answer(request: Request[Any, Any, Any], status: int, headers: dict[str, str] | None = None) -> Response[Any]:
    content = ErrorAnswer(error=sentence(status), request_id=request_id(request.scope))
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def route_of(request: Request[Any, Any, Any]) -> str:
    """The route's template, never the path: it may hold a key."""
    return request.scope.get("path_template") or str(request.scope.get("route_handler", ""))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    HTTPException: answer_refusal,
    Unavailable: _answer_unavailable,
    Exception: _answer_fault,
}

"""What a visitor sees when a page went wrong: a page, in words, with the id under which the log holds the rest."""

from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from application.failures import Failure
from entrypoints.http.app import Refuse
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import (
    SAFE_METHODS,
    NotFromOurPage,
    NotSignedIn,
    PageRequest,
    ask_to_sign_in,
    give_console,
    refuse_foreign,
)
from entrypoints.http.errors import answer_refusal, note_fault, note_unavailable, request_id, route_of, sentence

_TITLES = {403: "Acesso negado", 404: "Página não encontrada", 405: "Método não permitido", 413: "Grande demais"}
_NO_SUCH_PAGE = "Confira o endereço. Se ele veio de um link antigo, o que havia aqui pode ter sido apagado."


def _refusal(request: PageRequest, refusal: HTTPException) -> Response[str]:
    if refusal.status_code >= 500:
        return _fault(request, refusal)
    status = refusal.status_code
    return _page(request, status, _TITLES.get(status, "Não deu certo"), _text(status))


def refusals(console: Console) -> Refuse:
    """For addresses that are no page of ours: a person who mistyped one reads so, programs get their JSON."""

    def refuse(request: PageRequest, refusal: HTTPException) -> Response[Any]:
        is_person = request.method in SAFE_METHODS and "text/html" in request.headers.get("accept", "")
        if not (is_person and refusal.status_code == 404):
            return answer_refusal(request, refusal)
        return console.pages.show(
            request,
            "error.html",
            status=404,
            title=_TITLES[404],
            text=_text(404),
            request_id=request_id(request.scope),
        )

    return refuse


def _text(status: int) -> str:
    return _NO_SUCH_PAGE if status == 404 else sentence(status)


def _failure(request: PageRequest, failure: Failure) -> Response[str]:
    note_unavailable(request, failure)
    return _page(
        request, 503, "Indisponível no momento", "Isso costuma passar logo: tente de novo em alguns instantes."
    )


def _fault(request: PageRequest, error: Exception) -> Response[str]:
    note_fault(request.scope, route_of(request), error)
    return _page(request, 500, "Erro nosso", "Se acontecer de novo, informe o código abaixo ao suporte.")


def _page(request: PageRequest, status: int, title: str, text: str) -> Response[str]:
    return give_console(request).pages.show(
        request, "error.html", status=status, title=title, text=text, request_id=request_id(request.scope)
    )


MISHAPS: ExceptionHandlersMap = {
    NotSignedIn: ask_to_sign_in,
    NotFromOurPage: refuse_foreign,
    HTTPException: _refusal,
    Failure: _failure,
    Exception: _fault,
}

"""`POST /flow/{key}/{operation}`: a flow asks by "Enviar requisição" and reads the first level of a JSON answer.

A flow branches on fields, not on the status. So every answer is a flat object with `resultado`, and where Ponte itself
fails that is the auxiliary flow, with status 200. Another status has only what the flow's author must mend; what that is
stands in `erro`, apart from `mensagem`, which is always fit for a customer.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from litestar import HttpMethod, Request, Response, post, route
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.huggy.inbound import NotUnderstood
from application.answer_flow import AnswerFlow, unanswered
from application.failures import Unavailable
from application.ports import Arrival, Installations, Render
from domain.flow_answer import FlowOperation
from domain.identifiers import Secret
from domain.installation import Installation, Policies
from entrypoints.http.errors import request_id
from entrypoints.metrics import Meters
from entrypoints.work_loop import WorkLoop

BODY_MAX = 256 * 1024
PATH = "/flow/{key:str}/{operation:str}"
_OPERATIONS = f"{', '.join(list(FlowOperation)[:-1])} ou {list(FlowOperation)[-1]}"
_NOT_FOUND = f"Não existe esse endereço. Confira a chave e a operação, que pode ser {_OPERATIONS}."
_ONLY_POST = (
    "Este endereço é para a ação “Enviar requisição” de um flow da Huggy. Nela, escolha o método POST e envie o campo "
    "cpf_cnpj com o que o cliente digitou."
)
_NOT_UNDERSTOOD = 'O corpo do pedido não é JSON nem formulário. Envie, por exemplo, {"cpf_cnpj": "529.982.247-25"}.'
_TOO_LARGE = "O pedido é grande demais: o limite é de 256 KiB."

log = structlog.get_logger()


class ReadRequest(Protocol):
    def __call__(
        self, operation: FlowOperation, body: bytes, content_type: str = "", query: str = "", *, salt: Secret
    ) -> Arrival:
        """Raises `NotUnderstood` and nothing else."""
        ...


class _Refusal(Exception):
    """The flow's author must mend something."""

    def __init__(self, status: int, reason: str, advice: str) -> None:
        self.status = status
        self.reason = reason
        self.advice = advice


class FlowApi:
    def __init__(
        self,
        *,
        installations: Installations,
        answer: AnswerFlow,
        work_loop: WorkLoop,
        read: ReadRequest,
        render: Render,
        meters: Meters,
    ) -> None:
        self._installations = installations
        self._answer = answer
        self._work_loop = work_loop
        self._read = read
        self._render = render
        self._meters = meters

    async def __call__(self, key: str, name: str, request: Request[Any, Any, Any]) -> Response[Mapping[str, str]]:
        operation = FlowOperation(name) if name in set(FlowOperation) else None
        if operation is None:
            return self.refuse(_Refusal(404, "unknown_operation", _NOT_FOUND))
        policies = Policies()
        try:
            installation = await self._installations.by_flow_key(key)
            if installation is None:
                return self.refuse(_Refusal(404, "unknown_key", _NOT_FOUND))
            policies = installation.policies
            told = await self._ask(operation, installation, request)
        except _Refusal as refusal:
            return self.refuse(refusal, operation, policies)
        except Unavailable as failure:
            log.warning("flow.unavailable", cause=failure.cause, request_id=request_id(request.scope))
            told = unanswered(operation, failure.cause, policies, self._render)
        except Exception as fault:  # our own fault is no reason to leave a flow without an answer
            log.error("flow.failed", operation=operation, request_id=request_id(request.scope), exc_info=fault)  # noqa: TRY400
            told = unanswered(operation, "ponte.fault", policies, self._render)
        self._meters.answered(operation, told["resultado"])
        return _answer(200, told)

    def refuse(
        self, refusal: _Refusal, operation: FlowOperation | None = None, policies: Policies | None = None
    ) -> Response[Mapping[str, str]]:
        self._meters.flow_refused(refusal.reason)
        told = unanswered(operation, f"flow.{refusal.reason}", policies or Policies(), self._render)
        return _answer(refusal.status, {**told, "erro": refusal.advice})

    async def _ask(
        self, operation: FlowOperation, installation: Installation, request: Request[Any, Any, Any]
    ) -> dict[str, str]:
        try:
            body = await request.body()
        except RequestEntityTooLarge:
            raise _Refusal(413, "too_large", _TOO_LARGE) from None
        try:
            arrival = self._read(
                operation,
                body,
                request.headers.get("content-type", ""),
                request.scope["query_string"].decode("latin-1"),
                salt=installation.flow_api_key,
            )
        except NotUnderstood:
            raise _Refusal(400, "not_understood", _NOT_UNDERSTOOD) from None
        return await self._work_loop.run(lambda: self._answer(operation, arrival, installation))


def flow_routes(api: FlowApi) -> list[HTTPRouteHandler]:
    @post(PATH, status_code=200, request_max_body_size=BODY_MAX)
    async def flow_request(
        key: FromPath[str], operation: FromPath[str], request: Request[Any, Any, Any]
    ) -> Response[Mapping[str, str]]:
        return await api(key, operation, request)

    @route(PATH, http_method=[HttpMethod.GET, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE], status_code=405)
    async def flow_otherwise() -> Response[Mapping[str, str]]:
        answer = api.refuse(_Refusal(405, "method", _ONLY_POST))
        answer.headers["allow"] = "POST"
        return answer

    return [flow_request, flow_otherwise]


def _answer(status: int, told: Mapping[str, str]) -> Response[Mapping[str, str]]:
    return Response(told, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})

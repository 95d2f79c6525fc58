"""`/api/outages`: the provider's own systems (monitoring, a script) declare, correct and close mass outages.

They show the installation's key as `Authorization: Bearer …`. What can't be done is told in Portuguese, with the field
that must be mended.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from litestar import HttpMethod, Request, Response, get, post, route
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from application.declare_outage import DeclareOutages, WhyNot
from application.outage_ports import OutageRegistry, Told
from application.ports import Clock, Installations
from domain.installation import Installation
from domain.outage_scope import DeclaredOutage, OutageId, Source
from entrypoints.http.errors import request_id, sentence
from entrypoints.outage_form import (
    REFUSALS,
    OutageForm,
    WrongOutage,
    outage_facts,
    read_correction,
    read_declaration,
    zone_of,
)

BODY_MAX = 256 * 1024
PATH = "/api/outages"

_FIELDS = OutageForm.__struct_fields__
_OWN_ID = re.compile(r"(?!erp-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_STATUS = {WhyNot.UNKNOWN: 404, WhyNot.ENDED: 409, WhyNot.TOLD_BY_ERP: 409, WhyNot.TOO_MANY: 429}
_NO_KEY = (
    "Envie o cabeçalho Authorization: Bearer CHAVE, com a chave da API de falhas desta empresa (ela aparece em "
    "`ponte installation show`)."
)
_NOT_JSON = 'O corpo deve ser um objeto JSON, por exemplo {"scope": "all", "predicted": "18:30"}.'
_HOW = (
    "Use GET /api/outages para listar, POST /api/outages para abrir, PATCH /api/outages/{id} para corrigir e POST "
    "/api/outages/{id}/close para encerrar."
)

Act = Callable[[Installation], Awaitable[Response[Any]]]
Asked = Request[Any, Any, Any]


class _Refusal(Exception):
    def __init__(self, status: int, error: str, *, field: str = "") -> None:
        self.status = status
        self.error = error
        self.field = field


class OutageApi:
    def __init__(self, *, installations: Installations, outages: OutageRegistry, clock: Clock) -> None:
        self._installations = installations
        self._outages = outages
        self._clock = clock

    async def __call__(self, request: Asked, act: Act) -> Response[Any]:
        """What `act` answers for the installation whose key the caller shows."""
        try:
            return await act(await self._caller(request))
        except WrongOutage as wrong:
            return self.refuse(request, _Refusal(400, f"{wrong}.", field=wrong.field))
        except _Refusal as refusal:
            return self.refuse(request, refusal)

    def refuse(self, request: Asked, refusal: _Refusal) -> Response[Any]:
        told = {"error": refusal.error, **({"field": refusal.field} if refusal.field else {})}
        headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else {}
        return _answer({**told, "request_id": request_id(request.scope)}, refusal.status, headers)

    async def list(self, installation: Installation, *, past: bool) -> Response[Any]:
        shown = await (self._outages.recent if past else self._outages.standing)(installation.id)
        told = await self._outages.told(installation.id)
        return _answer({"outages": [self._facts(each, told, installation) for each in shown]})

    async def open(self, installation: Installation, fields: dict[str, object]) -> Response[Any]:
        outage_id = _own_id(fields.pop("id", None))
        declaration = read_declaration(_form(fields), now=self._clock.now(), zone=zone_of(installation))
        opened = await self._declare(installation).open(outage_id, declaration, source=Source.API)
        return await self._kept(installation, opened, status=201)

    async def correct(self, installation: Installation, outage_id: str, fields: dict[str, object]) -> Response[Any]:
        correction = read_correction(_form(fields), now=self._clock.now(), zone=zone_of(installation))
        return await self._kept(
            installation, await self._declare(installation).correct(OutageId(outage_id), correction)
        )

    async def close(self, installation: Installation, outage_id: str) -> Response[Any]:
        closed = await self._declare(installation).close(OutageId(outage_id), source=Source.API)
        return await self._kept(installation, closed)

    async def _caller(self, request: Asked) -> Installation:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        installation = None
        if scheme.lower() == "bearer" and key.strip():
            installation = await self._installations.by_outage_key(key.strip())
        if installation is None:
            raise _Refusal(401, _NO_KEY)
        return installation

    def _declare(self, installation: Installation) -> DeclareOutages:
        return DeclareOutages(registry=self._outages, clock=self._clock, installation=installation)

    async def _kept(
        self, installation: Installation, outage: DeclaredOutage | WhyNot, *, status: int = 200
    ) -> Response[Any]:
        if isinstance(outage, WhyNot):
            raise _Refusal(_STATUS[outage], f"{REFUSALS[outage][0].upper()}{REFUSALS[outage][1:]}.")
        told = await self._outages.told(installation.id)
        return _answer(
            {
                "outage": self._facts(outage, told, installation),
                "message_enabled": installation.policies.outage_message_enabled,
            },
            status,
        )

    def _facts(
        self, outage: DeclaredOutage, told: Mapping[OutageId, Told], installation: Installation
    ) -> Mapping[str, object]:
        return outage_facts(outage, told.get(outage.id, Told()), now=self._clock.now(), zone=zone_of(installation))


def outage_routes(api: OutageApi) -> list[HTTPRouteHandler]:
    @get(PATH)
    async def list_outages(request: Asked) -> Response[Any]:
        past = request.query_params.get("all", "").lower() in {"1", "true"}
        return await api(request, lambda installation: api.list(installation, past=past))

    @post(PATH, request_max_body_size=BODY_MAX)
    async def open_outage(request: Asked) -> Response[Any]:
        async def act(installation: Installation) -> Response[Any]:
            return await api.open(installation, await _fields(request))

        return await api(request, act)

    @route(f"{PATH}/{{outage:str}}", http_method=[HttpMethod.PATCH], request_max_body_size=BODY_MAX)
    async def correct_outage(request: Asked, outage: FromPath[str]) -> Response[Any]:
        async def act(installation: Installation) -> Response[Any]:
            return await api.correct(installation, outage, await _fields(request))

        return await api(request, act)

    @post(f"{PATH}/{{outage:str}}/close")
    async def close_outage(request: Asked, outage: FromPath[str]) -> Response[Any]:
        return await api(request, lambda installation: api.close(installation, outage))

    @route([PATH, f"{PATH}/{{outage:str}}"], http_method=[HttpMethod.PUT, HttpMethod.DELETE], status_code=405)
    async def otherwise(request: Asked) -> Response[Any]:
        return api.refuse(request, _Refusal(405, _HOW))

    return [list_outages, open_outage, correct_outage, close_outage, otherwise]


async def _fields(request: Asked) -> dict[str, object]:
    try:
        body = await request.body()
        fields = msgspec.json.decode(body, type=dict[str, object]) if body.strip() else {}
    except RequestEntityTooLarge:
        raise _Refusal(413, sentence(413)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise _Refusal(400, _NOT_JSON) from None
    unknown = sorted(fields.keys() - {*_FIELDS, "id"})
    if unknown:
        raise _Refusal(400, f"Não existe o campo {unknown[0][:40]!r}; existem: {', '.join(_FIELDS)} e, ao abrir, id.")
    return fields


def _form(fields: Mapping[str, object]) -> OutageForm:
    """A field that is null is to be taken away, one that is not there stays as it is."""
    return OutageForm(**{name: _text(name, value) for name, value in fields.items() if name != "id"})


def _text(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case int() if name == "protocol" and not isinstance(value, bool):
            return str(value)
        case _:
            raise WrongOutage(name, "deve ser um texto")


def _own_id(value: object) -> OutageId:
    """The caller's own name for it, so that the same request sent twice opens one outage; else a new one."""
    if value is None:
        return OutageId(secrets.token_hex(4))
    if not isinstance(value, str) or not _OWN_ID.fullmatch(value):
        raise WrongOutage("id", "use até 64 letras, dígitos, ponto, hífen ou sublinhado, e não comece com erp-")
    return OutageId(value)


def _answer(told: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(
        told,
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store", **(headers or {})},
    )

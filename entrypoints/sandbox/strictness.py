"""Reading a request the way a strict vendor does: the right content type, every required field, no unknown one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection

VendorRequest = Request[Any, Any, Any]
Connection = ASGIConnection[Any, Any, Any, Any]
Kinds = Mapping[str, type | tuple[type, ...]]
"""field name -> what its value must be"""

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Refused(Exception):
    """The vendor's refusal: the status and JSON body of its answer."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def answer_refusal(_: VendorRequest, refusal: Refused) -> Response[Any]:
    return Response(dict(refusal.body), status_code=refusal.status, media_type=JSON)


def content_type(request: VendorRequest) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def took_effect(request: VendorRequest) -> None:
    """Marks a request that changed something: see `FaultName.DROP_AFTER_WRITE`."""
    request.scope["state"]["wrote"] = True


async def json_fields(request: VendorRequest, required: Kinds, optional: Kinds | None = None) -> dict[str, Any]:
    if content_type(request) != JSON:
        raise Refused(400, {"message": "Content-Type must be application/json"})
    try:
        fields = msgspec.json.decode(await request.body(), type=dict[str, Any])
    except msgspec.DecodeError:
        raise Refused(400, {"message": "the body is not a JSON object"}) from None
    return _checked(fields, required, optional or {})


async def form_fields(request: VendorRequest, required: Kinds, optional: Kinds | None = None) -> dict[str, Any]:
    if content_type(request) != FORM:
        raise Refused(400, {"message": f"Content-Type must be {FORM}"})
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise Refused(400, {"message": "the body is not a form"}) from None
    if len(dict(pairs)) != len(pairs):
        raise Refused(400, {"message": "a field is repeated"})
    return _checked(dict(pairs), required, optional or {})


def _checked(fields: dict[str, Any], required: Kinds, optional: Kinds) -> dict[str, Any]:
    known = {**required, **optional}
    if unknown := fields.keys() - known.keys():
        raise Refused(400, {"message": f"unknown field: {min(unknown)}"})
    if missing := required.keys() - fields.keys():
        raise Refused(400, {"message": f"missing field: {min(missing)}"})
    for name, value in fields.items():
        kind = known[name]
        if type(value) not in (kind if isinstance(kind, tuple) else (kind,)):
            raise Refused(400, {"message": f"wrong type: {name}"})
    return fields

"""The configuration as a file, without secrets, and back: to keep, or to set up another company alike."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct
from msgspec.structs import asdict, replace

from domain.identifiers import FlowId
from domain.installation import FlowKey, Installation, Policies
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_outage import wrong_message
from entrypoints.http.console.setup_rule_fields import written
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.setup_steps import address_of_step, show_step
from entrypoints.installation_form import wrong_flow_id
from entrypoints.policies import WrongPolicy, with_policies

SLUG = "copiar"
FORMAT = "ponte-configuracao-1"
SIZE_MAX = 64 * 1024
NOT_COPIED = ("paused", "shadow")
"""whether a company is live is its own matter"""


class Copy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is common to companies: neither whose it is nor how to get in."""

    format: str
    flows: dict[FlowKey, str] = {}
    policies: dict[str, str | float | bool | list[str] | None] = {}


class WrongCopy(ValueError):
    """What is wrong, in a sentence."""


_decode = msgspec.json.Decoder(Copy).decode


@get("/configurar/copiar")
async def show_copy(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return show_step(console, request, installation, SLUG)


@get("/configurar/exportar")
async def export(installation: NamedDependency[Installation]) -> Response[bytes]:
    policies = {name: value for name, value in asdict(installation.policies).items() if name not in NOT_COPIED}
    copy = {"format": FORMAT, "flows": installation.flows, "policies": policies}
    return Response(
        msgspec.json.format(msgspec.json.encode(copy)),
        media_type="application/json",
        headers={
            "content-disposition": 'attachment; filename="ponte-configuracao.json"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


@post("/configurar/importar", status_code=200)
async def bring_in(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    form = await request.form()
    file = form.get("file")
    content = await file.read(SIZE_MAX + 1) if isinstance(file, UploadFile) else b""
    try:
        flows, policies = _read(content, installation.policies)
    except WrongCopy as wrong:
        return show_step(console, request, installation, SLUG, errors={"file": str(wrong)})
    brings_flows = "with_flows" in form
    await save(
        console,
        visitor,
        installation,
        "Importou uma configuração",
        lambda fresh: replace(
            fresh,
            policies=with_policies(fresh.policies, policies),
            flows={**fresh.flows, **flows} if brings_flows else fresh.flows,
        ),
    )
    await flash(request, "Configuração importada.")
    return Redirect(address_of_step(installation, "ativar"), status_code=303)


def _read(content: bytes, current: Policies) -> tuple[dict[FlowKey, FlowId], list[tuple[str, str]]]:
    """Flows and policies, each as it could have been typed; `WrongCopy` otherwise."""
    if not content:
        raise WrongCopy("Escolha o arquivo exportado de outra empresa.")
    if len(content) > SIZE_MAX:
        raise WrongCopy("Este arquivo é grande demais para ser uma configuração exportada pelo Ponte.")
    try:
        copy = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WrongCopy("Este arquivo não é uma configuração exportada pelo Ponte.") from None
    if copy.format != FORMAT:
        raise WrongCopy("Este arquivo é de outra versão do Ponte.")
    flows = {key: FlowId(flow_id) for key, flow_id in copy.flows.items() if flow_id}
    if any(map(wrong_flow_id, flows.values())):
        raise WrongCopy("Há um flow no arquivo que não é um número.")
    policies = [(name, _as_typed(value)) for name, value in copy.policies.items() if name not in NOT_COPIED]
    try:
        with_policies(current, policies)
    except WrongPolicy:
        raise WrongCopy("Há uma regra no arquivo que este Ponte não conhece ou não aceita.") from None
    if wrong_message(dict(policies).get("outage_message", "")):
        raise WrongCopy("A mensagem de falha massiva do arquivo tem variáveis que não existem.")
    return flows, policies


def _as_typed(value: object) -> str:
    match value:
        case list():
            return ", ".join(map(str, value))
        case bool() | str() | None:
            return written(value)
        case _:
            return f"{value:g}"


copy_routes = [show_copy, export, bring_in]

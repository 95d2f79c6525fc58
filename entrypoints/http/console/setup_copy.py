"""The configuration as a file, without secrets, and back: to keep, or to set up another company alike."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec.structs import asdict, replace

from domain.identifiers import FlowId
from domain.installation import FlowKey, Installation, Policies
from domain.readiness import FLOW_NAMES
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_outage import wrong_message
from entrypoints.http.console.setup_rule_fields import LABELS, written
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.setup_steps import address_of_step, show_step
from entrypoints.installation_form import wrong_flow_id
from entrypoints.policies import POLICY_NAMES, WrongPolicy, what_is_right, with_policies

SLUG = "copiar"
FORMAT = "ponte-configuracao-1"
PARTS = ("format", "flows", "policies")
SIZE_MAX = 64 * 1024
TOLD_MAX = 5
"""so many wrong places of a file are told at once; the rest is not even looked at, which would take its time"""
NAME_MAX = 40
"""characters that are told of a name in the file"""
NOT_COPIED = ("paused", "shadow")
"""whether a company is live is its own matter"""


class WrongCopy(ValueError):
    """What is wrong and where, in sentences; no value of the file is in them."""


_decode = msgspec.json.Decoder(dict[str, Any]).decode


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
    file = _opened(content)
    flows = {name: str(value) for name, value in _pairs(file, "flows") if value}
    policies = [(name, value) for name, value in _pairs(file, "policies") if name not in NOT_COPIED]
    found = chain(
        (_wrong_part(name, value) for name, value in file.items()),
        (_wrong_flow(name, text) for name, text in flows.items()),
        (_wrong_policy(name, value, current) for name, value in policies),
    )
    wrong = list(islice(filter(None, found), TOLD_MAX + 1))
    if wrong:
        raise WrongCopy(" ".join(wrong if len(wrong) <= TOLD_MAX else [*wrong[:TOLD_MAX], "E há mais, depois destes."]))
    return (
        {FlowKey(name): FlowId(text) for name, text in flows.items()},
        [(name, _as_typed(value)) for name, value in policies],
    )


def _opened(content: bytes) -> dict[str, Any]:
    if not content:
        raise WrongCopy("Escolha o arquivo exportado de outra empresa.")
    if len(content) > SIZE_MAX:
        raise WrongCopy("Este arquivo é grande demais para ser uma configuração exportada pelo Ponte.")
    try:
        file = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        file = {}
    if "format" not in file:
        raise WrongCopy("Este arquivo não é uma configuração exportada pelo Ponte.")
    if file["format"] != FORMAT:
        raise WrongCopy("Este arquivo é de outra versão do Ponte.")
    return file


def _pairs(file: Mapping[str, Any], part: str) -> list[tuple[str, Any]]:
    pairs = file.get(part)
    return list(pairs.items()) if isinstance(pairs, dict) else []


def _wrong_part(name: str, value: object) -> str:
    if name not in PARTS:
        return f"{_at(name)}: não faz parte da configuração; {_instead(name, PARTS)}."
    if name != "format" and not isinstance(value, dict):
        return f"{name}: use nomes e valores, como em um arquivo exportado."
    return ""


def _wrong_flow(name: str, text: str) -> str:
    place = _at("flows", name)
    if name not in set(FlowKey):
        return f"{place}: não existe; {_instead(name, FlowKey)}."
    return (
        f"{place} ({FLOW_NAMES[FlowKey(name)]}): use só o número do flow, como 259215." if wrong_flow_id(text) else ""
    )


def _wrong_policy(name: str, value: object, current: Policies) -> str:
    place = _at("policies", name)
    if name not in POLICY_NAMES:
        return f"{place}: este Ponte não tem esta regra; {_instead(name, POLICY_NAMES)}."
    try:
        text = _as_typed(value)
        with_policies(current, [(name, text)])
    except (WrongPolicy, msgspec.ValidationError):
        return f"{place} ({LABELS[name]}){_which_part(name, value, current)}: {what_is_right(name)}."
    wrong = wrong_message(text) if name == "outage_message" else ""
    return f"{place} ({LABELS[name]}): {wrong[:1].lower()}{wrong[1:]}" if wrong else ""


def _which_part(name: str, value: object, current: Policies) -> str:
    """Of a list, the first that is wrong, counted as people count."""
    parts = value if isinstance(value, list) and isinstance(getattr(current, name), tuple) else []
    for position, part in enumerate(parts, start=1):
        try:
            with_policies(current, [(name, _as_typed([part]))])
        except (WrongPolicy, msgspec.ValidationError):
            return f", {position}º da lista"
    return ""


def _at(*path: str) -> str:
    """A place in the file; whoever wrote a name may have written anything."""
    return ".".join(name if len(name) <= NAME_MAX else f"{name[:NAME_MAX]}…" for name in path)


def _instead(name: str, known: Iterable[str]) -> str:
    alike = get_close_matches(name[:NAME_MAX], list(known), n=1)
    return f"talvez seja {alike[0]}" if alike else "tire do arquivo"


def _as_typed(value: object) -> str:
    """`msgspec.ValidationError` where it is nothing that a policy can be."""
    match msgspec.convert(value, str | float | bool | list[str] | None):
        case list() as parts:
            return ", ".join(parts)
        case bool() | str() | None as simple:
            return written(simple)
        case number:
            return f"{number:g}"


copy_routes = [show_copy, export, bring_in]

"""Rede Off at work: the outages that stand, who was told of them, and what the provider's people declare by hand."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec.structs import replace

from application.declare_outage import DeclareOutages, WhyNot
from application.failures import Failure
from application.history import Filters, Group
from application.outage_ports import Told
from domain.causes import advise
from domain.installation import Installation
from domain.outage import Outage, spoken_prediction, tell
from domain.outage_scope import NO_COMMON_PROTOCOL, DeclaredOutage, OutageId, Reach, Source
from domain.outage_words import said_scope
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.run_words import WHY_NOT_FOUND
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.outage_form import (
    REFUSALS,
    OutageChange,
    OutageForm,
    WrongOutage,
    change_details,
    read_correction,
    read_declaration,
    state_of,
    zone_of,
)

PATH = "/rede-off"
WAITING_SHOWN = 50
"""more chats than these that wait are told as `50+`"""
REACHES = (
    ("all", "Toda a rede"),
    ("city", "Uma ou mais cidades"),
    ("district", "Um ou mais bairros"),
    ("access-point", "Um ou mais pontos de acesso"),
    ("contracts", "Contratos"),
)
_WRITTEN = {Reach.ACCESS_POINT: "access-point"}
SOURCES = {
    Source.ERP: "Informada pelo ERP",
    Source.ADMIN: "Aberta à mão",
    Source.API: "Aberta pela API",
}
NAMES_FOR_ALL = "Escolha acima cidades, bairros, pontos de acesso ou contratos; para toda a rede, deixe em branco."
OPENED = "Falha aberta: quem escrever a partir de agora é avisado."
OPENED_SILENTLY = "Falha aberta. A mensagem está desligada: no primeiro contato, ninguém é avisado."
CORRECTED = "Falha corrigida. Com previsão nova, quem já foi avisado é avisado de novo se escrever."
CORRECTED_SILENTLY = "Falha corrigida. A mensagem está desligada: no primeiro contato, ninguém é avisado."
_STATES = {"open": ("warn", "Aberta"), "ended": ("good", "Encerrada"), "expired": ("calm", "Venceu")}
FIELDS = ("reach", "names", "predicted", "cause", "protocol", "expires")


@get(PATH)
async def list_outages(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return await _page(request, console, installation)


@get(f"{PATH}/agora")
async def outages_now(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    """The part of the page that lives; nothing while it looks the same."""
    standing = await _standing(console, installation)
    if request.query_params.get("visto") == standing["mark"]:
        return Response("", status_code=204)
    content = console.pages.fragment(
        "prove/outages_now.html", installation=installation, **_frame(installation), **standing
    )
    return Response(content, media_type=MediaType.HTML, headers=GUARDS)


@post(PATH, status_code=200)
async def open_outage(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    typed = _typed(await request.form())
    try:
        declaration = read_declaration(_form(typed), now=console.clock.now(), zone=zone_of(installation))
    except WrongOutage as wrong:
        return await _page(request, console, installation, typed=typed, errors=_at_field(wrong, typed))
    opened = await _declare(console, installation).open(OutageId(console.new_id()), declaration)
    if isinstance(opened, WhyNot):
        return await _page(request, console, installation, typed=typed, errors={"reach": _sentence(opened)})
    await console.audit.note(installation.id, visitor, OutageChange.OPENED, change_details(opened))
    await flash(request, OPENED if installation.policies.outage_message_enabled else OPENED_SILENTLY)
    return Redirect(_address(installation), status_code=303)


@get(f"{PATH}/{{outage_id:str}}")
async def show_outage(
    request: PageRequest,
    console: NamedDependency[Console],
    installation: NamedDependency[Installation],
    outage_id: FromPath[str],
) -> Response[str]:
    outage = await _found(console, installation, outage_id)
    return await _edit_page(request, console, installation, outage, typed=_as_typed(outage, installation))


@post(f"{PATH}/{{outage_id:str}}", status_code=200)
async def correct_outage(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
    outage_id: FromPath[str],
) -> Response[Any]:
    outage = await _found(console, installation, outage_id)
    typed, before = _typed(await request.form()), _as_typed(outage, installation)
    changed = {name: text for name, text in typed.items() if text != before[name]}
    try:
        correction = read_correction(_form(typed, changed), now=console.clock.now(), zone=zone_of(installation))
    except WrongOutage as wrong:
        return await _edit_page(request, console, installation, outage, typed=typed, errors=_at_field(wrong, typed))
    corrected = await _declare(console, installation).correct(outage.id, correction)
    if isinstance(corrected, WhyNot):
        errors = {"reach": _sentence(corrected)}
        return await _edit_page(request, console, installation, outage, typed=typed, errors=errors)
    await console.audit.note(installation.id, visitor, OutageChange.CORRECTED, change_details(corrected))
    await flash(request, CORRECTED if installation.policies.outage_message_enabled else CORRECTED_SILENTLY)
    return Redirect(_address(installation), status_code=303)


@post(f"{PATH}/{{outage_id:str}}/encerrar")
async def close_outage(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
    outage_id: FromPath[str],
) -> Redirect:
    outage = await _found(console, installation, outage_id)
    closed = await _declare(console, installation).close(outage.id)
    if isinstance(closed, WhyNot):
        raise NotFoundException
    await console.audit.note(installation.id, visitor, OutageChange.CLOSED, change_details(closed))
    await flash(request, "Falha encerrada: ninguém mais é avisado dela.")
    return Redirect(_address(installation), status_code=303)


@post(f"{PATH}/previa", status_code=200)
async def preview_outage(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    """A fragment, as it is typed: what a customer would read now."""
    typed, preview, wrong = _typed(await request.form()), "", ""
    now, zone = console.clock.now(), zone_of(installation)
    try:
        declared = read_declaration(replace(_form(typed), scope="all"), now=now, zone=zone)
        told = Outage(id="", predicted_at=declared.predicted_at, protocol=declared.protocol, cause=declared.cause)
        preview = tell(installation.policies.outage_message, told, now=now, zone=zone)
    except WrongOutage as unclear:
        wrong = next(iter(_at_field(unclear, typed).values()))
    content = console.pages.fragment("setup/outage_preview.html", preview=preview, wrong=wrong)
    return Response(content, media_type=MediaType.HTML, headers=GUARDS)


@post(f"{PATH}/testar", status_code=200)
async def try_outage(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    """Whether a customer would be told, and of which outage; the document goes nowhere but to the ERP."""
    document = str((await request.form()).get("document", "")).strip()[:60]
    trial = await _trial(console, installation, document)
    if request.headers.get("hx-request"):
        content = console.pages.fragment("prove/outage_trial.html", trial=trial, installation=installation)
        return Response(content, media_type=MediaType.HTML, headers=GUARDS)
    return await _page(request, console, installation, document=document, trial=trial)


async def _trial(console: Console, installation: Installation, document: str) -> dict[str, Any]:
    try:
        tried = await console.work_loop.run(lambda: console.try_outage(document, installation))
    except Failure as failure:
        advice = advise(failure.cause)
        return {"tone": "bad", "title": f"{advice.title}.", "text": advice.what_to_do}
    if tried.why_not_found is not None:
        return {"tone": "calm", "title": "Cliente não encontrado.", "text": WHY_NOT_FOUND[tried.why_not_found]}
    if tried.outage is None:
        return {"tone": "good", "title": "Este cliente não seria avisado.", "text": "Nenhuma falha aberta atinge os contratos dele."}  # fmt: skip
    reached = [each.number for each in tried.contracts if tried.outage.reaches(each.id)]
    policies, known = installation.policies, tried.declared
    where = f"pela falha {said_scope(known.scope)}" if known else "por uma falha que o ERP acabou de informar"
    contracts = (
        f"Contrato atingido: {reached[0]}." if len(reached) == 1 else f"Contratos atingidos: {', '.join(reached)}."
    )
    says = policies.outage_message_enabled
    return {
        "tone": "warn",
        "title": f"Este cliente {'seria avisado' if says else 'está atingido'} {where}.",
        "text": f"{contracts} {SOURCES[known.source] if known else SOURCES[Source.ERP]}.",
        "words": tried.words,
        "silent": not says,
        "closes": policies.outage_closes_chat and len(reached) == len(tried.contracts),
    }


async def _standing(console: Console, installation: Installation) -> dict[str, Any]:
    """What stands now and what it does, with a mark that changes when any of it does."""
    now = console.clock.now()
    standing = await console.outages.standing(installation.id)
    told = await console.outages.told(installation.id)
    waiting = await console.history.events(installation.id, Filters(group=Group.WAITING), limit=WAITING_SHOWN)
    shown = [_shown(each, told.get(each.id, Told()), installation, now) for each in standing]
    count = f"{WAITING_SHOWN}+" if waiting.older else str(len(waiting.rows))
    mark = blake2b(repr((shown, count)).encode(), digest_size=8).hexdigest()
    return {"standing": shown, "waiting": count, "mark": mark}


def _shown(outage: DeclaredOutage, told: Told, installation: Installation, now: datetime) -> dict[str, Any]:
    zone = zone_of(installation)
    tone, state = _STATES[state_of(outage, now)]
    return {
        "id": outage.id,
        "at": _address(installation, outage),
        "scope": said_scope(outage.scope),
        "names": outage.scope.names,
        "source": SOURCES[outage.source],
        "by_erp": outage.source is Source.ERP,
        "tone": tone,
        "state": state,
        "cause": outage.cause,
        "prediction": spoken_prediction(outage.predicted_at, now=now, zone=zone),
        "late": outage.predicted_at is not None and outage.predicted_at <= now,
        "protocol": "um para cada cliente" if outage.protocol == NO_COMMON_PROTOCOL else outage.protocol or "",
        "since": outage.started_at,
        "expires": outage.expires_at,
        "ended": outage.ended_at,
        "ended_by": SOURCES[outage.ended_by] if outage.ended_by else "",
        "told": told.chats,
        "closed": told.closed,
        "words": tell(
            installation.policies.outage_message,
            Outage(id="", predicted_at=outage.predicted_at, protocol=outage.protocol or None, cause=outage.cause),
            now=now,
            zone=zone,
        ),
    }


async def _page(
    request: PageRequest,
    console: Console,
    installation: Installation,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    document: str = "",
    trial: Mapping[str, Any] | None = None,
) -> Response[str]:
    now = console.clock.now()
    recent, told = await console.outages.recent(installation.id), await console.outages.told(installation.id)
    past = [_shown(each, told.get(each.id, Told()), installation, now) for each in recent if not each.stands(now)]
    return console.pages.show(
        request,
        "prove/outages.html",
        status=422 if errors else 200,
        installation=installation,
        **_frame(installation),
        **await _standing(console, installation),
        past=past,
        typed={**dict.fromkeys(FIELDS, ""), "reach": "all", **(typed or {})},
        errors=errors or {},
        reaches=REACHES,
        document=document,
        trial=trial,
    )


async def _edit_page(
    request: PageRequest,
    console: Console,
    installation: Installation,
    outage: DeclaredOutage,
    *,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    now = console.clock.now()
    told = (await console.outages.told(installation.id)).get(outage.id, Told())
    return console.pages.show(
        request,
        "prove/outage.html",
        status=422 if errors else 200,
        installation=installation,
        **_frame(installation),
        outage=_shown(outage, told, installation, now),
        fixed=outage.source is Source.ERP or outage.ended_at is not None,
        over=outage.ended_at is not None,
        typed=typed,
        errors=errors or {},
        reaches=REACHES,
    )


def _frame(installation: Installation) -> dict[str, Any]:
    return {"at": _address(installation), "zone": installation.policies.timezone, "root": f"/i/{installation.id}"}


def _address(installation: Installation, outage: DeclaredOutage | None = None) -> str:
    return f"/i/{installation.id}{PATH}" + (f"/{outage.id}" if outage else "")


def _typed(form: FormMultiDict) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip() for name in FIELDS}


def _form(typed: Mapping[str, str], changed: Mapping[str, str] | None = None) -> OutageForm:
    """As commands and the API write it; of what is `changed` alone, where that is given."""
    said = typed if changed is None else changed
    scope = None
    if "reach" in said or "names" in said:
        scope = f"{typed['reach']}={typed['names']}"
    return OutageForm(
        scope=scope,
        predicted=said.get("predicted"),
        cause=said.get("cause"),
        protocol=said.get("protocol"),
        expires=said.get("expires") or None,
    )


def _as_typed(outage: DeclaredOutage, installation: Installation) -> dict[str, str]:
    at = outage.predicted_at
    return {
        "reach": _WRITTEN.get(outage.scope.reach, outage.scope.reach.value),
        "names": ", ".join(outage.scope.names),
        "predicted": f"{at.astimezone(zone_of(installation)):%d/%m %H:%M}" if at else "",
        "cause": outage.cause,
        "protocol": outage.protocol or "",
        "expires": "",
    }


def _at_field(wrong: WrongOutage, typed: Mapping[str, str]) -> dict[str, str]:
    """The sentence of commands and API at the field of the page; a place is chosen and named here."""
    if wrong.field == "scope":
        if typed["reach"] == "all":
            return {"names": NAMES_FOR_ALL}
        return {"names": "Escreva pelo menos um nome ou número; separe vários com vírgula."}
    text = str(wrong).removeprefix(f"{wrong.field}: ")
    return {wrong.field: f"{text[:1].upper()}{text[1:]}."}


def _sentence(why: WhyNot) -> str:
    return f"{REFUSALS[why][0].upper()}{REFUSALS[why][1:]}."


async def _found(console: Console, installation: Installation, outage_id: str) -> DeclaredOutage:
    outage = await console.outages.get(installation.id, OutageId(outage_id))
    if outage is None:
        raise NotFoundException
    return outage


def _declare(console: Console, installation: Installation) -> DeclareOutages:
    return DeclareOutages(registry=console.outages, clock=console.clock, installation=installation)


outages_routes = [
    *(list_outages, outages_now, open_outage, preview_outage, try_outage),
    *(show_outage, correct_outage, close_outage),
]

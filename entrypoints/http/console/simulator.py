"""The simulator: what a request would lead to, step by step. Nothing is sent; the ERP is changed only where that was ticked."""

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec.structs import replace

from application.console_ports import FlowChoice
from application.rehearse import Rehearsal, Turn
from domain.action import StartFlow
from domain.identifiers import ChatId, NotificationKey, Personal
from domain.installation import Installation
from domain.notification import (
    WRITES,
    BoletoRequested,
    ChatRef,
    CustomerLookup,
    Notification,
    TicketRequested,
    UnblockRequested,
)
from domain.readiness import FLOW_NAMES, missing
from domain.routing import tag_of
from domain.trail import Step
from entrypoints.http.console.parts import Console
from entrypoints.http.console.run_words import step_end, step_words, why
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.words import ENDINGS, KINDS, OUTCOMES, Word
from entrypoints.policies import with_policies

EVENTS = tuple((kind, KINDS[kind]) for kind in KINDS if kind != "outage_asked")
LONGEST = {"event": 40, "document": 60, "contract": 200, "description": 1500, "phone": 40, "once": 64}
STOPPED = Word("Pedir ao ERP", "good")
_STOPPED_BECAUSE = {
    "unblock_requested": "Aqui o Ponte pediria o desbloqueio ao ERP. Na simulação, não pediu.",
    "ticket_requested": "Aqui o Ponte abriria a solicitação no ERP. Na simulação, não abriu.",
}
_ORDERED = {
    "unblock_requested": "Pediu um desbloqueio pelo simulador",
    "ticket_requested": "Abriu um chamado pelo simulador",
}


class Asked(Personal, frozen=True, kw_only=True):
    """What was typed."""

    safe = ("event", "writes")

    event: str = "customer_lookup"
    document: str = ""
    contract: str = ""
    description: str = ""
    phone: str = ""
    writes: bool = False
    once: str = ""
    """of this form: whoever sends it twice orders one change"""


@get("/simulador")
async def show_simulator(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    event = str(request.query_params.get("evento", ""))
    return _page(request, console, installation, Asked(event=event if event in dict(EVENTS) else "customer_lookup"))


@post("/simulador", status_code=200)
async def simulate(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[str]:
    asked, errors = _read(await request.form())
    if errors:
        return _page(request, console, installation, asked, errors=errors)
    rehearsal = await console.work_loop.run(
        lambda: console.rehearse(_notification(asked), installation, writes=asked.writes)
    )
    if rehearsal.seq is not None:
        await console.audit.note(installation.id, visitor, _ORDERED[asked.event])
    listed = await console.connections.flows(installation)
    return _page(request, console, installation, asked, shown=_shown(rehearsal, asked, listed or ()))


@post("/simulador/sombra")
async def switch_shadow(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Redirect:
    on = "shadow" in await request.form()
    await save(
        console,
        visitor,
        installation,
        "Ligou o modo sombra" if on else "Desligou o modo sombra",
        lambda fresh: replace(fresh, policies=with_policies(fresh.policies, [("shadow", str(on).lower())])),
    )
    await flash(request, "Modo sombra ligado." if on else "Modo sombra desligado.")
    return Redirect(f"/i/{installation.id}/simulador", status_code=303)


def _read(form: FormMultiDict) -> tuple[Asked, dict[str, str]]:
    typed = {name: str(form.get(name, "")).strip() for name in LONGEST}
    errors = {name: f"Até {longest} caracteres." for name, longest in LONGEST.items() if len(typed[name]) > longest}
    if typed["event"] not in dict(EVENTS):
        errors["event"] = "Escolha um evento."
        typed["event"] = "customer_lookup"
    if f"write_{typed['event']}" in form and not typed["once"]:
        errors["event"] = "Esta página venceu: confira os campos e envie de novo."
    return Asked(writes=f"write_{typed['event']}" in form and typed["event"] in WRITES, **typed), errors


def _notification(asked: Asked) -> Notification:
    key = NotificationKey(f"simulador:{asked.once}")
    chat = ChatRef(id=ChatId(""), phone=asked.phone)
    match asked.event:
        case "boleto_requested":
            return BoletoRequested(key=key, chat=chat, document=asked.document, contract=asked.contract)
        case "unblock_requested":
            return UnblockRequested(key=key, chat=chat, document=asked.document, contract=asked.contract)
        case "ticket_requested":
            return TicketRequested(
                key=key, chat=chat, document=asked.document, description=asked.description, contract=asked.contract
            )
        case _:
            return CustomerLookup(key=key, chat=chat, document=asked.document)


def _shown(rehearsal: Rehearsal, asked: Asked, listed: Sequence[FlowChoice]) -> dict[str, Any]:
    stopped = bool(rehearsal.either)
    steps = [show_step_of(step) for step in rehearsal.trail.steps]
    if stopped:
        steps[-1]["name"] = f"Decisão: {STOPPED.text}"
    return {
        "outcome": STOPPED if stopped else OUTCOMES[tag_of(rehearsal.turn.outcome)],
        "why": (_STOPPED_BECAUSE[asked.event],) if stopped else why(rehearsal.turn.outcome),
        "turns": [_turn(each, listed) for each in rehearsal.either or (rehearsal.turn,)],
        "forks": stopped,
        "steps": steps,
        "took_ms": max((step.at_ms + step.took_ms for step in rehearsal.trail.steps), default=0),
        "seq": rehearsal.seq,
    }


def _turn(turn: Turn, listed: Sequence[FlowChoice]) -> dict[str, Any]:
    terminal = turn.terminal
    flow = None
    if isinstance(terminal, StartFlow):
        name = next((each.name for each in listed if each.id == terminal.flow_id), "")
        flow = {"key": terminal.flow, "label": FLOW_NAMES[terminal.flow], "id": terminal.flow_id, "name": name}
    return {
        "outcome": OUTCOMES[tag_of(turn.outcome)],
        "said": turn.said,
        "flow": flow,
        "ending": "" if flow else ENDINGS[str(terminal.__struct_config__.tag)],
        "variables": terminal.variables if isinstance(terminal, StartFlow) else {},
    }


def show_step_of(step: Step) -> dict[str, Any]:
    """A step of a trail as pages tell it."""
    end: Word = step_end(step.ended)
    return {
        "name": step_words(step.what),
        "at_ms": step.at_ms,
        "took_ms": step.took_ms,
        "end": end,
        "request": step.request,
        "answer": step.answer,
    }


def _page(
    request: PageRequest,
    console: Console,
    installation: Installation,
    asked: Asked,
    *,
    errors: dict[str, str] | None = None,
    shown: dict[str, Any] | None = None,
) -> Response[str]:
    return console.pages.show(
        request,
        "prove/simulator.html",
        status=422 if errors else 200,
        installation=installation,
        root=f"/i/{installation.id}",
        events=EVENTS,
        asked=asked,
        once=token_urlsafe(18),
        errors=errors or {},
        shown=shown,
        lacks=missing(installation),
    )


simulator_routes = [show_simulator, simulate, switch_shadow]

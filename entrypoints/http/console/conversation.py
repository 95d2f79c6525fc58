"""The sandbox's chat: on one side what a customer sees, on the other the way of the same event through Ponte.

The page talks to this server, and this server to the simulated Huggy. Without a playground none of it exists.
"""

import re
from hashlib import blake2b
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from application.history import Event, EventRow, Filters
from domain.installation import Installation
from entrypoints.doorkeeper import mark_of
from entrypoints.http.console.event_rows import show_row
from entrypoints.http.console.event_way import why_of
from entrypoints.http.console.parts import Console
from entrypoints.http.console.playground import Line, Neighbour, Playground, Talk
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.session import PageRequest, Session, Visitor, browser_of
from entrypoints.http.console.simulator import show_step_of

PATH = "/conversa"
TEXT_MAX = 1000
EVENTS_SHOWN = 5
FAULTS = (
    ("down", "Derrubar o ERP", "fora do ar"),
    ("slow:12", "Deixar o ERP lento", "lento: cada resposta leva 12 s"),
    ("hang", "Não responder", "recebe e não responde"),
    ("500", "Erro interno", "responde com erro interno"),
    ("html", "Página em vez de dados", "responde com uma página de login"),
    ("wrong_token", "Recusar o token", "recusa o token"),
)
"""what a click breaks, how the button is called, and how the ERP is then"""
_STATES = {fault.partition(":")[0]: state for fault, _, state in FAULTS}
_OPTION = re.compile(r"^(\d{1,2})\. (.+)$", re.MULTILINE)
_PIX, _DIGITS = re.compile(r"000201.+6304[0-9A-F]{4}"), re.compile(r"\d{44,48}", re.ASCII)


@get(PATH)
async def show_conversation(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[str]:
    playground, installation = await _place(console, visitor)
    person = playground.person(str(request.query_params.get("como", "")))
    return console.pages.show(
        request,
        "prove/conversation.html",
        people=playground.people,
        faults=FAULTS,
        **await _now(console, playground, installation, person),
    )


@get(f"{PATH}/agora")
async def conversation_now(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[str]:
    """Both sides; nothing while they look the same."""
    playground, installation = await _place(console, visitor)
    person = playground.person(str(request.query_params.get("como", "")))
    now = await _now(console, playground, installation, person)
    if request.query_params.get("visto") == now["mark"]:
        return Response("", status_code=204)
    return _fragment(console, visitor, now)


@post(PATH, status_code=200)
async def say(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """As that customer. Without a script the answer comes once the chat is at rest; with one, it keeps coming."""
    playground, installation = await _place(console, visitor)
    form = await request.form()
    person = playground.person(str(form.get("como", "")))
    text = str(form.get("text", "")).strip()[:TEXT_MAX]
    talk = await playground.say(person, text) if text else None
    if request.headers.get("hx-request"):
        return _fragment(console, visitor, await _now(console, playground, installation, person))
    if talk is not None:
        await playground.at_rest(talk)
    return _back(person)


@post(f"{PATH}/recomecar", status_code=200)
async def start_anew(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    playground, _ = await _place(console, visitor)
    person = playground.person(str((await request.form()).get("como", "")))
    talk = await playground.talk(person)
    if talk is not None:
        await playground.end(talk)
    return _back(person)


@post(f"{PATH}/erp", status_code=200)
async def break_erp(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Breaks it, or mends it."""
    playground, installation = await _place(console, visitor)
    form = await request.form()
    fault = str(form.get("fault", ""))
    if fault == "" or fault in {each for each, _, _ in FAULTS}:
        await playground.set_fault("erp", fault)
    person = playground.person(str(form.get("como", "")))
    if request.headers.get("hx-request"):
        return _fragment(console, visitor, await _now(console, playground, installation, person))
    return _back(person)


@post("/entrar/sandbox")
async def enter_sandbox(request: PageRequest, console: NamedDependency[Console]) -> Redirect:
    """One click, and a newcomer is the sandbox's operator."""
    playground = _playground(console)
    operator = await console.doorkeeper.operator(playground.operator)
    if operator is None:
        raise NotFoundException
    await browser_of(request).begin(Session(operator=operator.name, password_mark=mark_of(operator)))
    return Redirect(PATH, status_code=303)


def _playground(console: Console) -> Playground:
    if console.playground is None:
        raise NotFoundException
    return console.playground


async def _place(console: Console, visitor: Visitor) -> tuple[Playground, Installation]:
    playground = _playground(console)
    installation = await console.installations.get(playground.installation_id)
    if installation is None or not visitor.may_see(installation):
        raise NotFoundException
    return playground, installation


async def _now(
    console: Console, playground: Playground, installation: Installation, person: Neighbour
) -> dict[str, Any]:
    """What stands on both sides, with a mark that changes when any of it does."""
    talk = await playground.talk(person)
    fault = await playground.fault("erp")
    rows, event = await _events(console, installation, talk)
    mark = blake2b(repr((person.key, talk, fault, rows)).encode(), digest_size=8).hexdigest()
    attempt = event.attempts[-1] if event and event.attempts else None
    return {
        "installation_id": installation.id,
        "provider": installation.name,
        "zone": installation.policies.timezone,
        "person": person,
        "talk": talk,
        "bubbles": [_bubble(line) for line in talk.transcript] if talk else [],
        "replies": _replies(talk, person),
        "rows": [show_row(row) for row in rows],
        "steps": [show_step_of(step) for step in attempt.steps] if attempt else [],
        "took_ms": max((step.at_ms + step.took_ms for step in attempt.steps), default=0) if attempt else 0,
        "why": why_of(event) if event else (),
        "fault": _STATES.get(fault, fault),
        "mark": mark,
    }


async def _events(
    console: Console, installation: Installation, talk: Talk | None
) -> tuple[tuple[EventRow, ...], Event | None]:
    """Of this chat, the newest first, and everything of the newest."""
    if talk is None:
        return (), None
    filters = Filters(chat_id=str(talk.chat_id))
    page = await console.history.events(installation.id, filters, limit=EVENTS_SHOWN)
    newest = page.rows[0] if page.rows else None
    return page.rows, await console.history.event(installation.id, newest.seq) if newest else None


def _bubble(line: Line) -> dict[str, Any]:
    """As the customer would see it, with what a chat does not show told in between."""
    code = ""
    if line.who == "app" and _PIX.fullmatch(line.text):
        code = "Pix copia e cola"
    elif line.who == "app" and _DIGITS.fullmatch(line.text):
        code = "linha digitável"
    return {"line": line, "code": code, "time": line.sent_at[11:16]}


def _replies(talk: Talk | None, person: Neighbour) -> list[tuple[str, str]]:
    """What a customer would most likely say next: text and label of a button each."""
    if talk is None or talk.situation == "finishing":
        return [("Oi!", "Oi!")]
    if not talk.quiet or talk.ended:
        return []
    lines = [
        line for line in talk.transcript if line.kind == "message" and line.who != "customer" and not line.internal
    ]
    last = lines[-1].text if lines else ""
    options = [(number, f"{number}. {title}") for number, title in _OPTION.findall(last)]
    if options:
        return options
    if "CPF" in last:
        return [(person.document, f"Meu documento: {person.document}")]
    listed = next((_OPTION.findall(line.text) for line in reversed(lines) if _OPTION.search(line.text)), [])
    if "contrato" in last:
        return [(n, f"{n}. {title}") for n, title in listed if "Contrato" in title] or [("1", "1")]
    return [("Minha internet está sem sinal desde cedo.",) * 2] if "acontecendo" in last else []


def _fragment(console: Console, visitor: Visitor, now: dict[str, Any]) -> Response[str]:
    content = console.pages.fragment("prove/conversation_now.html", visitor=visitor, faults=FAULTS, **now)
    return Response(content, media_type=MediaType.HTML, headers=GUARDS)


def _back(person: Neighbour) -> Redirect:
    return Redirect(f"{PATH}?como={person.key}", status_code=303)


conversation_routes = [show_conversation, conversation_now, say, start_anew, break_erp, enter_sandbox]

"""One event: its way, step by step, what the customer was told and why; and sending it again."""

from typing import Any, assert_never

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from application.history import Event
from application.resend import AlreadyResent, NeedsConfirmation, NotResent, Resent, WhyNotResent
from domain.installation import Installation
from domain.notification import WRITES
from domain.resend_key import Lineage
from entrypoints.http.console.event_way import show_event
from entrypoints.http.console.parts import Console
from entrypoints.http.console.run_words import kind_words
from entrypoints.http.console.session import PageRequest, Visitor, flash

WHY_NOT = {
    WhyNotResent.GONE: "Este evento não existe mais.",
    WhyNotResent.UNFINISHED: "Ele ainda está em andamento: espere terminar.",
    WhyNotResent.ANSWERED_TO_FLOW: "Um flow perguntou e já teve a resposta: não há quem ouça outra.",
    WhyNotResent.TOO_OFTEN: "Ele já foi reenviado muitas vezes.",
}
CONFIRM = "Este pedido grava no ERP. Marque que você conferiu antes de reenviar."


@get("/eventos/{seq:int}")
async def see_event(
    request: PageRequest,
    console: NamedDependency[Console],
    installation: NamedDependency[Installation],
    seq: FromPath[int],
) -> Response[str]:
    event = await _event(console, installation, seq)
    return _page(request, console, installation, event)


@post("/eventos/{seq:int}/reenviar", status_code=200)
async def resend_event(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
    seq: FromPath[int],
) -> Response[Any]:
    form = await request.form()
    event = await _event(console, installation, seq)
    seen, confirmed = str(form.get("seen", "")), "confirmed" in form
    if not (seen.isascii() and seen.isdecimal() and len(seen) <= 3):
        return Redirect(_address(installation, seq), status_code=303)
    answer = await console.resend(installation.id, seq, seen=int(seen), confirmed=confirmed)
    match answer:
        case NotResent(reason=reason):
            return _page(request, console, installation, event, error=WHY_NOT[reason])
        case NeedsConfirmation():
            return _page(request, console, installation, event, error=CONFIRM)
        case Resent():
            details = {"chat": event.row.chat_id, "pedido": kind_words(event.row.kind)}
            await console.audit.note(installation.id, visitor, "Reenviou um evento", details)
            await flash(request, "Reenviado. Acompanhe aqui.")
        case AlreadyResent():
            await flash(request, "Este evento já tinha sido reenviado: aqui está.")
        case _:
            assert_never(answer)
    chain = await console.history.chain(installation.id, event.row)
    return Redirect(_address(installation, chain[-1].seq if chain else seq), status_code=303)


async def _event(console: Console, installation: Installation, seq: int) -> Event:
    event = await console.history.event(installation.id, seq) if 0 < seq < 2**63 else None
    if event is None:
        raise NotFoundException
    return event


def _address(installation: Installation, seq: int) -> str:
    return f"/i/{installation.id}/eventos/{seq}"


def _page(
    request: PageRequest, console: Console, installation: Installation, event: Event, *, error: str = ""
) -> Response[str]:
    last = event.chain[-1] if event.chain else event.row
    can_resend = event.row.shell == "chat" and not any(each.waiting for each in (*event.chain, event.row))
    return console.pages.show(
        request,
        "run/event.html",
        status=422 if error else 200,
        installation=installation,
        zone=installation.policies.timezone,
        at=f"/i/{installation.id}/eventos",
        event=show_event(event, console.render),
        seen=Lineage(last.key, last.seq).number,
        writes=event.row.kind in WRITES,
        can_resend=can_resend,
        errors={"confirmed": error} if error else {},
    )


event_routes = [see_event, resend_event]

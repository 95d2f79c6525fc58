"""The list of events: filters, and one search box that understands a chat, a protocol or a document."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from application.history import Cursor, Page
from domain.causes import advise
from domain.identifiers import Secret
from domain.installation import Installation
from domain.tax_id import DocumentFault, read_document
from entrypoints.http.console.event_filters import LONGEST, PERIODS, RESULTS, Asked, read_asked
from entrypoints.http.console.event_rows import show_rows
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor
from entrypoints.http.console.words import KINDS

ROWS = 50
STALE = "Essa busca venceu. Digite o documento de novo."
NOTHING = "Não encontrei nenhum chat, protocolo ou documento assim."


@get("/eventos")
async def list_events(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[str]:
    parameters = {name: str(value) for name, value in request.query_params.items()}
    asked = asked_in(parameters, console, visitor, installation)
    is_stale = bool(parameters.get("documento")) and asked.document is None
    page = Page(rows=(), newer=None, older=None)
    if not is_stale:
        page = await events_of(
            console,
            installation,
            asked,
            older_than=Cursor.parse(parameters.get("antes", "")),
            newer_than=Cursor.parse(parameters.get("depois", "")),
        )
    is_first = not {"antes", "depois"} & parameters.keys()
    return show_events(
        request,
        console,
        installation,
        asked,
        page,
        error=STALE if is_stale else "",
        live=bool(parameters.get("ao_vivo")) and is_first and asked.document is None,
    )


@post("/eventos", status_code=200)
async def search_events(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """What is typed here may be anybody's document: it is never put into an address as it is."""
    typed = str((await request.form()).get("busca", "")).strip()[:LONGEST]
    if not typed:
        return Redirect(address(installation), status_code=303)
    asked = await _understood(typed, console, visitor, installation)
    if asked is not None:
        return Redirect(f"{address(installation)}{asked.query()}", status_code=303)
    nothing = Page(rows=(), newer=None, older=None)
    return show_events(request, console, installation, Asked(), nothing, error=NOTHING, typed=typed)


def address(installation: Installation) -> str:
    return f"/i/{installation.id}/eventos"


def asked_in(parameters: dict[str, str], console: Console, visitor: Visitor, installation: Installation) -> Asked:
    sealed = parameters.get("documento", "")
    opened = console.carrier.unwrap(sealed, purpose=_purpose(visitor, installation)) if sealed else {}
    return read_asked(parameters, opened.get("document"))


async def events_of(
    console: Console,
    installation: Installation,
    asked: Asked,
    *,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
) -> Page:
    filters = asked.filters(console.clock.now(), installation.policies.timezone)
    return await console.history.events(
        installation.id, filters, older_than=older_than, newer_than=newer_than, limit=ROWS
    )


def show_events(
    request: PageRequest,
    console: Console,
    installation: Installation,
    asked: Asked,
    page: Page,
    *,
    error: str = "",
    typed: str = "",
    live: bool = False,
) -> Response[str]:
    at = address(installation)
    return console.pages.show(
        request,
        "run/events.html",
        installation=installation,
        zone=installation.policies.timezone,
        at=at,
        asked=asked,
        rows=show_rows(page.rows),
        newer=f"{at}{asked.query(depois=str(page.newer))}" if page.newer else "",
        older=f"{at}{asked.query(antes=str(page.older))}" if page.older else "",
        kinds=list(KINDS.items()),
        periods=list(PERIODS.items()),
        results=list(RESULTS.items()),
        error=error,
        typed=typed,
        live=live,
        cause_title=advise(asked.cause).title if asked.cause else "",
        can_be_live=asked.document is None and not error,
        live_at=f"{at}/ao-vivo{asked.query()}",
        turned_at=f"{at}{asked.query() if live else asked.query(ao_vivo='1')}",
    )


async def _understood(typed: str, console: Console, visitor: Visitor, installation: Installation) -> Asked | None:
    """A chat or a protocol that there is; else a document; None: nothing of the three."""
    for asked in (Asked(chat=typed), Asked(protocol=typed)):
        if await _any(console, installation, asked):
            return asked
    document = read_document(typed)
    if not isinstance(document, DocumentFault):
        secret = Secret(value=document.plain)
        sealed = console.carrier.wrap({"document": secret}, purpose=_purpose(visitor, installation))
        return Asked(document=secret, sealed=sealed)
    ending = typed.lstrip("*./-")
    return Asked(ending=ending) if len(ending) == 2 and ending.isascii() and ending.isdecimal() else None


async def _any(console: Console, installation: Installation, asked: Asked) -> bool:
    filters = asked.filters(console.clock.now(), installation.policies.timezone)
    return bool((await console.history.events(installation.id, filters, limit=1)).rows)


def _purpose(visitor: Visitor, installation: Installation) -> str:
    return f"{installation.id}:busca:{visitor.csrf}"


event_list_routes = [list_events, search_events]

"""The first page: every installation that the visitor may see, and how each stands."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct

from application.history import Glance
from domain.identifiers import InstallationId
from domain.installation import Installation
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor
from entrypoints.http.console.setup_go_live import state_of
from entrypoints.http.console.setup_steps import Progress, progress_of
from entrypoints.http.console.words import Word

AT_ONCE = 12


class Card(Struct, frozen=True, kw_only=True):
    id: InstallationId
    name: str
    company_id: str
    state: Word
    trouble: str
    """what needs somebody; empty: nothing"""
    progress: Progress
    last_event_at: datetime | None
    success: float | None
    waiting: int


@get("/")
async def home(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    typed = str(request.query_params.get("busca", "")).strip()[:100]
    visible = [each for each in await console.installations.all() if visitor.may_see(each)]
    if not visible and not visitor.is_operator:
        return Redirect("/empresas", status_code=303)
    found = sorted((each for each in visible if _matches(each, typed)), key=lambda each: (_folded(each.name), each.id))
    last = max(1, -(-len(found) // AT_ONCE))
    page = min(_number(str(request.query_params.get("pagina", ""))), last)
    shown = found[(page - 1) * AT_ONCE : page * AT_ONCE]
    return console.pages.show(
        request,
        "run/home.html",
        cards=await _cards(console, shown),
        total=len(visible),
        found=len(found),
        typed=typed,
        page=page,
        last=last,
        previous=_page_at(typed, page - 1) if page > 1 else "",
        next=_page_at(typed, page + 1) if page < last else "",
        can_search=len(visible) > AT_ONCE or bool(typed),
    )


async def _cards(console: Console, installations: Sequence[Installation]) -> list[Card]:
    now = console.clock.now()
    glances = await console.history.glances([each.id for each in installations], now)
    troubled = {problem.installation_id for problem in await console.problems.open()}
    return [_card(each, glances[each.id], has_problems=each.id in troubled) for each in installations]


def _card(installation: Installation, glance: Glance, *, has_problems: bool) -> Card:
    state = state_of(installation)
    trouble = ""
    if installation.huggy_lost_at is not None:
        trouble = "Reconectar com a Huggy"
    elif has_problems:
        trouble = "Com problemas"
    return Card(
        id=installation.id,
        name=installation.name or f"Empresa {installation.company_id}",
        company_id=installation.company_id,
        state=Word(state.title, state.tone),
        trouble=trouble,
        progress=progress_of(installation),
        last_event_at=glance.last_event_at,
        success=glance.success,
        waiting=glance.waiting,
    )


def _matches(installation: Installation, typed: str) -> bool:
    wanted = _folded(typed)
    return not wanted or wanted in _folded(installation.name) or wanted in {installation.company_id, installation.id}


def _folded(text: str) -> str:
    """Without capitals and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def _page_at(typed: str, page: int) -> str:
    return "/?" + urlencode({**({"busca": typed} if typed else {}), "pagina": page})


home_routes = [home]

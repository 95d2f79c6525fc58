"""Problems by their cause: what to do, how often and since when; hushing one, and sending again what failed for it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Redirect
from msgspec import Struct

from application.history import KeptUnknown, ProblemGroup
from application.resend import NeedsConfirmation
from application.resend_failed import Progress
from domain.causes import advise
from domain.installation import Installation
from domain.problem import Problem, is_muted
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.run_words import NOT_UNDERSTOOD
from entrypoints.http.console.session import PageRequest, Visitor, flash

MUTES = MappingProxyType(
    {
        "1h": ("por 1 hora", timedelta(hours=1)),
        "8h": ("por 8 horas", timedelta(hours=8)),
        "1d": ("por 1 dia", timedelta(days=1)),
        "7d": ("por 7 dias", timedelta(days=7)),
    }
)
LOCAL = "%Y-%m-%dT%H:%M"
"""as a browser writes a moment"""


class ProblemShown(Struct, frozen=True, kw_only=True):
    cause: str
    title: str
    what_to_do: str
    count: int
    first_at: datetime
    last_at: datetime
    is_open: bool
    over_at: datetime | None
    muted_until: datetime | None
    """None: not muted now"""
    failed: int
    """events that ended with this cause and are still kept"""
    since: str
    """the first of them, as a field for a moment holds it"""
    events_at: str


class UnknownShown(Struct, frozen=True, kw_only=True):
    event: str
    why: str
    occurrences: int
    first_at: datetime
    last_at: datetime
    sample: str


class Question(Struct, frozen=True, kw_only=True):
    """What has to be answered before events are sent again."""

    cause: str
    title: str
    since: str
    seen: str
    writes: int


@get("/problemas")
async def see_problems(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return await _page(request, console, installation)


@post("/problemas/silenciar", status_code=200)
async def mute(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """`por`: for how long nobody gets a mail about it; empty: again from now on."""
    form = await request.form()
    cause, span = str(form.get("cause", "")), str(form.get("por", ""))
    if span and span not in MUTES:
        return await _page(request, console, installation, error="Escolha por quanto tempo silenciar.")
    until = console.clock.now() + MUTES[span][1] if span else None
    if await console.problems.mute(installation.id, cause, until):
        title = advise(cause).title
        what = "Silenciou avisos" if until else "Voltou a avisar"
        await console.audit.note(
            installation.id, visitor, what, {"problema": title, **({"duração": MUTES[span][0]} if span else {})}
        )
        await flash(request, f"Sem e-mails sobre isto {MUTES[span][0]}." if span else "Avisos por e-mail de volta.")
    return Redirect(_address(installation), status_code=303)


@post("/problemas/reenviar", status_code=200)
async def resend_failed(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """`modo`: empty asks first where something would be written, `tudo` is the answer yes, `consultas` leaves writes out."""
    form = await request.form()
    cause, since_typed, mode = (str(form.get(name, "")) for name in ("cause", "since", "modo"))
    zone = ZoneInfo(installation.policies.timezone)
    since, seen_at = _moment(since_typed, zone), _exact(str(form.get("seen", "")))
    if since is None or seen_at is None or mode not in {"", "tudo", "consultas"}:
        return await _page(request, console, installation, error="Informe desde quando, com dia e hora.")
    answer = await console.resend_failed.start(
        installation.id,
        cause=cause,
        since=since,
        seen_at=seen_at,
        confirmed=mode == "tudo",
        reads_only=mode == "consultas",
    )
    if isinstance(answer, NeedsConfirmation):
        question = Question(
            cause=cause,
            title=advise(cause).title,
            since=since_typed,
            seen=seen_at.isoformat(),
            writes=answer.writes,
        )
        return await _page(request, console, installation, question=question)
    if answer.cause != cause or answer.since != since:
        await flash(request, "Outro reenvio está em andamento: espere ele terminar.")
    else:
        details = {"problema": advise(cause).title, "desde": since_typed, "eventos": str(answer.total)}
        await console.audit.note(installation.id, visitor, "Reenviou eventos que falharam", details)
    return Redirect(f"{_address(installation)}#reenvio", status_code=303)


@get("/problemas/reenvio")
async def see_progress(console: NamedDependency[Console], installation: NamedDependency[Installation]) -> Response[str]:
    """A fragment, asked for again while it goes on."""
    content = console.pages.fragment(
        "run/progress.html", installation=installation, progress=_progress(console, installation), title=_title
    )
    return Response(content, media_type=MediaType.HTML, headers=GUARDS)


def _address(installation: Installation) -> str:
    return f"/i/{installation.id}/problemas"


async def _page(
    request: PageRequest,
    console: Console,
    installation: Installation,
    *,
    error: str = "",
    question: Question | None = None,
) -> Response[str]:
    now = console.clock.now()
    kept, groups, unknown = await asyncio.gather(
        console.problems.of(installation.id),
        console.history.problems(installation.id),
        console.history.unknown(installation.id),
    )
    problems = _shown(installation, kept, groups, now)
    return console.pages.show(
        request,
        "run/problems.html",
        status=422 if error else 200,
        installation=installation,
        zone=installation.policies.timezone,
        here=_address(installation),
        going_on=[each for each in problems if each.is_open],
        past=[each for each in problems if not each.is_open],
        unknown=[_unknown(each) for each in unknown],
        mutes=[(key, words) for key, (words, _) in MUTES.items()],
        seen=now.isoformat(),
        question=question,
        progress=_progress(console, installation),
        title=_title,
        errors={"since": error} if error else {},
    )


def _shown(
    installation: Installation, kept: Sequence[Problem], groups: Sequence[ProblemGroup], now: datetime
) -> list[ProblemShown]:
    """Each cause once, whether it was counted, is found among the events, or both."""
    failed = {group.cause: group for group in groups}
    shown = [_problem(installation, each.cause, each, failed.get(each.cause), now) for each in kept]
    known = {each.cause for each in kept}
    return shown + [_problem(installation, each.cause, None, each, now) for each in groups if each.cause not in known]


def _problem(
    installation: Installation, cause: str, kept: Problem | None, group: ProblemGroup | None, now: datetime
) -> ProblemShown:
    advice, zone = advise(cause), ZoneInfo(installation.policies.timezone)
    began = [each.first_at for each in (kept, group) if each is not None]
    ended = [each.last_at for each in (kept, group) if each is not None]
    return ProblemShown(
        cause=cause,
        title=advice.title,
        what_to_do=advice.what_to_do,
        count=kept.occurrences if kept is not None else group.count if group is not None else 0,
        first_at=kept.first_at if kept is not None else min(began),
        last_at=max(ended),
        is_open=kept is not None and kept.over_at is None,
        over_at=kept.over_at if kept is not None else None,
        muted_until=kept.muted_until if kept is not None and is_muted(kept, now) else None,
        failed=group.count if group is not None else 0,
        since=group.first_at.astimezone(zone).strftime(LOCAL) if group is not None else "",
        events_at=f"/i/{installation.id}/eventos?{urlencode({'resultado': 'falhou', 'causa': cause})}",
    )


def _unknown(kept: KeptUnknown) -> UnknownShown:
    return UnknownShown(
        event=kept.event,
        why=NOT_UNDERSTOOD.get(kept.reason, kept.reason),
        occurrences=kept.occurrences,
        first_at=kept.first_at,
        last_at=kept.last_at,
        sample=kept.sample.decode("utf-8", "replace"),
    )


def _progress(console: Console, installation: Installation) -> Progress | None:
    return console.resend_failed.progress(installation.id)


def _title(cause: str) -> str:
    return advise(cause).title


def _moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """As a field for a moment gives it, in the provider's zone."""
    moment = _exact(typed)
    return None if moment is None else moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _exact(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


problem_routes = [see_problems, mute, resend_failed, see_progress]

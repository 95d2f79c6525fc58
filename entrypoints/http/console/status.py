"""An installation's status: how it goes, what waits, what stands in the way, and the switches that pause it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct
from msgspec.structs import replace

from application.failures import Unavailable
from application.history import Bucket, FenceState
from domain.causes import advise
from domain.installation import Installation
from domain.notification import KINDS as KIND_TAGS
from domain.problem import Problem
from domain.readiness import missing
from entrypoints.http.console.parts import Console
from entrypoints.http.console.run_words import step_words
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_go_live import state_of
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.words import KINDS, Word

_APIS = {"pbx": "API PBX", "third_party": "API para terceiros"}
SOON = timedelta(days=3)
"""how long before its end a token that renews itself not is worth a word"""


class Bar(Struct, frozen=True, kw_only=True):
    """One bar of a sparkline."""

    label: str
    good: int
    calm: int
    bad: int


class Line(Struct, frozen=True, kw_only=True):
    """Something that is as it should be, or is not."""

    name: str
    word: Word
    note: str = ""


class ProblemLine(Struct, frozen=True, kw_only=True):
    title: str
    count: int
    since: datetime


@get("/")
async def see_status(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return await _page(request, console, installation)


@post("/pausa", status_code=200)
async def pause(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """All of it, or one kind of request; what is missing keeps it paused."""
    form = await request.form()
    kind, pauses = str(form.get("pedido", "")), form.get("acao") == "pausar"
    if (kind and kind not in KIND_TAGS) or form.get("acao") not in {"pausar", "retomar"}:
        return await _page(request, console, installation, error="Escolha o que pausar.")
    if not kind and not pauses and missing(installation):
        return await _page(
            request, console, installation, error="Ainda falta configuração: complete o que falta antes de retomar."
        )
    subject = KINDS[kind] if kind else "Atendimento"
    what = "Pausou" if pauses else "Retomou"
    await save(
        console, visitor, installation, f"{what}: {subject}", lambda fresh: _paused(fresh, kind=kind, pauses=pauses)
    )
    await flash(request, f"{subject}: {'pausado' if pauses else 'de volta'}.")
    return Redirect(f"/i/{installation.id}", status_code=303)


def _paused(fresh: Installation, *, kind: str, pauses: bool) -> Installation:
    policies = fresh.policies
    if not kind:
        if not pauses and missing(fresh):
            return fresh
        return replace(fresh, policies=replace(policies, paused=pauses))
    others = [each for each in policies.paused_operations if each != kind]
    return replace(fresh, policies=replace(policies, paused_operations=(*others, *([kind] if pauses else []))))


async def _page(
    request: PageRequest, console: Console, installation: Installation, *, error: str = ""
) -> Response[str]:
    now, zone = console.clock.now(), ZoneInfo(installation.policies.timezone)
    by_day = request.query_params.get("periodo") == "30d"
    health, buckets, problems, fences = await asyncio.gather(
        console.history.health(installation.id, now),
        _series(console, installation, now, zone, by_day=by_day),
        console.problems.of(installation.id),
        _fences(console, installation),
    )
    return console.pages.show(
        request,
        "run/status.html",
        status=422 if error else 200,
        installation=installation,
        zone=installation.policies.timezone,
        state=state_of(installation),
        health=health,
        bars=_bars(buckets, zone, "%d/%m" if by_day else "%d/%m %Hh"),
        by_day=by_day,
        problems=_open(problems),
        lines=[*_erp_lines(fences), _huggy_line(installation, now)],
        kinds=[(kind, words, kind in installation.policies.paused_operations) for kind, words in KINDS.items()],
        lacks=missing(installation),
        can_sign_in=console.accounts.is_configured,
        errors={"acao": error} if error else {},
    )


async def _series(
    console: Console, installation: Installation, now: datetime, zone: ZoneInfo, *, by_day: bool
) -> Sequence[Bucket]:
    """Of the last 30 days, or of the last 24 hours, this one included."""
    if by_day:
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        start, width, buckets = midnight - timedelta(days=29), timedelta(days=1), 30
    else:
        start, width, buckets = (
            now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23),
            timedelta(hours=1),
            24,
        )
    return await console.history.series(installation.id, start=start, width=width, buckets=buckets)


async def _fences(console: Console, installation: Installation) -> Sequence[FenceState] | None:
    """None: nobody can tell now."""
    try:
        return await console.fence_states(installation.id)
    except Unavailable:
        return None


def _open(problems: Sequence[Problem]) -> list[ProblemLine]:
    return [
        ProblemLine(title=advise(each.cause).title, count=each.occurrences, since=each.first_at)
        for each in problems
        if each.over_at is None
    ]


def _bars(buckets: Sequence[Bucket], zone: ZoneInfo, pattern: str) -> list[Bar]:
    return [
        Bar(
            label=each.start.astimezone(zone).strftime(pattern),
            good=max(0, each.events - each.failed),
            calm=0,
            bad=each.failed,
        )
        for each in buckets
    ]


def _erp_lines(fences: Sequence[FenceState] | None) -> list[Line]:
    if fences is None:
        return [Line(name="ERP", word=Word("Não foi possível conferir agora", "warn"))]
    if not fences:
        return [Line(name="ERP", word=Word("Ainda não consultado por este processo"))]
    return [
        Line(
            name="ERP" if len(fences) == 1 else f"ERP, {_APIS.get(each.api, each.api)}",
            word=Word("Em descanso: falhou várias vezes seguidas", "bad")
            if each.open_circuits
            else Word("Responde", "good"),
            note=", ".join(step_words(f"erp.{operation}") for operation in each.open_circuits)
            or f"{each.taken} de {each.places} chamadas em uso",
        )
        for each in fences
    ]


def _huggy_line(installation: Installation, now: datetime) -> Line:
    if installation.huggy_lost_at is not None:
        return Line(name="Huggy", word=Word("Precisa conectar de novo", "bad"))
    if not installation.huggy_token:
        return Line(name="Huggy", word=Word("Ainda não conectada"))
    expires_at = installation.huggy_expires_at
    if expires_at is None:
        return Line(name="Huggy", word=Word("Conectada", "good"), note="o acesso vale até a Huggy recusar")
    until = f"acesso vale até {expires_at.astimezone(ZoneInfo(installation.policies.timezone)):%d/%m/%Y}"
    if installation.huggy_renew_at is not None:
        return Line(name="Huggy", word=Word("Conectada", "good"), note=f"{until}, e se renova sozinho")
    if expires_at <= now:
        return Line(name="Huggy", word=Word("O acesso venceu", "bad"), note=until)
    return Line(name="Huggy", word=Word("Vence logo" if expires_at - now <= SOON else "Conectada", "warn"), note=until)


status_routes = [see_status, pause]

"""The step "Ativar": what is still missing, a test of everything, and the switch that lets customers in."""

from collections.abc import Collection
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Redirect
from msgspec.structs import replace

from domain.installation import Installation
from domain.readiness import missing
from entrypoints.connections import Tried
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.setup_steps import address_of_step, show_step
from entrypoints.http.console.words import KINDS

SLUG = "ativar"


class State(NamedTuple):
    tone: str
    title: str
    text: str


LIVE = State("good", "Ao vivo", "Os clientes são atendidos.")
SHADOW = State(
    "warn",
    "Modo sombra",
    "O Ponte lê e decide, mas não grava, não escreve e não começa flow: quem espera o Ponte fica sem resposta.",
)
PAUSED = State("warn", "Pausada", "Está tudo pronto. Todo pedido vai para o flow auxiliar até você ativar.")
PAUSED_SHADOW = State(
    "warn",
    "Pausada",
    "O modo sombra também está ligado, e nele nem o flow auxiliar começa: quem espera o Ponte fica sem resposta.",
)
INCOMPLETE = State("calm", "Em configuração", "Complete o que falta: só depois o atendimento pode começar.")

_SAID = {
    "live": ("Ativou o atendimento", "Pronto: a sua integração está ao vivo.", {"paused": False, "shadow": False}),
    "shadow": ("Ligou o modo sombra", "Modo sombra ligado.", {"paused": False, "shadow": True}),
    "pause": ("Pausou o atendimento", "Atendimento pausado.", {"paused": True}),
}


def state_of(installation: Installation) -> State:
    if missing(installation):
        return INCOMPLETE
    policies = installation.policies
    if policies.paused:
        return PAUSED_SHADOW if policies.shadow else PAUSED
    return SHADOW if policies.shadow else _live_but(policies.paused_operations)


def _live_but(paused: Collection[str]) -> State:
    names = ", ".join(name for kind, name in KINDS.items() if kind in paused)
    text = f"Os clientes são atendidos, menos no que está pausado: {names}."
    return LIVE._replace(tone="warn", text=text) if names else LIVE


@get("/configurar/ativar")
async def show_go_live(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return _page(console, request, installation)


@post("/configurar/ativar", status_code=200)
async def go_live(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """Nothing goes live before it is complete."""
    form = await request.form()
    wanted = _SAID.get(str(form.get("action", "")))
    if wanted is None:
        return _page(console, request, installation, errors={"action": "Escolha o que fazer."})
    what, said, policies = wanted

    def change(fresh: Installation) -> Installation:
        if missing(fresh) and not policies["paused"]:
            return fresh
        return replace(fresh, policies=replace(fresh.policies, **policies))

    saved = await save(console, visitor, installation, what, change)
    if missing(saved) and not policies["paused"]:
        return _page(console, request, saved, errors={"action": INCOMPLETE.text})
    await flash(request, said)
    return Redirect(address_of_step(installation, SLUG), status_code=303)


@post("/configurar/ativar/testar", status_code=200)
async def try_everything(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    tried: list[Tried] = [
        *await console.connections.erp(installation),
        *await console.connections.huggy(installation),
    ]
    if request.headers.get("hx-request"):
        content = console.pages.fragment("setup/tried.html", tried=tried, wrong="", heading="Teste de tudo")
        return Response(content, media_type=MediaType.HTML, headers=GUARDS)
    return _page(console, request, installation, tried=tried)


def _page(console: Console, request: PageRequest, installation: Installation, **context: Any) -> Response[str]:
    return show_step(
        console, request, installation, SLUG, **{"tried": [], "wrong": "", **context, "state": state_of(installation)}
    )


go_live_routes = [show_go_live, go_live, try_everything]

"""The step "Flows": one flow for each of the nine outcomes, chosen from Huggy's list, or typed where there is none."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec.structs import replace

from application.console_ports import FlowChoice
from domain.identifiers import FlowId
from domain.installation import FlowKey, Installation
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import INCOMPLETE, WouldStop, save
from entrypoints.http.console.setup_steps import STEPS, address_of_step, show_step
from entrypoints.installation_form import wrong_flow_id

SLUG = "flows"

EXPLAINED: Mapping[FlowKey, tuple[str, str]] = MappingProxyType(
    {
        FlowKey.CUSTOMER_FOUND: (
            "Cliente cadastrado no sistema",
            (
                "O flow que será iniciado caso seja identificado que o contato já é um cliente da sua empresa. Importante: a "
                "primeira ação dele precisa ser “enviar pergunta”, questionando para qual contrato o cliente deseja atendimento."
            ),
        ),
        FlowKey.CUSTOMER_NOT_FOUND: (
            "Cliente não cadastrado no sistema",
            "O flow que será iniciado caso seja identificado que o contato não é um cliente da sua empresa.",
        ),
        FlowKey.BOLETOS_FOUND: (
            "Existem boletos no sistema",
            "O flow que será iniciado caso o cliente possua boletos em aberto.",
        ),
        FlowKey.BOLETOS_NONE: (
            "Não existem boletos no sistema",
            "Ao contrário da opção anterior: o flow para quando o cliente não possui boletos pendentes.",
        ),
        FlowKey.UNBLOCK_GRANTED: (
            "Desbloqueio liberado no sistema",
            "O flow que será iniciado caso o cliente solicite o desbloqueio por confiança e a solicitação seja aprovada.",
        ),
        FlowKey.UNBLOCK_DENIED: (
            "Desbloqueio negado",
            "O flow para quando o cliente solicita desbloqueio por confiança, mas por algum motivo ele foi negado.",
        ),
        FlowKey.TICKET_OPENED: (
            "Chamado aberto no sistema",
            "O flow que dará prosseguimento ao processo de abertura de chamados.",
        ),
        FlowKey.TICKET_REFUSED: (
            "Chamado não pode ser aberto",
            "O flow para quando, por algum motivo, o cliente não está apto para a abertura de um chamado.",
        ),
        FlowKey.AUXILIARY: (
            "Flow auxiliar",
            (
                "Para situações de emergência, quando a integração para de funcionar ou ocorre algum erro no ERP: ele evita que o "
                "cliente fique travado no chat. Uma dica: faça com que ele encaminhe o cliente para um atendente."
            ),
        ),
    }
)
"""label and help of each choice, in the words of the provider's guide"""


@get("/configurar/flows")
async def show_flows(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    listed = await console.connections.flows(installation)
    return _page(console, request, installation, listed, chosen=_saved(installation))


@post("/configurar/flows", status_code=200)
async def save_flows(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    form = await request.form()
    typed = {key: str(form.get(f"flow.{key}", "")).strip() for key in FlowKey}
    listed = await console.connections.flows(installation)
    known = {each.id for each in listed} | set(installation.flows.values()) if listed else None
    errors = {f"flow.{key}": wrong for key, text in typed.items() if text and (wrong := _wrong(text, known))}
    if errors:
        return _page(console, request, installation, listed, chosen=typed, errors=errors)
    flows = {key: FlowId(text) for key, text in typed.items() if text}
    try:
        saved = await save(
            console, visitor, installation, "Escolheu os flows", lambda fresh: replace(fresh, flows=dict(flows))
        )
    except WouldStop:
        errors = {f"flow.{key}": INCOMPLETE for key, text in typed.items() if not text}
        return _page(console, request, installation, listed, chosen=typed, errors=errors)
    lacking = len(FlowKey) - len(saved.flows)
    await flash(request, "Flows salvos." if not lacking else f"Salvo. Flows por escolher: {lacking}.")
    after = next(step for step in STEPS if step.slug == "rede-off")
    return Redirect(address_of_step(saved, SLUG if lacking else after.slug), status_code=303)


def _page(
    console: Console,
    request: PageRequest,
    installation: Installation,
    listed: Sequence[FlowChoice] | None,
    *,
    chosen: Mapping[FlowKey, str],
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    return show_step(
        console,
        request,
        installation,
        SLUG,
        errors=errors,
        explained=EXPLAINED,
        chosen=chosen,
        options={key: _options(listed, chosen.get(key, "")) for key in FlowKey} if listed else None,
    )


def _options(listed: Sequence[FlowChoice], chosen: str) -> list[tuple[str, str]]:
    """Every flow of the list, and the chosen one even when it is not in there any more."""
    options = [(str(each.id), f"{each.name} ({each.id})" if each.name else str(each.id)) for each in listed]
    if chosen and chosen not in {value for value, _ in options}:
        options.append((chosen, f"{chosen} (não está na lista da Huggy)"))
    return options


def _saved(installation: Installation) -> Mapping[FlowKey, str]:
    return {key: installation.flows.get(key, "") for key in FlowKey}


def _wrong(text: str, known: set[FlowId] | None) -> str:
    if known:
        return "" if FlowId(text) in known else "Escolha um flow da lista."
    return wrong_flow_id(text)


flows_routes = [show_flows, save_flows]

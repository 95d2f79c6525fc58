"""The API for flows that ask and wait, ready to be copied into them; and the one for the provider's own monitoring."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec.structs import replace

from domain.flow_answer import IN_OUTAGE, KEYS, FlowOperation
from domain.identifiers import Secret
from domain.installation import FlowKey, Installation
from domain.readiness import FLOW_NAMES
from entrypoints.cli_installation import flow_api_url, outage_api_url
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import save


class Ready(NamedTuple):
    """What one step "Enviar requisição" is filled with."""

    title: str
    why: str
    body: str
    results: tuple[str, ...]
    """what `resultado` may be then"""


_CHAT = '"chatID": "{{SYSTEM.CHAT_ID}}", "telefone": "{{SYSTEM.CLIENT_NUMBER}}", "cpf_cnpj": "{{cpf_cnpj}}"'
STEPS: Mapping[FlowOperation, Ready] = MappingProxyType(
    {
        FlowOperation.LOOK_UP: Ready(
            "Consultar cliente",
            "Reconhece o cliente pelo CPF ou CNPJ e lista os contratos.",
            f"{{{_CHAT}}}",
            (FlowKey.CUSTOMER_FOUND, FlowKey.CUSTOMER_NOT_FOUND, IN_OUTAGE),
        ),
        FlowOperation.BOLETO: Ready(
            "2ª via de boleto",
            "Busca os boletos em aberto, com Pix e linha digitável já conferidos.",
            f'{{{_CHAT}, "contrato": "{{{{contrato}}}}"}}',
            (FlowKey.BOLETOS_FOUND, FlowKey.BOLETOS_NONE, "escolher_contrato", FlowKey.CUSTOMER_NOT_FOUND),
        ),
        FlowOperation.UNBLOCK: Ready(
            "Desbloqueio por confiança",
            "Pede o desbloqueio ao ERP, uma única vez.",
            f'{{{_CHAT}, "contrato": "{{{{contrato}}}}"}}',
            (FlowKey.UNBLOCK_GRANTED, FlowKey.UNBLOCK_DENIED, "escolher_contrato", FlowKey.CUSTOMER_NOT_FOUND),
        ),
        FlowOperation.TICKET: Ready(
            "Abrir chamado",
            "Abre a solicitação de suporte, ou devolve a que já está aberta.",
            f'{{{_CHAT}, "descricao": "{{{{descricao}}}}"}}',
            (FlowKey.TICKET_OPENED, FlowKey.TICKET_REFUSED, FlowKey.CUSTOMER_NOT_FOUND),
        ),
        FlowOperation.OUTAGE: Ready(
            "Falha massiva",
            "Responde se há uma falha que atinge o cliente.",
            f"{{{_CHAT}}}",
            (IN_OUTAGE, FlowKey.CUSTOMER_FOUND, FlowKey.CUSTOMER_NOT_FOUND),
        ),
    }
)
RESULTS: Mapping[str, str] = MappingProxyType(
    {
        **{key.value: name for key, name in FLOW_NAMES.items()},
        IN_OUTAGE: "há uma falha massiva",
        "escolher_contrato": "falta dizer qual contrato",
    }
)
_KEYS_TO_CHANGE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "flow_api_key": (
            "Trocou a chave da API do flow",
            "Chave nova. Atualize os flows: o endereço antigo não vale mais.",
        ),
        "outage_api_key": ("Trocou a chave da API de falhas", "Chave nova. Atualize o seu monitoramento."),
    }
)


@get("/api")
async def show_flow_api(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return console.pages.show(
        request,
        "prove/flow_api.html",
        installation=installation,
        at=f"/i/{installation.id}/api",
        root=f"/i/{installation.id}",
        base=flow_api_url(console.public_url, installation),
        outages=outage_api_url(console.public_url),
        outage_key=installation.outage_api_key.reveal(),
        operations=[(each.value, STEPS[each], KEYS[each]) for each in FlowOperation],
        results=RESULTS,
    )


@post("/api/chave")
async def change_key(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Redirect:
    name = str((await request.form()).get("key", ""))
    if name in _KEYS_TO_CHANGE:
        what, told = _KEYS_TO_CHANGE[name]
        key = Secret(value=console.new_key())
        await save(console, visitor, installation, what, lambda fresh: replace(fresh, **{name: key}))
        await console.audit.note(installation.id, visitor, what)
        await flash(request, told)
    return Redirect(f"/i/{installation.id}/api", status_code=303)


flow_api_routes = [show_flow_api, change_key]

"""The step "Huggy": the connection, and what is pasted into Huggy, with the guide's explanations."""

from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Redirect
from msgspec.structs import replace

from domain import huggy_access
from domain.identifiers import CompanyId, Secret
from domain.installation import Installation
from entrypoints.cli_installation import VALIDATE_AGAIN, webhook_url
from entrypoints.connections import Tried, is_fine
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import INCOMPLETE, WouldStop, save
from entrypoints.http.console.setup_steps import address_of_step, field_text, show_step
from entrypoints.installation_form import wrong_company_id, wrong_credential, wrong_name

SLUG = "huggy"


class Field(NamedTuple):
    """One field of the action "Notificar App": what goes in, and why."""

    label: str
    text: str
    explained: str


class Notification(NamedTuple):
    event: str
    why: str
    fields: tuple[Field, ...]


_DOCUMENT = Field(
    "CPF ou CNPJ",
    "{{cpf_cnpj}}",
    "A variável, entre duas chaves, que armazena o CPF ou CNPJ coletado do cliente através da ação “Enviar pergunta”.",
)
_CONTRACT = Field(
    "CONTRATO",
    "{{contrato}}",
    "Clique em + Adicionar: o campo “Chave” é a palavra CONTRATO (todas as letras em maiúsculo), e o campo “Valor” é a "
    "variável coletada na pergunta de contrato.",
)
_DESCRIPTION = Field(
    "Descrição",
    "{{descricao}}",
    "A variável, entre duas chaves, que armazena a descrição da solicitação feita pelo cliente.",
)
NOTIFICATIONS = (
    Notification("Consultar Cliente", "Reconhece o cliente e avisa da falha massiva.", (_DOCUMENT,)),
    Notification("Segunda via de boleto", "Envia os boletos em aberto (2_VIA_BOLETO).", (_DOCUMENT, _CONTRACT)),
    Notification(
        "Desbloqueio por confiança", "Pede a liberação ao ERP (DESBLOQUEAR_CONTRATO).", (_DOCUMENT, _CONTRACT)
    ),
    Notification("Abrir Solicitação de Suporte", "Abre o chamado e informa o protocolo.", (_DOCUMENT, _DESCRIPTION)),
)


@get("/configurar/huggy")
async def show_huggy(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return _page(console, request, installation)


@post("/configurar/huggy", status_code=200)
async def save_huggy(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """Which company it is, an operator alone says: an agent's companies are those that Huggy lets him into."""
    form = await request.form()
    purpose = f"{installation.id}:{SLUG}:{visitor.csrf}"
    carried = console.carrier.unwrap(field_text(form, "carried"), purpose=purpose)
    name, company_id = field_text(form, "name"), installation.company_id
    if visitor.is_operator:
        company_id = CompanyId(field_text(form, "company_id"))
    typed = field_text(form, "huggy_token")
    token = Secret(value=typed) if typed else carried.get("huggy_token")
    errors = await _wrong(console, installation, name, company_id, typed)
    again = {"name": name, "company_id": company_id, "has_token": bool(token or installation.huggy_token)}
    if errors:
        return _page(console, request, installation, errors=errors, **again)

    def change(fresh: Installation) -> Installation:
        named = replace(fresh, name=name, company_id=company_id)
        return huggy_access.typed(named, token) if token else named

    tried: list[Tried] = []
    changes_access = token is not None or company_id != installation.company_id
    if changes_access and "anyway" not in form:
        tried = await console.connections.huggy(change(installation))
        if not is_fine(tried):
            sealed = console.carrier.wrap({"huggy_token": token} if token else {}, purpose=purpose)
            return _page(
                console, request, installation, status=422, tried=tried, can_save_anyway=True, carried=sealed, **again
            )
    try:
        await save(console, visitor, installation, "Configurou a conexão com a Huggy", change)
    except WouldStop:
        return _page(console, request, installation, errors={"name": INCOMPLETE}, **again)
    await flash(request, "Salvo, e a Huggy aceitou o acesso." if tried else "Salvo.")
    return Redirect(address_of_step(installation, SLUG), status_code=303)


@post("/configurar/huggy/testar", status_code=200)
async def try_huggy(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    tried = await console.connections.huggy(installation)
    if request.headers.get("hx-request"):
        content = console.pages.fragment("setup/tried.html", tried=tried, wrong="", heading="Teste da conexão")
        return Response(content, media_type=MediaType.HTML, headers=GUARDS)
    return _page(console, request, installation, tried=tried)


@post("/configurar/huggy/esquecer-token", status_code=200)
async def forget_webhook_token(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """The next handshake pins its own."""
    await save(
        console, visitor, installation, "Esqueceu o token do webhook", lambda fresh: replace(fresh, webhook_token=None)
    )
    await flash(request, VALIDATE_AGAIN)
    return Redirect(address_of_step(installation, SLUG), status_code=303)


async def _wrong(
    console: Console, installation: Installation, name: str, company_id: CompanyId, token: str
) -> dict[str, str]:
    errors: dict[str, str] = {}
    wrong = wrong_name(name) if name else "Informe o nome da empresa."
    if wrong:
        errors["name"] = wrong
    if company_id != installation.company_id:
        wrong = await wrong_company(console, company_id)
        if wrong:
            errors["company_id"] = wrong
    wrong = wrong_credential(token)
    if wrong:
        errors["huggy_token"] = wrong
    return errors


async def wrong_company(console: Console, company_id: str) -> str:
    """What is wrong with a company's number for an installation that has not got it yet; empty: nothing."""
    wrong = wrong_company_id(company_id)
    if wrong:
        return wrong
    if any(each.company_id == company_id for each in await console.installations.all()):
        return "Esta empresa já tem uma instalação."
    return ""


def _page(console: Console, request: PageRequest, installation: Installation, **context: Any) -> Response[str]:
    defaults: dict[str, Any] = {
        "name": installation.name,
        "company_id": installation.company_id,
        "has_token": bool(installation.huggy_token),
        "carried": "",
        "tried": [],
        "can_save_anyway": False,
        "wrong": "",
    }
    return show_step(
        console,
        request,
        installation,
        SLUG,
        **{
            **defaults,
            **context,
            "webhook": webhook_url(console.public_url, installation),
            "notifications": NOTIFICATIONS,
            "can_sign_in": console.accounts.is_configured,
        },
    )


huggy_routes = [show_huggy, save_huggy, try_huggy, forget_webhook_token]

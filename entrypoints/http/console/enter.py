"""The door: by Huggy for a provider's people, by a password for operators, and out again."""

import hmac
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

import structlog
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct
from msgspec.structs import replace

from application.failures import Failure, Rejected
from domain.identifiers import CompanyId, InstallationId, Secret
from entrypoints.doorkeeper import TooManyTries, mark_of
from entrypoints.http.console.connecting import choose, connect, room_of
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import (
    PageRequest,
    Pending,
    Session,
    Visitor,
    browser_of,
    flash,
    give_console,
    grant_used,
    own_path,
    visitor_or_none,
)
from entrypoints.huggy_sign_in import SignedIn, sign_in

CALLBACK = "/oauth/huggy/callback"
PENDING_S = 600
"""how long somebody may take at Huggy's page"""


log = structlog.get_logger()


class Trouble(Struct, frozen=True, kw_only=True):
    """Why nobody was let in, in words."""

    status: int
    title: str
    text: str


NOT_BEGUN = Trouble(
    status=400,
    title="Este acesso não vale mais",
    text="Ele não começou neste navegador, já foi usado ou demorou demais. Comece de novo.",
)
DECLINED = Trouble(
    status=400,
    title="A Huggy não liberou o acesso",
    text="Você recusou o acesso, ou o seu usuário não pode instalar aplicativos. Peça a um administrador da Huggy.",
)
NO_CODE = Trouble(
    status=400, title="A Huggy não liberou o acesso", text="A resposta da Huggy veio incompleta. Comece de novo."
)
STALE_CODE = Trouble(
    status=400, title="A Huggy não confirmou o acesso", text="O código dela já tinha vencido. Comece de novo."
)
WRONG_CLIENT = Trouble(
    status=502,
    title="A Huggy não reconhece este Ponte",
    text="Avise quem cuida do Ponte: o client_id ou o client_secret do aplicativo está errado.",
)
SILENT = Trouble(
    status=503, title="A Huggy não respondeu", text="Isso costuma passar logo. Tente de novo em alguns instantes."
)
TOO_MANY = Trouble(status=429, title="Acessos demais", text="Espere um minuto e comece de novo.")
NOT_YOUR_COMPANY = Trouble(
    status=403,
    title="Esse usuário não é da empresa",
    text="O usuário que entrou na Huggy não tem acesso à empresa desta instalação. Saia da Huggy e entre com outro.",
)


@get("/entrar")
async def door(request: PageRequest, console: NamedDependency[Console]) -> Response[Any]:
    next_ = own_path(_asked(request, "next"))
    if visitor_or_none(request) is not None:
        return Redirect(next_ or "/", status_code=303)
    return console.pages.show(
        request,
        "enter/door.html",
        next=next_,
        by_huggy=console.accounts.is_configured,
        browser=browser_of(request),
    )


@get("/entrar/operador")
async def operators_door(request: PageRequest, console: NamedDependency[Console]) -> Response[Any]:
    next_ = own_path(_asked(request, "next"))
    if visitor_or_none(request) is not None:
        return Redirect(next_ or "/", status_code=303)
    return _operators_door(request, console, next_=next_)


@post("/entrar/operador")
async def enter_as_operator(request: PageRequest, console: NamedDependency[Console]) -> Response[Any]:
    form = await request.form()
    name, password = (str(form.get(field, "")) for field in ("name", "password"))
    next_ = own_path(str(form.get("next", "")))
    try:
        operator = await console.doorkeeper.admit(name, Secret(value=password), address=_address(request))
    except TooManyTries:
        error = "Tentativas demais. Espere um minuto e tente de novo."
        return _operators_door(request, console, next_=next_, name=name, error=error, status=429)
    if operator is None:
        error = "Nome ou senha não conferem."
        return _operators_door(request, console, next_=next_, name=name, error=error, status=422)
    await browser_of(request).begin(Session(operator=operator.name, password_mark=mark_of(operator)))
    return Redirect(next_ or "/", status_code=303)


@post("/sair")
async def leave(request: PageRequest) -> Response[Any]:
    await browser_of(request).forget()
    return Redirect("/entrar", status_code=303)


@get("/oauth/huggy/start")
async def start_at_huggy(request: PageRequest, console: NamedDependency[Console]) -> Response[Any]:
    """With `next`, or with the one installation or company that it is about (`instalacao`, `empresa`)."""
    if not console.accounts.is_configured:
        return _refused(request, console, WRONG_CLIENT)
    try:
        console.doorkeeper.count_start(_address(request))
    except TooManyTries:
        return _refused(request, console, TOO_MANY)
    browser = browser_of(request)
    state = token_urlsafe(32)
    pending = Pending(
        state=Secret(value=state),
        begun_at=console.clock.now().timestamp(),
        next=own_path(_asked(request, "next")),
        installation_id=InstallationId(_asked(request, "instalacao")),
        company_id=CompanyId(_asked(request, "empresa")),
    )
    await browser.keep(replace(browser.content, pending=pending))
    there = console.accounts.authorize_url(redirect_uri=f"{console.public_url}{CALLBACK}", state=state)
    return Redirect(there, status_code=303)


@get(CALLBACK)
async def back_from_huggy(request: PageRequest, console: NamedDependency[Console]) -> Response[Any]:
    browser = browser_of(request)
    pending = browser.content.pending
    if pending is None or not _belongs(pending, _asked(request, "state"), console):
        return _refused(request, console, NOT_BEGUN)
    await browser.keep(replace(browser.content, pending=None))
    if _asked(request, "error"):
        return _refused(request, console, DECLINED, pending)
    code = Secret(value=_asked(request, "code"))
    if not code:
        return _refused(request, console, NO_CODE, pending)
    try:
        back_to = f"{console.public_url}{CALLBACK}"
        signed_in = await console.work_loop.run(
            lambda: sign_in(console.accounts, console.agents, code=code, redirect_uri=back_to)
        )
        if pending.installation_id:
            return await _connect_again(request, console, pending, signed_in)
    except Rejected as refusal:
        return _refused(
            request, console, WRONG_CLIENT if refusal.cause == "huggy.client_refused" else STALE_CODE, pending
        )
    except Failure as failure:
        log.warning("console.sign_in_failed", cause=failure.cause)
        return _refused(request, console, SILENT, pending)
    return await _let_in(request, console, pending, signed_in)


async def _let_in(request: PageRequest, console: Console, pending: Pending, signed_in: SignedIn) -> Response[Any]:
    """To the company that they chose, or to the only one that they have; else they choose."""
    companies = {company.id: company for company in signed_in.companies}
    visitor = await _begin(request, signed_in, tuple(companies))
    company = companies.get(pending.company_id) or (signed_in.companies[0] if len(companies) == 1 else None)
    if company is None:
        if signed_in.unsure:
            await flash(request, "A Huggy não respondeu sobre todas as suas empresas. Se faltar uma, informe o código.")
        return Redirect(pending.next or "/empresas", status_code=303)
    chosen = await choose(console, visitor, company, signed_in.grant)
    if chosen is None:
        return Redirect("/empresas", status_code=303)
    if chosen.used_grant:
        await grant_used(request)
    return Redirect(pending.next or room_of(chosen), status_code=303)


async def _connect_again(
    request: PageRequest, console: Console, pending: Pending, signed_in: SignedIn
) -> Response[Any]:
    """One installation gets the new access, if Huggy lets this agent into its company."""
    installation = await console.installations.get(pending.installation_id)
    if installation is None:
        return _refused(request, console, NOT_YOUR_COMPANY, pending)
    company_id, token = installation.company_id, signed_in.grant.token
    companies = tuple(company.id for company in signed_in.companies)
    if company_id not in companies:
        if not await console.work_loop.run(lambda: console.accounts.belongs_to(token, company_id)):
            return _refused(request, console, NOT_YOUR_COMPANY, pending)
        await console.agents.remember(signed_in.agent.id, company_id)
        companies = (*companies, company_id)
    visitor = visitor_or_none(request)
    if visitor is None or not visitor.is_operator:
        visitor = await _begin(request, signed_in, companies)
    if await connect(console, visitor, installation.id, company_id, signed_in.grant) is None:
        return _refused(request, console, NOT_YOUR_COMPANY)
    await grant_used(request)
    await flash(request, "Pronto: conectado com a Huggy.")
    return Redirect(pending.next or f"/i/{installation.id}", status_code=303)


async def _begin(request: PageRequest, signed_in: SignedIn, companies: tuple[CompanyId, ...]) -> Visitor:
    browser, console = browser_of(request), give_console(request)
    await browser.begin(
        Session(
            agent_id=signed_in.agent.id,
            agent_name=signed_in.agent.name,
            companies=companies,
            proved_at=dict.fromkeys(companies, console.clock.now().timestamp()),
            names={company.id: company.name for company in signed_in.companies if company.name},
            token=signed_in.grant.token,
            grant=signed_in.grant,
        )
    )
    return browser.signed_in()


def _belongs(pending: Pending, state: str, console: Console) -> bool:
    """Whether this is the answer to what this browser began."""
    is_fresh = console.clock.now().timestamp() - pending.begun_at <= PENDING_S
    return is_fresh and hmac.compare_digest(pending.state.reveal().encode(), state.encode("utf-8", "surrogatepass"))


def _refused(request: PageRequest, console: Console, trouble: Trouble, pending: Pending | None = None) -> Response[Any]:
    asked = (
        {}
        if pending is None
        else {"next": pending.next, "instalacao": pending.installation_id, "empresa": pending.company_id}
    )
    query = urlencode({name: value for name, value in asked.items() if value})
    return console.pages.show(
        request,
        "enter/refused.html",
        status=trouble.status,
        title=trouble.title,
        text=trouble.text,
        again=f"/oauth/huggy/start?{query}" if query else "/entrar",
    )


def _operators_door(
    request: PageRequest, console: Console, *, next_: str, name: str = "", error: str = "", status: int = 200
) -> Response[Any]:
    return console.pages.show(
        request,
        "enter/operator.html",
        status=status,
        next=next_,
        name=name,
        errors={"name": error} if error else {},
        browser=browser_of(request),
    )


def _address(request: PageRequest) -> str:
    return request.client.host if request.client else ""


def _asked(request: PageRequest, name: str) -> str:
    return str(request.query_params.get(name, ""))


ENTER = (door, operators_door, enter_as_operator, leave, start_at_huggy, back_from_huggy)

"""Which company: one that Huggy confirmed, or one whose code is typed and confirmed there and then."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct

from application.console_ports import HuggyCompany
from application.failures import Failure
from domain.identifiers import CompanyId
from entrypoints.doorkeeper import TooManyTries
from entrypoints.http.console.connecting import choose, of_company, room_of
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import (
    PageRequest,
    Visitor,
    browser_of,
    flash,
    grant_used,
    proved,
)
from entrypoints.installation_form import NAME_MAX, wrong_company_id
from entrypoints.new_installation import new_installation


class CompanyCard(Struct, frozen=True, kw_only=True):
    """A company that somebody may choose, and how it stands."""

    id: CompanyId
    name: str
    tone: str
    state: str


@get("/empresas")
async def companies(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    if visitor.is_operator:
        return Redirect("/", status_code=303)
    return await _companies(request, console, visitor)


@post("/empresas")
async def choose_company(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    if visitor.is_operator:
        return Redirect("/", status_code=303)
    browser = browser_of(request)
    typed = str((await request.form()).get("company_id", "")).strip()
    company_id = CompanyId(typed)
    if company_id not in visitor.companies:
        error = await _doubt(request, console, visitor, company_id)
        if error:
            return await _companies(request, console, visitor, typed=typed, error=error)
        await browser.keep(proved(browser.content, company_id, console.clock.now()))
        visitor = browser.signed_in()
    company = HuggyCompany(id=company_id, name=browser.content.names.get(company_id, ""))
    chosen = await choose(console, visitor, company, browser.content.grant)
    if chosen is None:  # a form must not lead to another site, so a link does
        return console.pages.show(
            request,
            "enter/refused.html",
            title="Falta um passo",
            text="Entre mais uma vez na Huggy para conectar esta empresa.",
            again=f"/oauth/huggy/start?empresa={company_id}",
        )
    if chosen.used_grant:
        await grant_used(request)
    return Redirect(room_of(chosen), status_code=303)


async def _doubt(request: PageRequest, console: Console, visitor: Visitor, company_id: CompanyId) -> str:
    """What keeps the visitor from this company, in words; empty: Huggy let them in."""
    if wrong_company_id(company_id):
        return "Informe só os números do código da empresa."
    token = browser_of(request).content.token
    if token is None:
        return "Saia e entre de novo com a Huggy."
    try:
        console.company_tries.count(f"agent {visitor.agent_id}")
        lets_in = await console.work_loop.run(lambda: console.accounts.belongs_to(token, company_id))
    except TooManyTries:
        return "Tentativas demais. Espere um minuto e tente de novo."
    except Failure as failure:
        if failure.cause == "huggy.unauthorized":
            return "O seu acesso à Huggy venceu. Saia e entre de novo."
        return "A Huggy não respondeu. Tente de novo em alguns instantes."
    if not lets_in:
        return "A Huggy não confirmou o seu acesso a essa empresa. Confira o código."
    await console.agents.remember(str(visitor.agent_id), company_id)
    return ""


async def _companies(
    request: PageRequest, console: Console, visitor: Visitor, *, typed: str = "", error: str = ""
) -> Response[Any]:
    names = browser_of(request).content.names
    cards = [await _card(console, company_id, names.get(company_id, "")) for company_id in sorted(visitor.companies)]
    return console.pages.show(
        request,
        "enter/companies.html",
        status=422 if error else 200,
        cards=cards,
        typed=typed,
        errors={"company_id": error} if error else {},
    )


async def _card(console: Console, company_id: CompanyId, name: str) -> CompanyCard:
    theirs = await of_company(console, company_id)
    name = next((each.name for each in theirs if each.name), name) or f"Empresa {company_id}"
    if not theirs:
        return CompanyCard(id=company_id, name=name, tone="calm", state="Ainda não cadastrada")
    if any(each.huggy_lost_at for each in theirs):
        return CompanyCard(id=company_id, name=name, tone="warn", state="Reconectar com a Huggy")
    return CompanyCard(id=company_id, name=name, tone="good", state="Cadastrada")


@get("/instalacoes/nova")
async def new_company(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    if not visitor.is_operator:
        return Redirect("/empresas", status_code=303)
    return console.pages.show(request, "enter/new.html", company_id="", name="", errors={})


@post("/instalacoes/nova")
async def add_company(
    request: PageRequest, console: NamedDependency[Console], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """By an operator, for a company whose people come later."""
    if not visitor.is_operator:
        return Redirect("/empresas", status_code=303)
    form = await request.form()
    company_id, name = (str(form.get(field, "")).strip() for field in ("company_id", "name"))
    errors: dict[str, str] = {}
    if wrong_company_id(company_id):
        errors["company_id"] = "Informe só os números do código da empresa."
    if not 0 < len(name) <= NAME_MAX:
        errors["name"] = f"Informe o nome da empresa, com até {NAME_MAX} letras."
    async with console.turns(f"company:{company_id}"):
        if not errors and await of_company(console, CompanyId(company_id)):
            errors["company_id"] = "Essa empresa já está cadastrada."
        if errors:
            return console.pages.show(
                request, "enter/new.html", status=422, company_id=company_id, name=name, errors=errors
            )
        installation = new_installation(
            new_id=console.new_id, new_key=console.new_key, company_id=company_id, name=name, paused=True
        )
        await console.installations.save(installation)
    await console.audit.note(installation.id, visitor, "Cadastrou a empresa")
    await flash(request, "Empresa cadastrada. Agora, o ERP.")
    return Redirect(f"/i/{installation.id}/configurar/erp", status_code=303)


COMPANIES = (companies, choose_company, new_company, add_company)

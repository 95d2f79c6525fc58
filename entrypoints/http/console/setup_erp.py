"""The step "ERP": where it is and how to get in. What is saved was tried first, or the admin says "all the same"."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Redirect
from msgspec.structs import replace

from domain.identifiers import Personal, Secret
from domain.installation import Installation
from domain.readiness import missing
from domain.tax_id import DocumentFault, TaxId, read_document
from entrypoints.connections import Tried, is_fine
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_saving import INCOMPLETE, WouldStop, save
from entrypoints.http.console.setup_steps import address_of_step, field_text, show_step
from entrypoints.installation_form import wrong_credential, wrong_email

SLUG = "erp"
THIRD_PARTY = ("client_id", "client_secret", "syndata")
SECRETS = ("erp_token", "client_secret", "syndata")
"""fields that are never shown again"""
_ELSEWHERE = "O endereço do ERP mudou: informe de novo. O que está guardado não é enviado a outro endereço."
_EVERYTHING_OR_NOTHING = "Para usar a API para terceiros, informe os três: client_id, client_secret e syndata."


class Form(Personal, frozen=True, kw_only=True):
    """What was typed, cleaned."""

    erp_url: str
    erp_pbx: str
    email: str
    client_id: str
    secrets: dict[str, Secret]
    """those that were typed, by the field's name"""
    drops_third_party: bool
    document: TaxId | None


@get("/configurar/erp")
async def show_erp(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    return _page(console, request, installation, tries="tentar" in request.query_params)


@post("/configurar/erp", status_code=200)
async def save_erp(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    typed = await request.form()
    purpose = _purpose(installation, visitor)
    carried = console.carrier.unwrap(field_text(typed, "carried"), purpose=purpose)
    form, errors = _read(console, installation, typed, carried)
    again: dict[str, Any] = {
        "values": {name: field_text(typed, name) for name in ("erp_url", "erp_pbx", "email", "client_id", "document")},
        "carried": console.carrier.wrap(form.secrets, purpose=purpose),
        "typed": frozenset(form.secrets),
    }
    if errors:
        return _page(console, request, installation, errors=errors, **again)
    tried: list[Tried] = []
    if "anyway" not in typed:
        tried = await console.connections.erp(_changed(installation, form), form.document)
        if not is_fine(tried):
            return _page(console, request, installation, status=422, tried=tried, can_save_anyway=True, **again)
    try:
        await save(console, visitor, installation, "Configurou o ERP", lambda fresh: _changed(fresh, form))
    except WouldStop:
        return _page(console, request, installation, errors={"erp_url": INCOMPLETE}, **again)
    await flash(request, "Salvo, e o teste passou." if tried else "Salvo sem passar no teste: confira quando puder.")
    return Redirect(f"{address_of_step(installation, SLUG)}?tentar", status_code=303)


@post("/configurar/erp/testar", status_code=200)
async def try_erp(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    """What is saved, once more: a fragment for htmx, else the whole page."""
    typed = await request.form()
    document, wrong = _document(field_text(typed, "document"))
    tried = [] if wrong else await console.connections.erp(installation, document)
    if request.headers.get("hx-request"):
        content = console.pages.fragment("setup/tried.html", tried=tried, wrong=wrong, heading="Teste da conexão")
        return Response(content, media_type=MediaType.HTML, headers=GUARDS)
    return _page(console, request, installation, tried=tried, errors={"document": wrong} if wrong else None)


def _page(
    console: Console,
    request: PageRequest,
    installation: Installation,
    *,
    values: Mapping[str, str] | None = None,
    carried: str = "",
    typed: frozenset[str] = frozenset(),
    **context: Any,
) -> Response[str]:
    """As saved, or as typed. Of secrets it is only told that there is one."""
    erp = installation.erp
    shown = {
        "erp_url": erp.url,
        "erp_pbx": erp.pbx,
        "email": installation.email,
        "client_id": erp.settings.get("client_id", ""),
        "document": "",
        **(values or {}),
    }
    defaults: dict[str, Any] = {"tried": [], "can_save_anyway": False, "tries": False, "wrong": ""}
    return show_step(
        console,
        request,
        installation,
        SLUG,
        **{**defaults, **context, "values": shown, "kept": _kept(installation) | typed, "carried": carried},
    )


def _read(
    console: Console, installation: Installation, typed: FormMultiDict, carried: Mapping[str, Secret]
) -> tuple[Form, dict[str, str]]:
    erp, errors = installation.erp, {}
    url = field_text(typed, "erp_url")
    try:
        url = console.read_erp_address(erp.kind, url)
    except ValueError as wrong:
        errors["erp_url"] = _sentence(str(wrong))
    secrets = dict(carried)
    for name in SECRETS:
        text = field_text(typed, name)
        if text:
            secrets[name] = Secret(value=text)
            errors |= _unusual(name, text)
    if not (secrets.get("erp_token") or erp.token):
        errors |= {"erp_token": "Informe o “Token de integrações” do ERP."}
    if "erp_url" not in errors and _is_elsewhere(url, erp.url):
        errors |= dict.fromkeys(_kept(installation) - secrets.keys() - _dropped(typed), _ELSEWHERE)
    pbx, email = field_text(typed, "erp_pbx"), field_text(typed, "email")
    wrong_mail = wrong_email(email) if email else "Informe o e-mail."
    if wrong_mail:
        errors["email"] = wrong_mail
    document, wrong_document = _document(field_text(typed, "document"))
    if wrong_document:
        errors["document"] = wrong_document
    form = Form(
        erp_url=url,
        erp_pbx=pbx,
        email=email,
        client_id=field_text(typed, "client_id"),
        secrets=secrets,
        drops_third_party="drop_third_party" in typed,
        document=document,
    )
    errors |= {each.key: each.message for each in missing(_changed(installation, form)) if each.key == "erp_pbx"}
    errors |= _unusual("client_id", form.client_id)
    settings = _settings(installation.erp.settings, form)
    given = [name for name in THIRD_PARTY if settings.get(name)]
    if given and len(given) < len(THIRD_PARTY):
        errors |= {name: _EVERYTHING_OR_NOTHING for name in THIRD_PARTY if name not in given and name not in errors}
    return form, errors


def _changed(fresh: Installation, form: Form) -> Installation:
    erp = replace(
        fresh.erp,
        url=form.erp_url,
        pbx=form.erp_pbx,
        token=form.secrets.get("erp_token", fresh.erp.token),
        settings=_settings(fresh.erp.settings, form),
    )
    return replace(fresh, erp=erp, email=form.email)


def _settings(kept: Mapping[str, str], form: Form) -> dict[str, str]:
    """The vendor's own, with what the form says of the third-party API; the others stay."""
    others = {name: value for name, value in kept.items() if name not in THIRD_PARTY}
    if form.drops_third_party:
        return others
    secrets = {name: form.secrets[name].reveal() for name in THIRD_PARTY if name in form.secrets}
    ours = {**{name: kept.get(name, "") for name in THIRD_PARTY}, "client_id": form.client_id, **secrets}
    return {**others, **{name: value for name, value in ours.items() if value}}


def _kept(installation: Installation) -> set[str]:
    """The secret fields that there is something of."""
    erp = installation.erp
    return {name for name in SECRETS if erp.settings.get(name)} | ({"erp_token"} if erp.token else set())


def _dropped(typed: FormMultiDict) -> set[str]:
    return set(THIRD_PARTY) if "drop_third_party" in typed else set()


def _is_elsewhere(url: str, before: str) -> bool:
    """Whether kept secrets would be shown to another host than the one that they were typed for."""
    return bool(before) and urlsplit(url).hostname != urlsplit(before).hostname


def _document(text: str) -> tuple[TaxId | None, str]:
    """What was typed to test with, and what is wrong with it."""
    if not text:
        return None, ""
    document = read_document(text)
    if isinstance(document, DocumentFault):
        return None, "Este não é um CPF ou CNPJ válido: confira os números, ou deixe em branco."
    return document, ""


def _unusual(name: str, text: str) -> dict[str, str]:
    wrong = wrong_credential(text)
    return {name: wrong} if wrong else {}


def _purpose(installation: Installation, visitor: Visitor) -> str:
    return f"{installation.id}:{SLUG}:{visitor.csrf}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


erp_routes = [show_erp, save_erp, try_erp]

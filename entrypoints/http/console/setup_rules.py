"""The step "Regras": every policy that is no part of the Rede Off, in groups."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec.structs import replace

from domain.installation import Installation, Policies
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_rule_fields import GROUPS, LABELS, RULES, Rule, written
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.setup_steps import address_of_step, progress_of, show_step
from entrypoints.policies import WrongPolicy, with_policies

SLUG = "regras"
NOT_READY = "Ainda falta configuração: complete o que falta no passo Ativar antes de tirar da pausa."

_decode_shown = msgspec.json.Decoder(dict[str, str]).decode


@get("/configurar/regras")
async def show_rules(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    shown = _values(installation.policies)
    return _page(console, request, installation, values=shown, shown=shown)


@post("/configurar/regras", status_code=200)
async def save_rules(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    """Writes what differs from what the page showed: a pause that somebody set meanwhile stays."""
    form = await request.form()
    values, shown = {name: _typed(form, rule) for name, rule in RULES.items()}, _shown(form)
    changed = {name: text for name, text in values.items() if text != shown.get(name)}
    errors = _wrong(installation, changed)
    if errors:
        return _page(console, request, installation, values=values, shown=shown, errors=errors)
    written_policies = [(name, _for_reading(RULES[name], text)) for name, text in changed.items()]
    await save(
        console,
        visitor,
        installation,
        "Mudou as regras",
        lambda fresh: replace(fresh, policies=with_policies(fresh.policies, written_policies)),
    )
    await flash(request, "Regras salvas." if changed else "Nada mudou.")
    return Redirect(address_of_step(installation, SLUG), status_code=303)


def _page(
    console: Console,
    request: PageRequest,
    installation: Installation,
    *,
    values: Mapping[str, str],
    shown: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    return show_step(
        console,
        request,
        installation,
        SLUG,
        errors=errors,
        groups=GROUPS,
        labels=LABELS,
        options_with=_options_with,
        values=values,
        shown=msgspec.json.encode(shown).decode(),
    )


def _options_with(rule: Rule, value: str) -> tuple[tuple[str, str], ...]:
    """A value that was set elsewhere and is none of the usual ones stays a choice."""
    return rule.options if value in dict(rule.options) else (*rule.options, (value, value))


def _values(policies: Policies) -> dict[str, str]:
    return {name: written(getattr(policies, name)) for name in RULES}


def _shown(form: FormMultiDict) -> dict[str, str]:
    """What the page showed; nothing of it known: everything counts as changed."""
    try:
        return _decode_shown(str(form.get("shown", "")))
    except msgspec.DecodeError:
        return {}


def _typed(form: FormMultiDict, rule: Rule) -> str:
    if rule.kind == "switch":
        return "true" if rule.name in form else "false"
    if rule.kind == "several":
        return ", ".join(value for value in map(str, form.getall(rule.name, [])) if value in dict(rule.options))
    return str(form.get(rule.name, "")).strip()


def _wrong(installation: Installation, changed: Mapping[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, text in changed.items():
        try:
            with_policies(installation.policies, [(name, _for_reading(RULES[name], text))])
        except WrongPolicy as wrong:
            words = str(wrong).removeprefix(f"{name}: ")
            errors[name] = words[:1].upper() + words[1:] + "."
    if changed.get("paused") == "false" and not progress_of(installation).is_ready:
        errors["paused"] = NOT_READY
    return errors


def _for_reading(rule: Rule, text: str) -> str:
    """Numbers are typed with a comma here, and with a point where settings are read."""
    return text.replace(",", ".") if rule.kind == "number" else text


rules_routes = [show_rules, save_rules]

"""Saving a step: the part that it is about, over the installation as it stands at that moment, with a note of it."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar.exceptions import NotFoundException
from msgspec.structs import asdict

from application.failures import Rejected
from domain.identifiers import Secret
from domain.installation import Installation
from domain.readiness import FLOW_NAMES, missing
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import Visitor
from entrypoints.http.console.setup_rule_fields import LABELS

CHANGED = "alterado"
INCOMPLETE = "A empresa está ao vivo e isto a deixaria incompleta: escolha outro valor, ou pause o atendimento antes."

_NAMES = {
    "company_id": "código da empresa",
    "name": "nome",
    "email": "e-mail",
    "huggy_token": "token da Huggy",
    "webhook_token": "token do webhook",
    "erp.url": "endereço do ERP",
    "erp.token": "token do ERP",
    "erp.pbx": "PBX",
}


class WouldStop(Exception):
    """The change would leave a company that serves customers without something that it needs."""


async def save(
    console: Console,
    visitor: Visitor,
    installation: Installation,
    what: str,
    change: Callable[[Installation], Installation],
) -> Installation:
    """The installation as it is now. What others changed meanwhile stays; `change` touches its own part alone."""
    kept: list[Installation] = []

    def checked(fresh: Installation) -> Installation:
        changed = change(fresh)
        if is_live(fresh) and missing(changed):
            raise Rejected("installation.incomplete")
        kept[:] = [fresh]
        return changed

    try:
        saved = await console.installations.change(installation.id, checked)
    except Rejected as refused:
        if refused.cause == "installation.incomplete":
            raise WouldStop from None
        raise
    if saved is None:
        raise NotFoundException
    details = changes_between(kept[0], saved)
    if details:
        await console.audit.note(installation.id, visitor, what, details)
    return saved


def is_live(installation: Installation) -> bool:
    """It has everything and answers customers."""
    return not installation.policies.paused and not missing(installation)


def changes_between(before: Installation, after: Installation) -> Mapping[str, str]:
    """What changed, by the names that the pages use; values only of what is neither secret nor personal."""
    old, new = _facts(before), _facts(after)
    return {
        _name_of(key): _told(key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    }


def _facts(installation: Installation) -> dict[str, Any]:
    erp = installation.erp
    return {
        "company_id": installation.company_id,
        "name": installation.name,
        "email": installation.email,
        "huggy_token": installation.huggy_token,
        "webhook_token": installation.webhook_token,
        "erp.url": erp.url,
        "erp.token": erp.token,
        "erp.pbx": erp.pbx,
        **{f"setting.{name}": Secret(value=value) for name, value in erp.settings.items()},
        **{f"flow.{key}": flow_id for key, flow_id in installation.flows.items()},
        **{f"policy.{name}": value for name, value in asdict(installation.policies).items()},
    }


def _name_of(key: str) -> str:
    kind, _, name = key.partition(".")
    match kind:
        case "flow":
            return f"flow: {next(words for flow, words in FLOW_NAMES.items() if flow == name)}"
        case "policy":
            return LABELS[name]
        case "setting":
            return f"credencial {name}"
        case _:
            return _NAMES[key]


def _told(key: str, old: object, new: object) -> str:
    if key.startswith("flow."):
        return f"de {old or 'nenhum'} para {new or 'nenhum'}"
    if key.startswith("policy.") and isinstance(old, bool | int | float) and isinstance(new, bool | int | float):
        return f"de {_spoken(old)} para {_spoken(new)}"
    return CHANGED


def _spoken(value: float) -> str:
    if isinstance(value, bool):
        return "sim" if value else "não"
    return f"{value:g}".replace(".", ",")

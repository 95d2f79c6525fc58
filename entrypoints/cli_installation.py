"""`ponte installation …`: everything that the console can configure, scriptable.

Commands take the desk they work at and give a `Reply`; nothing in here prints, reads the environment or ends the
process. A reply never holds a token of Huggy's or the ERP's, only whether there is one; the installation's own addresses
and keys it does hold.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from application.ports import Installations
from domain.huggy_access import typed
from domain.identifiers import CompanyId, FlowId, InstallationId, Personal, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation
from domain.readiness import missing
from entrypoints.installation_form import (
    wrong_company_id,
    wrong_credential,
    wrong_email,
    wrong_flow_id,
    wrong_name,
)
from entrypoints.new_installation import new_installation
from entrypoints.policies import WrongPolicy, with_policies
from entrypoints.reply import CommandFailed, Reply, WrongUsage

ReadAddress = Callable[[ErpKind, str], str]
"""The ERP's address as it is kept, from what was pasted; `ValueError` with a sentence that says what is wrong."""

NoteChange = Callable[[Installation | None, Installation], Awaitable[None]]
"""keeps who changed what: the installation before (None: it is new) and after"""

_TELLABLE_SETTINGS = ("_body", "_id", "_segment", "_url")
"""endings of the vendor's own settings that are no secrets; all others are shown as set or not"""

VALIDATE_AGAIN = (
    "Token do webhook esquecido. Agora, na Huggy, abra Configurações > Integrações > Webhook e clique para validar o "
    "endereço de novo."
)


class Desk(Struct, frozen=True, kw_only=True):
    """What the commands work with."""

    installations: Installations
    note: NoteChange
    public_url: str
    new_id: Callable[[], str]
    new_key: Callable[[], str]
    read_address: ReadAddress
    erp_settings: Callable[[ErpKind], Collection[str]]
    """the names of the settings of an ERP's own"""


class Changes(Personal, frozen=True, kw_only=True):
    """What was said about an installation; None or empty: nothing."""

    company_id: str | None = None
    name: str | None = None
    email: str | None = None
    erp: ErpKind | None = None
    erp_url: str | None = None
    erp_token: Secret | None = None
    erp_pbx: str | None = None
    huggy_token: Secret | None = None
    forget_webhook_token: bool = False
    flows: Sequence[tuple[str, str]] = ()
    policies: Sequence[tuple[str, str]] = ()
    erp_settings: Sequence[tuple[str, str]] = ()


async def add(desk: Desk, changes: Changes) -> Reply:
    """A new installation with keys of its own; what it still lacks is told, not refused."""
    if not (changes.company_id and changes.erp_url):
        raise WrongUsage("informe pelo menos --company-id e --erp-url")
    blank = new_installation(new_id=desk.new_id, new_key=desk.new_key, erp=changes.erp or ErpKind.VOALLE)
    installation = _changed(desk, blank, changes)
    await _refuse_a_second(desk, installation)
    await desk.installations.save(installation)
    await desk.note(None, installation)
    return _where_it_stands(desk, installation, "criada")


async def change(desk: Desk, installation_id: str, changes: Changes) -> Reply:
    kept: list[Installation] = []

    def apply(fresh: Installation) -> Installation:
        kept[:] = [fresh]
        changed = _changed(desk, fresh, changes)
        if changed.outage_api_key:
            return changed
        return replace(changed, outage_api_key=Secret(value=desk.new_key()))  # made before there was that API

    before = await find(desk.installations, installation_id)
    after = apply(before)  # what is wrong is told before anything is written
    if after.company_id != before.company_id:
        await _refuse_a_second(desk, after)
    installation = await desk.installations.change(InstallationId(installation_id), apply)
    if installation is None:
        raise _unknown(installation_id)
    await desk.note(kept[0], installation)
    told = _where_it_stands(desk, installation, "alterada")
    return replace(told, lines=(*told.lines, VALIDATE_AGAIN)) if changes.forget_webhook_token else told


async def show(desk: Desk, installation_id: str) -> Reply:
    installation = await find(desk.installations, installation_id)
    erp = installation.erp
    facts = {
        "installation_id": installation.id,
        "company_id": installation.company_id,
        "name": installation.name,
        "email": installation.email,
        "erp": {
            "kind": erp.kind,
            "url": erp.url,
            "pbx": erp.pbx,
            "token_set": bool(erp.token),
            "settings": {name: _tellable(name, value) for name, value in erp.settings.items()},
        },
        "huggy_token_set": bool(installation.huggy_token),
        "webhook_token_pinned": bool(installation.webhook_token),
        "flows": {key: installation.flows.get(key) for key in FlowKey},
        "policies": msgspec.to_builtins(installation.policies),
        **_addresses(desk, installation),
        "readiness": _readiness(installation),
    }
    return Reply(facts=facts, lines=(*_told(facts), *_lacks(installation)))


async def list_all(desk: Desk) -> Reply:
    installations = await desk.installations.all()
    rows = [
        {
            "installation_id": installation.id,
            "company_id": installation.company_id,
            "name": installation.name,
            "erp": installation.erp.kind,
            "ready": not missing(installation),
            "paused": installation.policies.paused,
            "shadow": installation.policies.shadow,
        }
        for installation in installations
    ]
    lines = tuple(
        f"{row['installation_id']}  empresa {row['company_id']}  {row['name']}  {_state(row)}" for row in rows
    )
    return Reply(facts={"installations": rows}, lines=lines or ("Nenhuma instalação.",))


async def remove(desk: Desk, installation_id: str) -> Reply:
    if not await desk.installations.remove(InstallationId(installation_id)):
        raise _unknown(installation_id)
    return Reply(
        facts={"installation_id": installation_id, "removed": True}, lines=(f"Instalação {installation_id} removida.",)
    )


async def find(installations: Installations, installation_id: str) -> Installation:
    installation = await installations.get(InstallationId(installation_id))
    if installation is None:
        raise _unknown(installation_id)
    return installation


def webhook_url(public_url: str, installation: Installation) -> str:
    return f"{public_url}/webhooks/huggy/{installation.webhook_key.reveal()}"


def flow_api_url(public_url: str, installation: Installation) -> str:
    """What comes before the operation's name."""
    return f"{public_url}/flow/{installation.flow_api_key.reveal()}"


def outage_api_url(public_url: str) -> str:
    """The same for all installations: the key goes into a header."""
    return f"{public_url}/api/outages"


async def _refuse_a_second(desk: Desk, installation: Installation) -> None:
    """Of two installations of one company, a notification could not tell which it is for."""
    for each in await desk.installations.all():
        if each.company_id == installation.company_id and each.id != installation.id:
            raise CommandFailed(
                f"a empresa {each.company_id} já tem a instalação {each.id}: altere-a com `ponte installation set {each.id}`"
            )


def _changed(desk: Desk, installation: Installation, changes: Changes) -> Installation:
    _refuse_wrong(changes)
    try:
        return replace(
            typed(installation, changes.huggy_token) if changes.huggy_token else installation,
            company_id=CompanyId(_said(changes.company_id, installation.company_id)),
            name=_said(changes.name, installation.name),
            email=_said(changes.email, installation.email),
            webhook_token=None if changes.forget_webhook_token else installation.webhook_token,
            erp=_changed_erp(desk, installation.erp, changes),
            flows=_changed_flows(installation.flows, changes.flows),
            policies=with_policies(installation.policies, changes.policies),
        )
    except WrongPolicy as wrong:
        raise WrongUsage(f"--set {wrong}") from None


def _refuse_wrong(changes: Changes) -> None:
    """As the console does; what is empty only clears."""
    company_id, name, email = (_said(text, "") for text in (changes.company_id, changes.name, changes.email))
    tokens = {"--erp-token": changes.erp_token, "--huggy-token": changes.huggy_token}
    found = {
        "--company-id": wrong_company_id(company_id) if changes.company_id is not None else "",
        "--name": wrong_name(name),
        "--email": wrong_email(email) if email else "",
        **{option: wrong_credential(token.reveal()) for option, token in tokens.items() if token},
    }
    for option, wrong in found.items():
        if wrong:
            raise WrongUsage(f"{option}: {wrong}")


def _changed_erp(desk: Desk, erp: ErpAccess, changes: Changes) -> ErpAccess:
    kind = changes.erp or erp.kind
    known = desk.erp_settings(kind)
    for name, value in changes.erp_settings:
        if value and name not in known:
            raise WrongUsage(f"--erp-set: não existe {name!r}; existem: {', '.join(sorted(known))}")
    settings = {**erp.settings, **dict(changes.erp_settings)}
    return ErpAccess(
        kind=kind,
        url=erp.url if changes.erp_url is None else _address(desk, kind, changes.erp_url),
        token=changes.erp_token or erp.token,
        pbx=_said(changes.erp_pbx, erp.pbx),
        settings={name: value for name, value in settings.items() if value},
    )


def _address(desk: Desk, kind: ErpKind, pasted: str) -> str:
    try:
        return desk.read_address(kind, pasted)
    except ValueError as wrong:
        raise WrongUsage(f"--erp-url: {wrong}") from None


def _changed_flows(flows: Mapping[FlowKey, FlowId], written: Sequence[tuple[str, str]]) -> dict[FlowKey, FlowId]:
    changed = dict(flows)
    for key, flow_id in written:
        if key not in set(FlowKey):
            raise WrongUsage(f"--flow: não existe {key!r}; existem: {', '.join(FlowKey)}")
        changed[FlowKey(key)] = FlowId(flow_id.strip())
        wrong = wrong_flow_id(flow_id.strip()) if flow_id.strip() else ""
        if wrong:
            raise WrongUsage(f"--flow {key}: {wrong}")
    return {key: flow_id for key, flow_id in changed.items() if flow_id}


def _said(new: str | None, old: str) -> str:
    return old if new is None else new.strip()


def _where_it_stands(desk: Desk, installation: Installation, what_happened: str) -> Reply:
    addresses = _addresses(desk, installation)
    return Reply(
        facts={"installation_id": installation.id, **addresses, "readiness": _readiness(installation)},
        lines=(
            f"Instalação {installation.id} {what_happened}.",
            f"Endereço do webhook: {addresses['webhook_url']}",
            f"Endereço da API de flows: {addresses['flow_api_url']}",
            f"Endereço da API de falhas: {addresses['outage_api_url']} (chave: {addresses['outage_api_key']})",
            *_lacks(installation),
        ),
    )


def _addresses(desk: Desk, installation: Installation) -> dict[str, str]:
    return {
        "webhook_url": webhook_url(desk.public_url, installation),
        "flow_api_url": flow_api_url(desk.public_url, installation),
        "outage_api_url": outage_api_url(desk.public_url),
        "outage_api_key": installation.outage_api_key.reveal(),
    }


def _readiness(installation: Installation) -> object:
    return msgspec.to_builtins(missing(installation))


def _lacks(installation: Installation) -> tuple[str, ...]:
    lacks = tuple(f"Falta: {lack.message}" for lack in missing(installation))
    return lacks or ("Pronta para atender.",)


def _told(facts: Mapping[str, object], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, fact in facts.items():
        if isinstance(fact, Mapping):
            lines += _told(fact, f"{prefix}{name}.")
        elif name != "readiness":
            lines.append(f"{prefix}{name}: {fact}")
    return lines


def _state(row: Mapping[str, object]) -> str:
    states = [
        "pronta" if row["ready"] else "incompleta",
        *(["pausada"] if row["paused"] else []),
        *(["em observação"] if row["shadow"] else []),
    ]
    return ", ".join(states)


def _tellable(name: str, value: str) -> str:
    return value if name.endswith(_TELLABLE_SETTINGS) else "definido"


def _unknown(installation_id: str) -> CommandFailed:
    return CommandFailed(f"não existe a instalação {installation_id!r}; veja `ponte installation list`")

"""`ponte outage …`: mass outages declared, corrected, closed and listed, scriptable."""

import argparse
from collections.abc import Awaitable, Callable

from msgspec import Struct

from application.declare_outage import DeclareOutages, WhyNot
from application.outage_ports import OutageRegistry, Told
from application.ports import Clock, Installations
from domain.identifiers import InstallationId
from domain.installation import Installation
from domain.outage_scope import DeclaredOutage, OutageId
from entrypoints.outage_form import (
    REFUSALS,
    OutageChange,
    OutageForm,
    WrongOutage,
    outage_facts,
    outage_line,
    read_correction,
    read_declaration,
    zone_of,
)
from entrypoints.reply import CommandFailed, Reply, WrongUsage

NoteOutage = Callable[[InstallationId, OutageChange, DeclaredOutage], Awaitable[None]]
"""keeps who did what to an outage, which is told as it is afterwards"""


class OutageDesk(Struct, frozen=True, kw_only=True):
    """What the commands work with."""

    installations: Installations
    outages: OutageRegistry
    note: NoteOutage
    clock: Clock
    new_id: Callable[[], str]


async def act(desk: OutageDesk, args: argparse.Namespace) -> Reply:
    """What `entrypoints.cli_arguments` understood."""
    match args.action:
        case "open":
            return await open_outage(desk, args.installation, _form(args))
        case "update":
            return await correct_outage(desk, args.installation, args.outage, _form(args))
        case "close":
            return await close_outage(desk, args.installation, args.outage)
        case _:
            return await list_outages(desk, args.installation, past=args.all)


def _form(args: argparse.Namespace) -> OutageForm:
    return OutageForm(
        scope=args.scope, predicted=args.predicted, cause=args.cause, protocol=args.protocol, expires=args.expires
    )


async def open_outage(desk: OutageDesk, installation_id: str | None, form: OutageForm) -> Reply:
    installation = await _chosen(desk, installation_id)
    try:
        declaration = read_declaration(form, now=desk.clock.now(), zone=zone_of(installation))
    except WrongOutage as wrong:
        raise WrongUsage(f"--{wrong}") from None
    opened = await _declare(desk, installation).open(OutageId(desk.new_id()), declaration)
    return await _changed(desk, installation, opened, OutageChange.OPENED)


async def correct_outage(desk: OutageDesk, installation_id: str | None, outage_id: str, form: OutageForm) -> Reply:
    installation = await _chosen(desk, installation_id)
    try:
        correction = read_correction(form, now=desk.clock.now(), zone=zone_of(installation))
    except WrongOutage as wrong:
        raise WrongUsage(f"--{wrong}") from None
    corrected = await _declare(desk, installation).correct(OutageId(outage_id), correction)
    return await _changed(desk, installation, corrected, OutageChange.CORRECTED)


async def close_outage(desk: OutageDesk, installation_id: str | None, outage_id: str) -> Reply:
    installation = await _chosen(desk, installation_id)
    before = await desk.outages.get(installation.id, OutageId(outage_id))
    closed = await _declare(desk, installation).close(OutageId(outage_id))
    closes = before is not None and before.ended_at is None
    return await _changed(desk, installation, closed, OutageChange.CLOSED if closes else None)


async def list_outages(desk: OutageDesk, installation_id: str | None, *, past: bool) -> Reply:
    installation = await _chosen(desk, installation_id)
    shown = await (desk.outages.recent if past else desk.outages.standing)(installation.id)
    told = await desk.outages.told(installation.id)
    now, zone = desk.clock.now(), zone_of(installation)
    nobody = Told()
    return Reply(
        facts={
            "outages": [outage_facts(each, told.get(each.id, nobody), now=now, zone=zone) for each in shown],
        },
        lines=tuple(outage_line(each, told.get(each.id, nobody), now=now, zone=zone) for each in shown)
        or ("Nenhuma falha." if past else "Nenhuma falha aberta.",),
    )


async def _chosen(desk: OutageDesk, installation_id: str | None) -> Installation:
    """The one that was named; none need be named where there is one alone."""
    if installation_id is not None:
        installation = await desk.installations.get(InstallationId(installation_id))
        if installation is None:
            raise CommandFailed(f"não existe a instalação {installation_id!r}; veja `ponte installation list`")
        return installation
    everyone = await desk.installations.all()
    if len(everyone) != 1:
        raise WrongUsage("diga de qual empresa com --installation ID; veja `ponte installation list`")
    return everyone[0]


def _declare(desk: OutageDesk, installation: Installation) -> DeclareOutages:
    return DeclareOutages(registry=desk.outages, clock=desk.clock, installation=installation)


async def _changed(
    desk: OutageDesk, installation: Installation, outage: DeclaredOutage | WhyNot, change: OutageChange | None
) -> Reply:
    """`change`: what is noted of it; None: nothing changed."""
    if isinstance(outage, WhyNot):
        raise CommandFailed(REFUSALS[outage])
    if change is not None:
        await desk.note(installation.id, change, outage)
    told = (await desk.outages.told(installation.id)).get(outage.id, Told())
    now, zone = desk.clock.now(), zone_of(installation)
    silent = outage.stands(now) and not installation.policies.outage_message_enabled
    warning = (
        "Atenção: a mensagem de falha massiva está desligada; ligue com "
        f"`ponte installation set {installation.id} --set outage_message_enabled=true`."
    )
    return Reply(
        facts={
            "outage": outage_facts(outage, told, now=now, zone=zone),
            "message_enabled": installation.policies.outage_message_enabled,
        },
        lines=(outage_line(outage, told, now=now, zone=zone), *([warning] if silent else [])),
    )

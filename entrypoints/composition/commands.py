"""What the command line asks of the composition root: `entrypoints.root.Root`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    asynccontextmanager,
    closing,
)
from functools import partial

import structlog
import uvloop
from msgspec import Struct

from adapters.clock.system import SystemClock
from adapters.notices.smtp import SmtpPost, read_mail_server
from adapters.storage.database import visit_database
from adapters.storage.migrate import ensure_current, head, upgrade
from adapters.storage.refusals import DatabaseRefused
from adapters.storage.rotation import reseal_all
from adapters.storage.sqlite_file import remove
from application.console_ports import Audit, Operators
from application.failures import Failure
from application.outage_ports import OutageRegistry
from application.ports import Erps, Installations
from domain.causes import advise
from domain.identifiers import InstallationId
from domain.installation import ErpKind, Installation
from domain.outage_scope import DeclaredOutage
from entrypoints.cli_installation import NoteChange
from entrypoints.cli_outage import NoteOutage
from entrypoints.composition.container import Container
from entrypoints.composition.erps import make_probe, make_tls, read_address, settings_of
from entrypoints.composition.serving import (
    NOBODY_WORKS,
    PonteServer,
    build_server,
    nobody_works,
    refusals_in_words,
    server_config,
    serving,
    upstreams,
    work,
)
from entrypoints.connections import AskHuggy, Probe, try_huggy
from entrypoints.http.console.setup_saving import changes_between
from entrypoints.huggy_tokens import HuggyTokens
from entrypoints.listening import listening, port_of
from entrypoints.outage_form import OutageChange, change_details
from entrypoints.settings import Settings

log = structlog.get_logger()


def run_server(settings: Settings, host: str, port: int, worker: bool) -> None:
    with listening(host, port) as sockets, serving(settings, works=worker) as container:
        port = port_of(sockets)
        log.info("server.starting", host=host, port=port, worker=worker)
        if nobody_works(container):
            log.warning("server.nobody_works", advice=NOBODY_WORKS)
        server = PonteServer(server_config(build_server(container), host, port), end_streams=container.streams().end)
        server.run(sockets=list(sockets))


def run_worker(settings: Settings) -> None:
    with serving(settings, works=True) as container, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(container))


def migrate(settings: Settings) -> str:
    with refusals_in_words():
        upgrade(settings.database_url)
    return head()


def start_afresh(settings: Settings) -> None:
    """A new SQLite file in place of whatever there is; refused while another process has it."""
    with refusals_in_words():
        remove(settings.database_url)
    migrate(settings)


def database_problem(settings: Settings) -> str | None:
    try:
        ensure_current(settings.database_url)
    except DatabaseRefused as refusal:
        return str(refusal)
    return None


async def rotate_keys(settings: Settings) -> int:
    with refusals_in_words():
        return await asyncio.to_thread(reseal_all, settings.database_url, keys=settings.keys())


@asynccontextmanager
async def open_installations(settings: Settings) -> AsyncIterator[Installations]:
    """For a visit beside a process that serves, or without one."""
    with (
        refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.installations


@asynccontextmanager
async def open_companies(settings: Settings) -> AsyncIterator[tuple[Installations, NoteChange]]:
    """For a visit, as `open_installations`."""
    with (
        refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.installations, notes_of(visited.audit)


class _CommandLine(Struct, frozen=True):
    """An author without a name: whoever may run commands here."""

    name: str = "linha de comando"
    is_operator: bool = False


def notes_of(audit: Audit) -> NoteChange:
    """What the command line changes, kept in the words in which the console keeps its own changes."""

    async def note(before: Installation | None, after: Installation) -> None:
        if before is None:
            await audit.note(after.id, _CommandLine(), "Cadastrou a empresa")
        elif details := changes_between(before, after):
            await audit.note(after.id, _CommandLine(), "Alterou a empresa", details)

    return note


def outage_notes_of(audit: Audit) -> NoteOutage:
    """As `notes_of`, of outages."""

    async def note(installation_id: InstallationId, change: OutageChange, outage: DeclaredOutage) -> None:
        await audit.note(installation_id, _CommandLine(), change, change_details(outage))

    return note


async def mail_problem(settings: Settings) -> str | None:
    if settings.smtp_url is None:
        return None
    try:
        await SmtpPost(read_mail_server(settings.smtp_url), tls=make_tls(verified=True), clock=SystemClock()).try_out()
    except Failure as failure:
        return advise(failure.cause).title
    return None


@asynccontextmanager
async def open_operators(settings: Settings) -> AsyncIterator[Operators]:
    """For a visit, as `open_installations`."""
    with (
        refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.operators


@asynccontextmanager
async def open_outages(settings: Settings) -> AsyncIterator[tuple[Installations, OutageRegistry, NoteOutage]]:
    """For a visit, as `open_installations`."""
    with (
        refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.installations, visited.outages, outage_notes_of(visited.audit)


@asynccontextmanager
async def open_erps(settings: Settings) -> AsyncIterator[Erps]:
    container = Container(settings=settings)
    async with upstreams(container):
        yield container.erps()


@asynccontextmanager
async def open_huggy(settings: Settings) -> AsyncIterator[AskHuggy]:
    """For a visit, as `open_installations`: what is renewed is kept, one caller at a time beside those who serve."""
    container = Container(settings=settings)
    accounts, clock = container.accounts(), container.clock()
    async with container.huggy_http():
        with (
            refusals_in_words(),
            closing(visit_database(settings.database_url, keys=settings.keys(), clock=clock)) as visited,
        ):
            tokens = HuggyTokens(
                installations=visited.installations, accounts=accounts, alerts=None, turns=visited.turns, clock=clock
            )
            async with tokens.finishing():
                yield partial(try_huggy, accounts=accounts, flow_lists=container.flow_lists(), renew=tokens.renewed)


def erp_probe(settings: Settings) -> Probe:
    return make_probe(make_tls(verified=True), make_tls(verified=False), settings.private_hosts)


def read_erp_address(settings: Settings, kind: ErpKind, pasted: str) -> str:
    return read_address(settings.private_hosts, kind, pasted)


def erp_settings(kind: ErpKind) -> frozenset[str]:
    return settings_of(kind)

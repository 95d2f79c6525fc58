"""The composition root: the one place that knows vendors, storage and dependency_injector, and puts them together.

Providers are plain singletons, built when first asked for inside the running event loop, and closed by the lifespan:
nothing else in the system knows that there is a container.
"""

import asyncio
import gc
import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from functools import partial

import httpx
import structlog
import uvicorn
import uvloop
from dependency_injector import containers, providers
from litestar import Litestar
from prometheus_client import CollectorRegistry

from adapters.calendar.banking_days import BankingDays
from adapters.clock.system import SystemClock
from adapters.engine.asleep import AsleepEngine
from adapters.engine.lanes import Lanes
from adapters.engine.last_calls import LastCalls
from adapters.fence.local import LocalFences
from adapters.huggy.client import HuggyChat
from adapters.huggy.flow_list import HuggyFlowLists
from adapters.huggy.flow_request import read_request
from adapters.huggy.inbound import parse
from adapters.huggy.oauth import HuggyAccounts
from adapters.messages.catalog import read_catalog
from adapters.notices.alerts import CountedAlerts
from adapters.notices.smtp import SmtpPost, read_mail_server
from adapters.notices.words import letters
from adapters.storage.database import ServedDatabase, serve_database, visit_database
from adapters.storage.database_kind import is_postgres
from adapters.storage.migrate import ensure_current, head, upgrade
from adapters.storage.refusals import DatabaseRefused
from adapters.storage.rotation import reseal_all
from adapters.storage.seal import Unsealable
from adapters.voalle.address import AddressFault, read_pbx_address
from adapters.voalle.build import voalle_erp
from adapters.web.client import open_http
from adapters.web.probe import Reached, probe
from application.answer_flow import AnswerFlow
from application.conclude import Conclude
from application.console_ports import Accounts, Operators
from application.failures import Failure
from application.forget_old import ForgetOld
from application.handle_notification import HandleNotification, time_to_ask_s
from application.live import Live
from application.outage_ports import OutageRegistry
from application.ports import Chat, Erp, Erps, Fence, Installations
from application.rehearse import Rehearse
from application.resend import Resend
from application.resend_failed import ResendFailed
from application.send_digests import SendDigests
from application.send_notices import SendNotices
from application.tell_of_problems import TellOfProblems
from application.tell_people import TellPeople
from application.try_outage import TryOutage
from application.watch_outages import WatchOutages
from application.work_lane import WorkLane
from domain.causes import advise
from domain.identifiers import InstallationId
from domain.installation import ErpAccess, ErpKind, Installation, Policies
from entrypoints.connections import Connections, Probe
from entrypoints.doorkeeper import Doorkeeper, Tries
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.console.carried import Carrier
from entrypoints.http.console.mishaps import refusals
from entrypoints.http.console.parts import Console
from entrypoints.http.console.playground import Playground
from entrypoints.http.console.rendering import Pages
from entrypoints.http.console.routes import console_routes
from entrypoints.http.flow_api import FlowApi, flow_routes
from entrypoints.http.health import ReadyCheck
from entrypoints.http.outage_api import OutageApi, outage_routes
from entrypoints.http.streams import Streams
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.huggy_tokens import HuggyTokens
from entrypoints.metrics import Meters
from entrypoints.notice_rounds import OFTEN_S, SELDOM_S, NoticeRounds, Round
from entrypoints.observer import MeteredObserver
from entrypoints.reply import CommandFailed
from entrypoints.settings import Settings
from entrypoints.steady_round import repeating
from entrypoints.upstreams import BuildErp, ChatRegistry, ErpRegistry, ErpTrials, Fences, Throttles
from entrypoints.work_loop import WorkLoop
from entrypoints.work_thread import working_in_thread
from entrypoints.worker import (
    GRACE_S,
    RunningEngine,
    Unfinished,
    ages_of_unfinished,
    stop_signal,
    work_until_stopped,
    working,
)

log = structlog.get_logger()

HUGGY_CONNECTIONS = 200
FORGET_EVERY_S, FORGET_FIRST_AFTER_S = 3600.0, 60.0
LANES_AT_ONCE, LANES_OF_ONE_INSTALLATION = 256, 64
"""Thousands at once would share one processor so thinly that calls time out which the ERP answered long ago (measured);
one installation's lanes must leave room for the others while its ERP is slow."""
WAKE_UPS_AT_ONCE = 512
"""of one worker process over PostgreSQL, where each installation has at most twenty"""


def _tls(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _engine(database_url: str, work: WorkLane, installations: Installations, *, works: bool) -> RunningEngine:
    """Lanes of this process over an SQLite file; wake-ups that all processes share over PostgreSQL."""

    def patience_s(installation_id: InstallationId) -> float:
        installation = installations.at_hand(installation_id)
        return time_to_ask_s(installation.policies if installation is not None else Policies())

    last_calls = LastCalls(work=work.last_call, patience_s=patience_s)
    if is_postgres(database_url):
        from adapters.engine.procrastinate_engine import ProcrastinateEngine

        return ProcrastinateEngine(
            url=database_url, work=work if works else None, last_calls=last_calls, concurrency=WAKE_UPS_AT_ONCE
        )
    if works:
        return Lanes(
            work=work,
            last_calls=last_calls,
            concurrency=LANES_AT_ONCE,
            per_installation=LANES_OF_ONE_INSTALLATION,
        )
    return AsleepEngine()


def _fences(database_url: str) -> Fences:
    """What bounds the calls to each ERP, together for all processes that share a database."""
    if is_postgres(database_url):
        from adapters.fence.postgres import PostgresFences

        return PostgresFences(database_url)
    return LocalFences()


def _erp_builders(clock: SystemClock, private_hosts: frozenset[str], fences: Fences) -> dict[ErpKind, BuildErp]:
    """The typed line of each vendor: mypy proves that its adapter fits the ports."""

    def fence(installation: Installation, api: str) -> Fence:
        policies = installation.policies
        return fences.fence(
            installation.id,
            api,
            concurrency=policies.erp_concurrency,
            per_minute=policies.erp_per_minute,
            call_s=policies.erp_timeout_s,
        )

    def voalle(installation: Installation, http: httpx.AsyncClient) -> Erp:
        return voalle_erp(
            installation.erp,
            installation.policies,
            http,
            clock,
            fences=lambda api: fence(installation, api),
            private_hosts=private_hosts,
        )

    return {ErpKind.VOALLE: voalle}


def _erp_http(
    verified: ssl.SSLContext, unverified: ssl.SSLContext, private_hosts: frozenset[str]
) -> Callable[[ErpAccess, Policies], httpx.AsyncClient]:
    def client(access: ErpAccess, policies: Policies) -> httpx.AsyncClient:
        return open_http(
            tls=unverified if _trusts_anyone(access) else verified,
            max_connections=2 * policies.erp_concurrency,  # its two APIs, each within its fence
            private_hosts=private_hosts,
        )

    return client


def _trusts_anyone(access: ErpAccess) -> bool:
    return access.settings.get("tls_verify", "").lower() == "false"


def _erp_probe(verified: ssl.SSLContext, unverified: ssl.SSLContext, private_hosts: frozenset[str]) -> Probe:
    async def reach(access: ErpAccess) -> Sequence[Reached]:
        tls = unverified if _trusts_anyone(access) else verified
        return await probe(access.url, tls=tls, private_hosts=private_hosts)

    return reach


def _erp_trials(
    clock: SystemClock, private_hosts: frozenset[str], erp_http: Callable[[ErpAccess, Policies], httpx.AsyncClient]
) -> ErpTrials:
    return ErpTrials(builders=lambda: _erp_builders(clock, private_hosts, LocalFences()), open_http=erp_http)


def _huggy_chat(
    settings: Settings, http: httpx.AsyncClient, throttles: Throttles, tokens: HuggyTokens
) -> Callable[[Installation], Chat]:
    render = read_catalog().render

    def chat(installation: Installation) -> Chat:
        return HuggyChat(
            http=http,
            base_url=settings.huggy_api_url,
            token=installation.huggy_token,
            company_id=installation.company_id,
            flow_start=installation.policies.flow_start,
            render=render,
            throttle=throttles(installation.company_id),
            renew=lambda refused: tokens.instead_of(installation.id, refused),
        )

    return chat


def _notice_rounds(
    settings: Settings,
    database: ServedDatabase,
    alerts: CountedAlerts,
    tell: TellPeople,
    *,
    clock: SystemClock,
    tls: ssl.SSLContext,
    works: bool,
) -> NoticeRounds:
    """Every process writes down what it counted; those that work tell the provider's people too."""
    problems, notices, installations = database.problems, database.notices, database.installations

    async def write() -> None:
        await alerts.write(problems)

    rounds: list[tuple[Round, float]] = [(write, OFTEN_S)]
    if works:
        watch = TellOfProblems(problems=problems, installations=installations, clock=clock, tell=tell)
        digests = SendDigests(installations=installations, notices=notices, problems=problems, clock=clock, tell=tell)
        outages = WatchOutages(registry=database.outages, installations=installations, tell=tell)
        rounds += [(watch, SELDOM_S), (digests, SELDOM_S), (outages, SELDOM_S)]
    if works and settings.smtp_url:
        post = SmtpPost(read_mail_server(settings.smtp_url), tls=tls, clock=clock)
        rounds.append((SendNotices(notices=notices, post=post, clock=clock), OFTEN_S))
    return NoticeRounds(rounds, at_end=write)


def _huggy_accounts(settings: Settings, http: httpx.AsyncClient, clock: SystemClock) -> Accounts:
    return HuggyAccounts(
        http=http,
        auth_url=settings.huggy_auth_url,
        api_url=settings.huggy_api_url,
        client_id=settings.huggy_client_id,
        client_secret=settings.huggy_client_secret,
        clock=clock,
    )


class Container(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    database = providers.Dependency(instance_of=ServedDatabase)
    works = providers.Dependency(instance_of=bool)
    """whether this process works off what is accepted, or only accepts"""

    clock = providers.Singleton(SystemClock)
    calendar = providers.Singleton(BankingDays)
    catalog = providers.Singleton(read_catalog)
    meters = providers.Singleton(Meters, providers.Singleton(CollectorRegistry))
    observer = providers.Singleton(MeteredObserver, meters)
    alerts = providers.Singleton(CountedAlerts, clock)
    verified_tls = providers.Singleton(_tls, verified=True)
    unverified_tls = providers.Singleton(_tls, verified=False)

    fences = providers.Singleton(_fences, settings.provided.database_url)
    erp_http = providers.Singleton(_erp_http, verified_tls, unverified_tls, settings.provided.private_hosts)
    erps = providers.Singleton(
        ErpRegistry,
        builders=providers.Singleton(_erp_builders, clock, settings.provided.private_hosts, fences),
        open_http=erp_http,
    )
    huggy_http = providers.Singleton(open_http, tls=verified_tls, max_connections=HUGGY_CONNECTIONS)
    accounts = providers.Singleton(_huggy_accounts, settings, huggy_http, clock)
    huggy_tokens = providers.Singleton(
        HuggyTokens,
        installations=database.provided.installations,
        accounts=accounts,
        alerts=alerts,
        turns=database.provided.turns,
        clock=clock,
    )
    chats = providers.Singleton(
        ChatRegistry,
        providers.Singleton(_huggy_chat, settings, huggy_http, providers.Singleton(Throttles), huggy_tokens),
    )

    conclude = providers.Singleton(
        Conclude,
        journal=database.provided.journal,
        erps=erps,
        outages=database.provided.outages,
        calendar=calendar,
        clock=clock,
        alerts=alerts,
        observer=observer,
    )
    handle_notification = providers.Singleton(
        HandleNotification,
        installations=database.provided.installations,
        journal=database.provided.journal,
        conclude=conclude,
        erps=erps,
        chats=chats,
        clock=clock,
        alerts=alerts,
        observer=observer,
    )
    work_lane = providers.Singleton(WorkLane, journal=database.provided.journal, handle=handle_notification)
    tell_people = providers.Singleton(
        TellPeople,
        installations=database.provided.installations,
        notices=database.provided.notices,
        clock=clock,
        write=providers.Singleton(letters, settings.provided.public_url),
        sends=providers.Callable(bool, settings.provided.smtp_url),
    )
    notice_rounds = providers.Singleton(
        _notice_rounds, settings, database, alerts, tell_people, clock=clock, tls=verified_tls, works=works
    )
    forget_old = providers.Singleton(
        ForgetOld,
        installations=database.provided.installations,
        retention=database.provided.retention,
        clock=clock,
        sleep=providers.Object(asyncio.sleep),
    )
    work_loop = providers.Singleton(WorkLoop)
    carrier = providers.Singleton(Carrier, settings.provided.keys.call())
    connections = providers.Singleton(
        Connections,
        probe=providers.Singleton(_erp_probe, verified_tls, unverified_tls, settings.provided.private_hosts),
        open_erp=providers.Singleton(_erp_trials, clock, settings.provided.private_hosts, erp_http),
        accounts=accounts,
        flow_lists=providers.Singleton(HuggyFlowLists, http=huggy_http, base_url=settings.provided.huggy_api_url),
        work_loop=work_loop,
    )
    engine = providers.Singleton(
        _engine, settings.provided.database_url, work_lane, database.provided.installations, works=works
    )
    resend = providers.Singleton(
        Resend, history=database.provided.history, mailbox=database.provided.journal, engine=engine
    )
    resend_failed = providers.Singleton(ResendFailed, history=database.provided.history, resend=resend, clock=clock)
    live = providers.Singleton(Live, history=database.provided.history)
    answer_flow = providers.Singleton(
        AnswerFlow,
        journal=database.provided.journal,
        conclude=conclude,
        clock=clock,
        observer=observer,
        render=catalog.provided.render,
    )
    rehearse = providers.Singleton(
        Rehearse,
        journal=database.provided.journal,
        erps=erps,
        outages=database.provided.outages,
        calendar=calendar,
        clock=clock,
        alerts=alerts,
        observer=observer,
        render=catalog.provided.render,
    )
    try_outage = providers.Singleton(TryOutage, erps=erps, outages=database.provided.outages, clock=clock)
    flow_api = providers.Singleton(
        FlowApi,
        installations=database.provided.installations,
        answer=answer_flow,
        work_loop=work_loop,
        read=providers.Object(read_request),
        render=catalog.provided.render,
        meters=meters,
    )
    outage_api = providers.Singleton(
        OutageApi,
        installations=database.provided.installations,
        outages=database.provided.outages,
        clock=clock,
    )
    streams = providers.Singleton(Streams)
    playground: providers.Provider[Playground | None] = providers.Object(None)
    """in a sandbox: its `Playground`"""
    console = providers.Singleton(
        Console,
        pages=providers.Singleton(Pages, clock=clock, in_sandbox=providers.Callable(bool, playground)),
        public_url=settings.provided.public_url,
        clock=clock,
        installations=database.provided.installations,
        journal=database.provided.journal,
        engine=engine,
        outages=database.provided.outages,
        work_loop=work_loop,
        erps=erps,
        chats=chats,
        sessions=database.provided.sessions,
        agents=database.provided.agents,
        audit=database.provided.audit,
        turns=database.provided.turns,
        accounts=accounts,
        doorkeeper=providers.Singleton(Doorkeeper, operators=database.provided.operators, clock=clock),
        company_tries=providers.Singleton(Tries, clock),
        connections=connections,
        carrier=carrier,
        new_id=providers.Object(lambda: secrets.token_hex(8)),
        new_key=providers.Object(lambda: secrets.token_urlsafe(24)),
        read_erp_address=providers.Callable(lambda settings: partial(read_erp_address, settings), settings),
        history=database.provided.history,
        live=live,
        streams=streams,
        resend=resend,
        resend_failed=resend_failed,
        problems=database.provided.problems,
        notices=database.provided.notices,
        fence_states=fences.provided.state,
        render=catalog.provided.render,
        sends_mail=providers.Callable(bool, settings.provided.smtp_url),
        rehearse=rehearse,
        try_outage=try_outage,
        playground=playground,
    )
    webhook = providers.Singleton(
        HuggyWebhook,
        installations=database.provided.installations,
        mailbox=database.provided.journal,
        engine=engine,
        parse=parse,
        meters=meters,
    )


def build_server(container: Container) -> Litestar:
    """The HTTP application; while it is up, what it accepts is worked off, here or by whoever else shares the inbox.

    Work has an event loop of its own: a backlog that is being worked off does not hold up what comes in.
    """
    running = AsyncExitStack()

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        async with (
            _upstreams(container),
            container.notice_rounds().going(),
            container.huggy_tokens().going(),
            _forgetting(container),
            working(_unfinished(container), container.engine(), grace_s=GRACE_S),
        ):
            yield

    async def start() -> None:
        works = working_in_thread(work, new_loop=uvloop.new_event_loop) if container.works() else work()
        await running.enter_async_context(works)
        # What is alive now lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()

    return build_app(
        AppParts(
            webhook=container.webhook(),
            meters=container.meters(),
            ready_checks={"banco": _database_check(container)},
            routes=[
                *flow_routes(container.flow_api()),
                *outage_routes(container.outage_api()),
                *console_routes(container.console()),
            ],
            refusals=refusals(container.console()),
            on_startup=[start],
            on_shutdown=[container.resend_failed().stop, running.aclose],
        )
    )


def server_config(app: Litestar, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=20
    )


def run_server(settings: Settings, host: str, port: int, worker: bool) -> None:
    with serving(settings, works=worker) as container:
        log.info("server.starting", host=host, port=port, worker=worker)
        _Server(server_config(build_server(container), host, port), end_streams=container.streams().end).run()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is being answered is waited for; an answer that goes on for as long as somebody looks ends here."""
        self._end_streams()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises a signal again once it has shut down; here the database is still to be closed."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def run_worker(settings: Settings) -> None:
    with serving(settings, works=True) as container:
        asyncio.run(_work(container))


async def _work(container: Container) -> None:
    async with (
        _upstreams(container),
        container.notice_rounds().going(),
        container.huggy_tokens().going(),
        _forgetting(container),
    ):
        await work_until_stopped(_unfinished(container), container.engine(), stop_signal())


def _forgetting(container: Container) -> AbstractAsyncContextManager[None]:
    """Those that work take away what has been kept long enough."""
    if not container.works():
        return nullcontext()
    return repeating(container.forget_old(), every_s=FORGET_EVERY_S, first_after_s=FORGET_FIRST_AFTER_S)


def _unfinished(container: Container) -> Unfinished | None:
    """What an earlier process left in the file; over PostgreSQL the engine itself sweeps the inbox all the time."""
    if is_postgres(container.settings().database_url) or not container.works():
        return None
    return lambda: ages_of_unfinished(container.database().journal)


@contextmanager
def serving(settings: Settings, *, works: bool, playground: Playground | None = None) -> Iterator[Container]:
    """Everything put together over the database; an SQLite file belongs to this process until the end of the block."""
    container = Container(settings=settings, works=works, playground=playground)
    with _refusals_in_words():
        database = serve_database(
            settings.database_url, keys=settings.keys(), clock=container.clock(), on_fatal=_end_process
        )
    container.database.override(providers.Object(database))
    try:
        yield container
    finally:
        database.close()


def _end_process() -> None:
    """After a failed fsync nobody knows what is on the disk: only a new process can find out."""
    os._exit(70)


@asynccontextmanager
async def _upstreams(container: Container) -> AsyncIterator[None]:
    """The ways to the ERPs and to Huggy, open on this loop until the end of the block."""
    await container.fences().open()
    container.work_loop().begin()
    try:
        yield
    finally:
        container.work_loop().end()
        await container.erps().close()
        await container.huggy_http().aclose()
        await container.fences().close()


def _database_check(container: Container) -> ReadyCheck:
    async def check() -> str | None:
        await container.database().installations.all()
        return None

    return check


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    try:
        yield
    except DatabaseRefused as refusal:
        raise CommandFailed(str(refusal)) from None
    except Unsealable as refusal:
        raise CommandFailed(refusal.detail) from None


# --- what the command line asks for (`entrypoints.root`) ---------------------------------------------------------


def migrate(settings: Settings) -> str:
    with _refusals_in_words():
        upgrade(settings.database_url)
    return head()


def database_problem(settings: Settings) -> str | None:
    try:
        ensure_current(settings.database_url)
    except DatabaseRefused as refusal:
        return str(refusal)
    return None


async def rotate_keys(settings: Settings) -> int:
    with _refusals_in_words():
        return await asyncio.to_thread(reseal_all, settings.database_url, keys=settings.keys())


@asynccontextmanager
async def open_installations(settings: Settings) -> AsyncIterator[Installations]:
    """For a visit beside a process that serves, or without one."""
    with (
        _refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.installations


async def mail_problem(settings: Settings) -> str | None:
    if settings.smtp_url is None:
        return None
    try:
        await SmtpPost(read_mail_server(settings.smtp_url), tls=_tls(verified=True), clock=SystemClock()).try_out()
    except Failure as failure:
        return advise(failure.cause).title
    return None


@asynccontextmanager
async def open_operators(settings: Settings) -> AsyncIterator[Operators]:
    """For a visit, as `open_installations`."""
    with (
        _refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.operators


@asynccontextmanager
async def open_outages(settings: Settings) -> AsyncIterator[tuple[Installations, OutageRegistry]]:
    """For a visit, as `open_installations`."""
    with (
        _refusals_in_words(),
        closing(visit_database(settings.database_url, keys=settings.keys(), clock=SystemClock())) as visited,
    ):
        yield visited.installations, visited.outages


@asynccontextmanager
async def open_erps(settings: Settings) -> AsyncIterator[Erps]:
    container = Container(settings=settings)
    async with _upstreams(container):
        yield container.erps()


def erp_probe(settings: Settings) -> Probe:
    return _erp_probe(_tls(verified=True), _tls(verified=False), settings.private_hosts)


def read_erp_address(settings: Settings, kind: ErpKind, pasted: str) -> str:
    match kind:
        case ErpKind.VOALLE:
            address = read_pbx_address(pasted, private_hosts=settings.private_hosts)
    if isinstance(address, AddressFault):
        raise ValueError(address.advice)
    return address.url

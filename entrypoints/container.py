"""The composition root: the one place that knows vendors, storage and dependency_injector, and puts them together.

Providers are plain singletons, built when first asked for inside the running event loop, and closed by the lifespan:
nothing else in the system knows that there is a container.
"""

import asyncio
import gc
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager

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
from adapters.fence.local import LocalFences
from adapters.huggy.client import HuggyChat
from adapters.huggy.inbound import parse
from adapters.messages.catalog import read_catalog
from adapters.notices.log import LoggedAlerts
from adapters.storage.database import ServedDatabase, serve_database, visit_database
from adapters.storage.database_kind import is_postgres
from adapters.storage.migrate import ensure_current, head, upgrade
from adapters.storage.refusals import DatabaseRefused
from adapters.storage.rotation import reseal_all
from adapters.storage.seal import Unsealable
from adapters.voalle.address import AddressFault, read_pbx_address
from adapters.voalle.build import voalle_erp
from adapters.web.client import open_http
from application.handle_notification import HandleNotification
from application.ports import Chat, Erp, Erps, Fence, Installations
from application.work_lane import WorkLane
from domain.installation import ErpAccess, ErpKind, Installation, Policies
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.health import ReadyCheck
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.metrics import Meters
from entrypoints.observer import MeteredObserver
from entrypoints.reply import CommandFailed
from entrypoints.settings import Settings
from entrypoints.upstreams import BuildErp, ChatRegistry, ErpRegistry, Fences, Throttles
from entrypoints.work_loop import WorkLoop
from entrypoints.work_thread import working_in_thread
from entrypoints.worker import GRACE_S, RunningEngine, Unfinished, stop_signal, work_until_stopped, working

log = structlog.get_logger()

HUGGY_CONNECTIONS = 200
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


def _engine(database_url: str, work: WorkLane, *, works: bool) -> RunningEngine:
    """Lanes of this process over an SQLite file; wake-ups that all processes share over PostgreSQL."""
    if is_postgres(database_url):
        from adapters.engine.procrastinate_engine import ProcrastinateEngine

        return ProcrastinateEngine(url=database_url, work=work if works else None, concurrency=WAKE_UPS_AT_ONCE)
    if works:
        return Lanes(work=work, concurrency=LANES_AT_ONCE, per_installation=LANES_OF_ONE_INSTALLATION)
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
        trusts_anyone = access.settings.get("tls_verify", "").lower() == "false"
        return open_http(
            tls=unverified if trusts_anyone else verified,
            max_connections=2 * policies.erp_concurrency,  # its two APIs, each within its fence
            private_hosts=private_hosts,
        )

    return client


def _huggy_chat(settings: Settings, http: httpx.AsyncClient, throttles: Throttles) -> Callable[[Installation], Chat]:
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
        )

    return chat


class Container(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    database = providers.Dependency(instance_of=ServedDatabase)
    works = providers.Dependency(instance_of=bool)
    """whether this process works off what is accepted, or only accepts"""

    clock = providers.Singleton(SystemClock)
    calendar = providers.Singleton(BankingDays)
    meters = providers.Singleton(Meters, providers.Singleton(CollectorRegistry))
    observer = providers.Singleton(MeteredObserver, meters)
    alerts = providers.Singleton(LoggedAlerts)
    verified_tls = providers.Singleton(_tls, verified=True)
    unverified_tls = providers.Singleton(_tls, verified=False)

    fences = providers.Singleton(_fences, settings.provided.database_url)
    erps = providers.Singleton(
        ErpRegistry,
        builders=providers.Singleton(_erp_builders, clock, settings.provided.private_hosts, fences),
        open_http=providers.Singleton(_erp_http, verified_tls, unverified_tls, settings.provided.private_hosts),
    )
    huggy_http = providers.Singleton(open_http, tls=verified_tls, max_connections=HUGGY_CONNECTIONS)
    chats = providers.Singleton(
        ChatRegistry, providers.Singleton(_huggy_chat, settings, huggy_http, providers.Singleton(Throttles))
    )

    handle_notification = providers.Singleton(
        HandleNotification,
        installations=database.provided.installations,
        journal=database.provided.journal,
        erps=erps,
        chats=chats,
        calendar=calendar,
        clock=clock,
        alerts=alerts,
        observer=observer,
    )
    work_lane = providers.Singleton(WorkLane, journal=database.provided.journal, handle=handle_notification)
    work_loop = providers.Singleton(WorkLoop)
    engine = providers.Singleton(_engine, settings.provided.database_url, work_lane, works=works)
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
        async with _upstreams(container), working(_unfinished(container), container.engine(), grace_s=GRACE_S):
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
            on_startup=[start],
            on_shutdown=[running.aclose],
        )
    )


def server_config(app: Litestar, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=20
    )


def run_server(settings: Settings, host: str, port: int, worker: bool) -> None:
    with serving(settings, works=worker) as container:
        log.info("server.starting", host=host, port=port, worker=worker)
        _Server(server_config(build_server(container), host, port)).run()


class _Server(uvicorn.Server):
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
    async with _upstreams(container):
        await work_until_stopped(_unfinished(container), container.engine(), stop_signal())


def _unfinished(container: Container) -> Unfinished | None:
    """What an earlier process left in the file; over PostgreSQL the engine itself sweeps the inbox all the time."""
    if is_postgres(container.settings().database_url) or not container.works():
        return None
    return container.database().journal.unfinished


@contextmanager
def serving(settings: Settings, *, works: bool) -> Iterator[Container]:
    """Everything put together over the database; an SQLite file belongs to this process until the end of the block."""
    container = Container(settings=settings, works=works)
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


@asynccontextmanager
async def open_erps(settings: Settings) -> AsyncIterator[Erps]:
    container = Container(settings=settings)
    async with _upstreams(container):
        yield container.erps()


def read_erp_address(settings: Settings, kind: ErpKind, pasted: str) -> str:
    match kind:
        case ErpKind.VOALLE:
            address = read_pbx_address(pasted, private_hosts=settings.private_hosts)
    if isinstance(address, AddressFault):
        raise ValueError(address.advice)
    return address.url

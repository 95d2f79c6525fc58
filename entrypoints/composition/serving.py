"""A process that serves or works: everything open over one database, and closed in order at its end."""

import gc
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)

import uvicorn
import uvloop
from litestar import Litestar

from adapters.storage.database import serve_database
from adapters.storage.database_kind import is_postgres
from adapters.storage.refusals import DatabaseRefused
from adapters.storage.seal import Unsealable
from entrypoints.composition.container import Container
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.console.mishaps import refusals
from entrypoints.http.console.playground import Playground
from entrypoints.http.console.routes import console_routes
from entrypoints.http.flow_api import flow_routes
from entrypoints.http.health import ReadyCheck
from entrypoints.http.outage_api import outage_routes
from entrypoints.reply import CommandFailed
from entrypoints.settings import Settings
from entrypoints.steady_round import repeating
from entrypoints.work_thread import working_in_thread
from entrypoints.worker import (
    GRACE_S,
    Unfinished,
    ages_of_unfinished,
    stop_signal,
    work_until_stopped,
    working,
)

NOBODY_WORKS = (
    "com SQLite só este processo pode trabalhar no que aceita, e ele foi iniciado com --no-worker: os clientes ficam à "
    "espera. Tire --no-worker, ou use um PostgreSQL em PONTE_DATABASE_URL"
)
FORGET_EVERY_S, FORGET_FIRST_AFTER_S = 3600.0, 60.0
GC_THRESHOLDS = (5000, 20, 20)
"""Python's own would look through everything young several times a second: that shows in the slowest answers (measured)"""


@contextmanager
def serving(settings: Settings, *, works: bool, playground: Playground | None = None) -> Iterator[Container]:
    """Everything put together over the database; an SQLite file belongs to this process until the end of the block."""
    container = Container(settings=settings, works=works, playground=playground)
    with refusals_in_words():
        database = serve_database(
            settings.database_url, keys=settings.keys(), clock=container.clock(), on_fatal=_end_process
        )
    container.database.override(database)
    try:
        yield container
    finally:
        database.close()


def build_server(container: Container) -> Litestar:
    """The HTTP application; while it is up, what it accepts is worked off, here or by whoever else shares the inbox.

    Work has an event loop of its own: a backlog that is being worked off does not hold up what comes in.
    """
    running = AsyncExitStack()

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        async with (
            upstreams(container),
            container.notice_rounds().going(),
            container.huggy_tokens().going(),
            _forgetting(container),
            working(_unfinished(container), container.engine(), works=container.works(), grace_s=GRACE_S),
        ):
            yield

    async def start() -> None:
        works = working_in_thread(work, new_loop=uvloop.new_event_loop) if container.works() else work()
        await running.enter_async_context(works)
        _settle()

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


class PonteServer(uvicorn.Server):
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


async def work(container: Container) -> None:
    async with (
        upstreams(container),
        container.notice_rounds().going(),
        container.huggy_tokens().going(),
        _forgetting(container),
    ):
        _settle()
        await work_until_stopped(_unfinished(container), container.engine(), stop_signal())


def _settle() -> None:
    """What is alive now lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


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


def _end_process() -> None:
    """After a failed fsync nobody knows what is on the disk: only a new process can find out."""
    os._exit(70)


@asynccontextmanager
async def upstreams(container: Container) -> AsyncIterator[None]:
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


def nobody_works(container: Container) -> bool:
    """What is accepted waits until the file is served from by a process that works."""
    return not container.works() and not is_postgres(container.settings().database_url)


@contextmanager
def refusals_in_words() -> Iterator[None]:
    try:
        yield
    except DatabaseRefused as refusal:
        raise CommandFailed(str(refusal)) from None
    except Unsealable as refusal:
        raise CommandFailed(refusal.detail) from None

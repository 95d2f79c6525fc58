"""Runs ASGI apps as real HTTP servers on loopback, inside this process and this event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
_GRACE_S = 2
_TICK_S = 1


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncGenerator[str]:
    """Serves `app` and yields its address, `http://127.0.0.1:<port>`; the port is a free one.

    Requests are answered from the first moment inside the block; on the way out the port is closed and every task of
    the server has ended.
    """
    async with running_all([app]) as (url,):
        yield url


@asynccontextmanager
async def running_all(apps: Sequence[ASGIApp]) -> AsyncGenerator[list[str]]:
    """The same for several apps, each at a port of its own; their addresses in the same order."""
    sockets: list[socket.socket] = []
    try:
        sockets.extend(listening_at(HOST, 0) for _ in apps)
        servers = [InnerServer(_Config(app, http=_Connection, lifespan="off")) for app in apps]
        serving = [
            asyncio.create_task(server.serve(sockets=[listening]))
            for server, listening in zip(servers, sockets, strict=True)
        ]
        try:
            yield [f"http://{HOST}:{listening.getsockname()[1]}" for listening in sockets]
        finally:
            for server in servers:
                server.stop.set()
            await asyncio.gather(*serving)
    finally:
        for listening in sockets:
            listening.close()


def listening_at(host: str, port: int) -> socket.socket:
    """Its connections send what they have at once: asyncio sees to that only for sockets that it made itself, and an
    answer of two parts would take 40 ms longer."""
    listening = socket.create_server((host, port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class _Config(uvicorn.Config):
    def configure_logging(self) -> None:
        """Loggers belong to the process too: another server in it may log."""


class _Connection(H11Protocol):
    """Hands its transport to the app as `scope["state"]["transport"]`: a simulated failure can then cut the line."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}


class InnerServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals belong to whoever started the process, not to a server inside it."""
        yield

    async def main_loop(self) -> None:
        """Ends at once when told to, where the original looks every tenth of a second. A tick brings `Date` up to date."""
        while not self.stop.is_set():
            await self.on_tick(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Without the original's pause: whoever is being answered is waited for, and nobody else."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := list(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
        await asyncio.sleep(0)  # connections say goodbye in the loop's next round
        await self.lifespan.shutdown()

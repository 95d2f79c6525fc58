"""The fence of one of a provider's APIs, over all processes that share a PostgreSQL.

The circuit breakers are each process's own: they learn from its own calls.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.fence.breaker import Breakers
from adapters.fence.going_in import GoingIn, Sleep
from adapters.fence.line import Line
from adapters.fence.places import Held, Places, Pool, Returns
from application.failures import Unavailable
from application.history import FenceState
from domain.identifiers import InstallationId

CONNECTIONS = 4
CONNECT_S = 2.0
MISHAPS_MAX = CONNECTIONS + 1
"""how often in a row the database may fail one who waits: after its restart each kept connection fails once"""
MARGIN_S = 5.0
"""by which a lease outlasts the longest call"""
SHORTEST_POLL_S, LONGEST_POLL_S = 0.02, 0.25

_STATE = """
    SELECT api, count(*) FILTER (WHERE until > clock_timestamp()), count(*) FROM fence_places
    WHERE installation_id = %s GROUP BY api ORDER BY api
    """


class PostgresFences:
    """What the fences of one process share. `open` and `close` belong to the event loop that uses them."""

    def __init__(
        self, conninfo: str, *, monotonic: Callable[[], float] = time.monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`conninfo`: a URL of psycopg's, or its other form; with how long a silent server is waited for."""
        self._conninfo = conninfo
        self._made: dict[tuple[InstallationId, str], PostgresFence] = {}
        """the one of each API"""
        self._pool: Pool = AsyncConnectionPool(
            conninfo,
            kwargs={"autocommit": True},
            configure=_do_not_wait_for_the_disk,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=CONNECT_S,
            open=False,
        )
        self._returns = Returns(self._pool)
        self._monotonic = monotonic
        self._sleep = sleep

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        """Gives back what ended calls still hold, then lets go of the database."""
        await self._returns.done()
        await self._pool.close()

    def fence(
        self, installation_id: InstallationId, api: str, *, concurrency: int, per_minute: int | None, call_s: float
    ) -> "PostgresFence":
        """`call_s`: no call lasts longer. Asked for again, it keeps to these numbers from then on."""
        concurrency = max(1, concurrency)
        made = self._made.get((installation_id, api))
        lease_s = call_s + MARGIN_S
        places = Places(
            self._pool,
            installation_id,
            api,
            concurrency=concurrency,
            per_minute=per_minute,
            lease_s=lease_s,
            longest_s=lease_s if made is None else max(lease_s, made.longest_s),
        )
        if made is None:
            made = self._made[installation_id, api] = PostgresFence(
                places=places,
                concurrency=concurrency,
                returns=self._returns,
                monotonic=self._monotonic,
                sleep=self._sleep,
            )
        else:
            made.keep_to(places, concurrency=concurrency)
        return made

    async def state(self, installation_id: InstallationId) -> Sequence[FenceState]:
        """Of each API that any process asked; the circuits are those of this one. May be asked on any event loop."""
        circuits = {
            api: fence.open_circuits() for (of, api), fence in list(self._made.items()) if of == installation_id
        }
        try:
            async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                rows = await (await connection.execute(_STATE, (installation_id,))).fetchall()
        except psycopg.Error:
            raise Unavailable("storage.unavailable", "the fences can't be read") from None
        return [
            FenceState(api=api, taken=taken, places=places, open_circuits=circuits.get(api, ()))
            for api, taken, places in rows
        ]


async def _do_not_wait_for_the_disk(connection: psycopg.AsyncConnection) -> None:
    """A place that a crash of the server forgets is free a moment too early, and no more."""
    await connection.execute("SET synchronous_commit = off")


class PostgresFence:
    """`application.ports.Fence`: of those who wait in this process, the youngest has the next turn, and processes
    that wait come by turns. Used within one event loop."""

    def __init__(
        self,
        *,
        places: Places,
        concurrency: int,
        returns: Returns,
        monotonic: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._places = places
        self._ours = Line(concurrency)
        """as many as there can be places: those who wait for one another within the process need not ask the database"""
        self._asking = Line(1)
        """one asks at a time"""
        self._returns = returns
        self._breakers = Breakers(monotonic)
        self._go_in = GoingIn(self._ours, monotonic=monotonic, sleep=sleep)
        self._sleep = sleep

    def keep_to(self, places: Places, *, concurrency: int) -> None:
        """From now on; what is under way counts, and so do the circuits."""
        self._places = places
        self._ours.resize(concurrency)

    @property
    def longest_s(self) -> float:
        """So long a lease has been taken since this process asks; other processes may hold one still."""
        return self._places.longest_s

    def open_circuits(self) -> tuple[str, ...]:
        return self._breakers.open_ones()

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[None]:
        breaker = self._breakers.of(operation)
        await self._go_in(breaker)
        holder = token_hex(8)
        try:
            async with self._asking:
                await self._take(holder)
            with breaker.attempt():
                yield
        finally:
            # Not waited for: the ERP's answer must not be late, or lost, because the database is slow.
            self._returns.add(Held(places=self._places, holder=holder, returned=self._ours.leave))

    async def _take(self, holder: str) -> None:
        poll_s, mishaps = SHORTEST_POLL_S, 0
        while True:
            wait_s: float | None = None
            try:
                wait_s = await self._places.take(holder)
                mishaps = 0
            except psycopg.Error as error:
                mishaps += 1
                if mishaps >= MISHAPS_MAX or isinstance(error, PoolTimeout):
                    raise Unavailable("storage.unavailable", "no turn at the ERP could be taken") from None
            if wait_s == 0:
                return
            if wait_s is None:
                wait_s = poll_s * random.uniform(0.5, 1)  # noqa: S311  # spreads the processes, guards nothing
                poll_s = min(poll_s * 1.5, LONGEST_POLL_S)
            await self._sleep(wait_s)

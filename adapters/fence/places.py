"""The rows of the fence in PostgreSQL: places that are leased, and when the next call is due.

Whoever is killed while holding a place gives it back when the lease ends. Whoever finds no place becomes the heir of
one, so that the process that frees it does not take it again and again before the others. All times are those of the
database's clock. One that lies further ahead than any can was written before that clock was set back, and is not believed.
"""

import asyncio
from collections.abc import Callable

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, Rollback
from psycopg_pool import AsyncConnectionPool

from adapters.fence.pace import rhythm
from domain.identifiers import InstallationId

HEIR_S = 0.5
"""how long a place is kept for its heir, who asks again before that"""

Pool = AsyncConnectionPool[AsyncConnection]

_NOT_KEPT = "heir_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + %(heir_s)s * interval '1 second'"
_TAKE = f"""
    UPDATE fence_places
    SET holder = %(holder)s, until = clock_timestamp() + %(lease_s)s * interval '1 second', heir_until = '-infinity'
    WHERE installation_id = %(installation_id)s AND api = %(api)s AND slot = (
        SELECT slot FROM fence_places
        WHERE installation_id = %(installation_id)s AND api = %(api)s AND slot <= %(concurrency)s
            AND until NOT BETWEEN clock_timestamp() AND clock_timestamp() + %(longest_s)s * interval '1 second'
            AND (heir = %(holder)s OR {_NOT_KEPT})
        ORDER BY heir = %(holder)s DESC, slot LIMIT 1
        FOR UPDATE SKIP LOCKED)
    """  # noqa: S608  # put together from our own words
_INHERIT = f"""
    UPDATE fence_places SET heir = %(holder)s, heir_until = clock_timestamp() + %(heir_s)s * interval '1 second'
    WHERE installation_id = %(installation_id)s AND api = %(api)s AND slot = (
        SELECT slot FROM fence_places
        WHERE installation_id = %(installation_id)s AND api = %(api)s AND slot <= %(concurrency)s
            AND (heir = %(holder)s OR {_NOT_KEPT})
        ORDER BY heir = %(holder)s DESC, until LIMIT 1
        FOR UPDATE SKIP LOCKED)
    """  # noqa: S608
_MAKE_PLACES = """
    INSERT INTO fence_places (installation_id, api, slot)
    SELECT %(installation_id)s, %(api)s, generate_series(1, %(concurrency)s) ON CONFLICT DO NOTHING
    """
_GIVE_BACK = """
    UPDATE fence_places AS place SET until = '-infinity'
    FROM unnest(%(installation_ids)s::text[], %(apis)s::text[], %(holders)s::text[])
        AS ended(installation_id, api, holder)
    WHERE place.installation_id = ended.installation_id AND place.api = ended.api AND place.holder = ended.holder
    """
_BELIEVED = "pace.due <= clock_timestamp() + %(interval_s)s * interval '1 second' + %(ahead_s)s * interval '1 second'"
_START = f"""
    INSERT INTO fence_paces AS pace (installation_id, api, due)
    VALUES (%(installation_id)s, %(api)s, clock_timestamp() + %(interval_s)s * interval '1 second')
    ON CONFLICT (installation_id, api) DO UPDATE
    SET due = greatest(CASE WHEN {_BELIEVED} THEN pace.due END, clock_timestamp()) + %(interval_s)s * interval '1 second'
    WHERE pace.due - %(ahead_s)s * interval '1 second' <= clock_timestamp() OR NOT {_BELIEVED}
    """  # noqa: S608
_UNTIL_START = """
    SELECT extract(epoch FROM due - %(ahead_s)s * interval '1 second' - clock_timestamp())::float8
    FROM fence_paces WHERE installation_id = %(installation_id)s AND api = %(api)s
    """


class Places:
    """The rows of one API, and its pace."""

    def __init__(
        self,
        pool: Pool,
        installation_id: InstallationId,
        api: str,
        *,
        concurrency: int,
        per_minute: int | None,
        lease_s: float,
        longest_s: float,
    ) -> None:
        """`longest_s`: no lease of this API is longer, whoever took it."""
        self.installation_id = installation_id
        self.api = api
        self.longest_s = longest_s
        self._pool = pool
        self._paced = per_minute is not None
        pace = rhythm(max(1, per_minute or 1))
        self._parameters = {
            "installation_id": installation_id,
            "api": api,
            "concurrency": concurrency,
            "lease_s": lease_s,
            "longest_s": longest_s,
            "heir_s": HEIR_S,
            "interval_s": pace.interval_s,
            "ahead_s": pace.ahead_s,
        }

    async def take(self, holder: str) -> float | None:
        """0: a call may start now, and holds a place. More: seconds until the pace allows one. None: no place is free;
        the next one is kept for `holder`."""
        parameters = {**self._parameters, "holder": holder}
        async with self._pool.connection() as connection:
            wait_s = await self._take(connection, parameters)
            if wait_s is None and (await connection.execute(_MAKE_PLACES, parameters)).rowcount:
                wait_s = await self._take(connection, parameters)
            if wait_s is None:
                await connection.execute(_INHERIT, parameters)
            return wait_s

    async def _take(self, connection: AsyncConnection, parameters: dict[str, object]) -> float | None:
        if not self._paced:
            return 0.0 if (await connection.execute(_TAKE, parameters)).rowcount else None
        wait_s: float | None = None
        async with connection.transaction():
            if (await connection.execute(_TAKE, parameters)).rowcount:
                wait_s = await _until_start(connection, parameters)
                if wait_s > 0:
                    raise Rollback  # whoever may not start yet takes no place from others
        return wait_s


async def _until_start(connection: AsyncConnection, parameters: dict[str, object]) -> float:
    """0: it started."""
    if (await connection.execute(_START, parameters)).rowcount:
        return 0.0
    found = await (await connection.execute(_UNTIL_START, parameters)).fetchone()
    return max(0.001, found[0]) if found is not None else 0.001


class Held(Struct, frozen=True, kw_only=True):
    places: Places
    holder: str
    returned: Callable[[], None]


class Returns:
    """Gives places back in the background; all those of calls that end while it does so, in one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ended: list[Held] = []
        self._work: asyncio.Task[None] | None = None

    def add(self, held: Held) -> None:
        self._ended.append(held)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._give_back())

    async def done(self) -> None:
        if self._work is not None:
            await self._work

    async def _give_back(self) -> None:
        while self._ended:
            batch, self._ended = self._ended, []
            try:
                async with self._pool.connection() as connection:
                    await connection.execute(
                        _GIVE_BACK,
                        {
                            "installation_ids": [held.places.installation_id for held in batch],
                            "apis": [held.places.api for held in batch],
                            "holders": [held.holder for held in batch],
                        },
                    )
            except psycopg.Error:
                pass  # the leases end by themselves
            finally:
                for held in batch:
                    held.returned()

"""Wake-ups: one row of Procrastinate for each chat that has to be worked on.

The only place that knows both the inbox and Procrastinate's table of jobs (schema of 3.10): it compares them. A wake-up
that is missing is made from what the inbox holds, so that none can be lost for good, and of one installation at most
`places` are live at once: what a storm brings beyond that waits in the inbox, and takes nobody's turn. The youngest who
waits is next; those who have waited too long get last calls, oldest first, which have a bound of their own.

A wake-up is live while it may run now or runs; one that rests until later takes no place.
"""

from collections.abc import Collection
from typing import Final

from procrastinate.connector import BaseAsyncConnector

from adapters.engine.last_calls import LastCalls
from adapters.engine.line import LET_GO_S
from application.ports import Lane
from domain.identifiers import InstallationId

TASK: Final = "work_lane"
FOREVER_S: Final = 1e11
COUNTED_MAX: Final = 10_000
"""of a line, as far as its length decides how long its oldest may wait"""

_WAITING: Final = """
WITH RECURSIVE every (installation_id) AS (
    (SELECT installation_id FROM inbox WHERE state <> 'finished' ORDER BY installation_id LIMIT 1)
    UNION ALL
    SELECT following.installation_id FROM every CROSS JOIN LATERAL (
        SELECT inbox.installation_id FROM inbox
        WHERE state <> 'finished' AND inbox.installation_id > every.installation_id
        ORDER BY inbox.installation_id LIMIT 1
    ) AS following
)
SELECT installation_id FROM every
"""

# Who may be rung: the first entry of a chat stands for it. `OFFSET 0` keeps the planner from joining whole tables where
# a few look-ups along the index, until there is enough, do.
_NOT_RUNG: Final = """
            first.installation_id = called.installation_id AND first.state <> 'finished'
            AND NOT EXISTS (
                SELECT FROM inbox AS earlier
                WHERE earlier.installation_id = first.installation_id AND earlier.chat_id = first.chat_id
                    AND earlier.seq < first.seq AND earlier.state <> 'finished'
                OFFSET 0
            )
            AND NOT EXISTS (
                SELECT FROM procrastinate_jobs AS job
                WHERE job.queueing_lock = first.installation_id || ':' || first.chat_id AND job.status = 'todo'
                OFFSET 0
            )
            AND NOT EXISTS (
                SELECT FROM procrastinate_jobs AS job
                WHERE job.lock = first.installation_id || ':' || first.chat_id AND job.status = 'doing'
                OFFSET 0
            )
"""

# The queue is the installation's, so that its live wake-ups are counted by an index. It is hashed because a queue's name
# becomes the name of a channel, which PostgreSQL cuts at 63 bytes.
# Entries up to `overdue.seq` have waited too long: the longer the line, the sooner (`LastCalls`); a longer line than is
# counted makes no difference. `turn` lets all installations begin before any goes on.
_RING: Final = f"""
WITH clock AS MATERIALIZED (
    SELECT ponte_now() AS now
), called AS (
    SELECT installation_id, patience_us, left(encode(sha256(convert_to(installation_id, 'UTF8')), 'hex'), 32) AS queue_name
    FROM unnest(%(installations)s::text[], %(patiences_us)s::bigint[]) AS given (installation_id, patience_us)
), missing AS (
    SELECT called.queue_name, called.installation_id, waiting.chat_id, waiting.seq, waiting.last_call,
        called.installation_id || ':' || waiting.chat_id AS lane,
        row_number() OVER (PARTITION BY called.installation_id, last_call ORDER BY place) AS turn
    FROM clock CROSS JOIN called
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT args ? 'last_call') AS taken,
            count(*) FILTER (WHERE args ? 'last_call') AS let_go
        FROM procrastinate_jobs AS job
        WHERE job.queue_name = called.queue_name
            AND (status = 'doing' OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))
    ) AS live
    CROSS JOIN LATERAL (
        SELECT count(*) * %(let_go_us)s AS needed_us FROM (
            SELECT FROM inbox WHERE inbox.installation_id = called.installation_id AND state <> 'finished'
            LIMIT %(counted)s
        ) AS counted
    ) AS line
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT seq FROM inbox
            WHERE inbox.installation_id = called.installation_id
                AND accepted_at <= clock.now - called.patience_us + line.needed_us
            ORDER BY accepted_at DESC LIMIT 1
        ), 0) AS seq
    ) AS overdue
    CROSS JOIN LATERAL (
        (
            SELECT first.chat_id, first.seq, false AS last_call, -first.seq AS place FROM inbox AS first
            WHERE {_NOT_RUNG}
            ORDER BY first.seq DESC
            LIMIT greatest(%(places)s - live.taken, 0)
        )
        UNION ALL
        (
            SELECT first.chat_id, first.seq, true AS last_call, first.seq AS place FROM inbox AS first
            WHERE {_NOT_RUNG} AND first.seq <= overdue.seq
            ORDER BY first.seq
            LIMIT greatest(%(last_places)s - live.let_go, 0)
        )
    ) AS waiting
)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
SELECT queue_name, %(task)s, lane, lane,
    jsonb_build_object('installation_id', installation_id, 'chat_id', chat_id)
        || CASE WHEN last_call THEN '{{"last_call": true}}'::jsonb ELSE '{{}}'::jsonb END
FROM missing ORDER BY turn, last_call, seq
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""  # noqa: S608  # put together from our own words

# Procrastinate tells its workers of what is inserted, not of what is changed.
_HURRY: Final = """
WITH hurried AS (
    UPDATE procrastinate_jobs SET scheduled_at = NULL
    WHERE queueing_lock = ANY(%(lanes)s) AND status = 'todo' AND scheduled_at > now()
    RETURNING id
)
SELECT pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', min(id))::text)
FROM hurried HAVING count(*) > 0
"""

_REST: Final = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
VALUES (
    %(queue)s, %(task)s, %(lane)s, %(lane)s,
    jsonb_build_object('installation_id', %(installation_id)s::text, 'chat_id', %(chat_id)s::text,
        'failures', %(failures)s::int),
    now() + make_interval(secs => %(seconds)s)
)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""


class WakeUps:
    """Every method may raise `procrastinate.exceptions.ConnectorException`: then nothing was changed."""

    def __init__(self, connector: BaseAsyncConnector, *, places: int, last_calls: LastCalls) -> None:
        self._connector = connector
        self._places = places
        self._last_calls = last_calls

    async def waiting(self) -> set[InstallationId]:
        """The installations that have something in the inbox."""
        rows = await self._connector.execute_query_all_async(_WAITING)
        return {InstallationId(row["installation_id"]) for row in rows}

    async def ring(self, installations: Collection[InstallationId]) -> None:
        """Makes the wake-ups of these installations that are missing, while there are places.

        Processes that ring at the same moment may exceed the bound by what each of them adds.
        """
        named = sorted(installations)
        await self._connector.execute_query_async(
            _RING,
            installations=named,
            patiences_us=[self._patience_us(each) for each in named],
            let_go_us=int(LET_GO_S * 1_000_000),
            counted=COUNTED_MAX,
            places=self._places,
            last_places=self._last_calls.per_installation,
            task=TASK,
        )

    def _patience_us(self, installation_id: InstallationId) -> int:
        return int(min(self._last_calls.patience_s(installation_id), FOREVER_S) * 1_000_000)

    async def hurry(self, lanes: Collection[Lane]) -> None:
        """Ends the rest of those that rest."""
        await self._connector.execute_query_async(_HURRY, lanes=[_lock(lane) for lane in lanes])

    async def rest(self, lane: Lane, queue: str, seconds: float, *, failures: int) -> None:
        """One more wake-up after so long, unless another one is due anyway. `failures` come back with it."""
        await self._connector.execute_query_async(
            _REST,
            queue=queue,
            task=TASK,
            lane=_lock(lane),
            installation_id=lane.installation_id,
            chat_id=lane.chat_id,
            failures=failures,
            seconds=seconds,
        )


def _lock(lane: Lane) -> str:
    return f"{lane.installation_id}:{lane.chat_id}"

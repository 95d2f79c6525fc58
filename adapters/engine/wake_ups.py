"""Wake-ups: one row of Procrastinate for each chat that has to be worked on.

Beside `claims.py` the only place that knows both the inbox and Procrastinate's table of jobs (schema of 3.10): it
compares them. A wake-up that is missing is made from what the inbox holds, so that none can be lost for good, and of one
installation at most `places` are live at once: what a storm brings beyond that waits in the inbox, and takes nobody's
turn. The youngest who waits is next.

A wake-up is live while it may run now or runs; one that rests until later takes no place.
"""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct
from procrastinate.connector import BaseAsyncConnector

from application.ports import Lane
from domain.identifiers import ChatId, InstallationId

TASK: Final = "work_lane"

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
NOT_RUNG: Final = """
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
QUEUE_NAME: Final = "left(encode(sha256(convert_to(installation_id, 'UTF8')), 'hex'), 32)"

# `turn` lets all installations begin before any goes on. Claims (`claims.py`) have places of their own.
_RING: Final = f"""
WITH called AS (
    SELECT installation_id, {QUEUE_NAME} AS queue_name
    FROM unnest(%(installations)s::text[]) AS given (installation_id)
), missing AS (
    SELECT called.queue_name, called.installation_id, waiting.chat_id, waiting.seq,
        called.installation_id || ':' || waiting.chat_id AS lane,
        row_number() OVER (PARTITION BY called.installation_id ORDER BY waiting.seq DESC) AS turn
    FROM called
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken FROM procrastinate_jobs AS job
        WHERE job.queue_name = called.queue_name AND NOT args ? 'last_call'
            AND (status = 'doing' OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))
    ) AS live
    CROSS JOIN LATERAL (
        SELECT first.chat_id, first.seq FROM inbox AS first
        WHERE {NOT_RUNG}
        ORDER BY first.seq DESC
        LIMIT greatest(%(places)s - live.taken, 0)
    ) AS waiting
)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
SELECT queue_name, %(task)s, lane, lane,
    jsonb_build_object('installation_id', installation_id, 'chat_id', chat_id)
FROM missing ORDER BY turn, seq
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
RETURNING args->>'installation_id' AS installation_id, args->>'chat_id' AS chat_id
"""  # noqa: S608  # put together from our own words

# Work that began after a wake has seen what it was about. Of work that began before it, either the job is marked (and
# `_REST` sees that) or the rest is there already: hence two statements, the second of which sees what the first waited
# for. Procrastinate tells its workers of what is inserted, not of what is changed.
_WOKEN: Final = """
WITH woken AS (
    SELECT lane, clock_timestamp() - make_interval(secs => waited_s) AS at
    FROM unnest(%(lanes)s::text[], %(waited_s)s::float8[]) AS given (lane, waited_s)
)
"""
_BEGAN: Final = """
coalesce(
    (SELECT max(extract(epoch FROM event.at)) FROM procrastinate_events AS event
        WHERE event.job_id = job.id AND event.type = 'started'),
    (job.args->>'began')::numeric
)
"""
_AGAIN: Final = f"""
{_WOKEN}
UPDATE procrastinate_jobs AS job SET args = args || '{{"again": true}}' FROM woken
WHERE job.lock = woken.lane AND job.status = 'doing' AND {_BEGAN} <= extract(epoch FROM woken.at)
"""  # noqa: S608
_HURRY: Final = f"""
{_WOKEN}, hurried AS (
    UPDATE procrastinate_jobs AS job SET scheduled_at = NULL FROM woken
    WHERE job.queueing_lock = woken.lane AND job.status = 'todo' AND job.scheduled_at > now()
        AND (job.args->>'began')::numeric <= extract(epoch FROM woken.at)
    RETURNING id
)
SELECT pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', min(id))::text)
FROM hurried HAVING count(*) > 0
"""  # noqa: S608

_REST: Final = f"""
WITH ending AS (
    SELECT args ? 'again' AS again, {_BEGAN} AS began FROM procrastinate_jobs AS job WHERE id = %(job)s FOR UPDATE
)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
VALUES (
    %(queue)s, %(task)s, %(lane)s, %(lane)s,
    jsonb_build_object('installation_id', %(installation_id)s::text, 'chat_id', %(chat_id)s::text,
        'failures', %(failures)s::int, 'began', (SELECT began FROM ending)),
    CASE WHEN (SELECT again FROM ending) THEN NULL ELSE now() + make_interval(secs => %(seconds)s) END
)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""  # noqa: S608


class Claim(Struct, frozen=True, kw_only=True):
    """A lane that this process is at: the job's number keeps the others away."""

    number: int
    lane: Lane
    queue: str


class WakeUps:
    """Every method may raise `procrastinate.exceptions.ConnectorException`: then nothing was changed."""

    def __init__(self, connector: BaseAsyncConnector, *, places: int) -> None:
        self._connector = connector
        self._places = places

    async def waiting(self) -> set[InstallationId]:
        """The installations that have something in the inbox."""
        rows = await self._connector.execute_query_all_async(_WAITING)
        return {InstallationId(row["installation_id"]) for row in rows}

    async def ring(self, installations: Collection[InstallationId]) -> set[Lane]:
        """Makes the wake-ups of these installations that are missing, while there are places: these are returned.

        Processes that ring at the same moment may exceed the bound by what each of them adds.
        """
        rows = await self._connector.execute_query_all_async(
            _RING, installations=sorted(installations), places=self._places, task=TASK
        )
        return {
            Lane(installation_id=InstallationId(row["installation_id"]), chat_id=ChatId(row["chat_id"])) for row in rows
        }

    async def hurry(self, waited_s: Mapping[Lane, float]) -> None:
        """Ends the rest of those that rest, and makes those at work go on after it, unless that work began later than
        so many seconds ago."""
        woken = {"lanes": [_lock(lane) for lane in waited_s], "waited_s": list(waited_s.values())}
        await self._connector.execute_query_async(_AGAIN, **woken)
        await self._connector.execute_query_async(_HURRY, **woken)

    async def rest(self, at: Claim, seconds: float, *, failures: int) -> None:
        """One more wake-up after so long, unless another one is due anyway. `failures` come back with it."""
        await self._connector.execute_query_async(
            _REST,
            job=at.number,
            queue=at.queue,
            task=TASK,
            lane=_lock(at.lane),
            installation_id=at.lane.installation_id,
            chat_id=at.lane.chat_id,
            failures=failures,
            seconds=seconds,
        )


def _lock(lane: Lane) -> str:
    return f"{lane.installation_id}:{lane.chat_id}"

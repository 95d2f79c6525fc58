"""Chats that have waited in vain, claimed many at once by the process that lets them go.

A claim is a job of Procrastinate's that is inserted as already begun, with the chat's lock. So what guards an ordinary
wake-up guards it too: nobody else may begin with the chat, and of a worker that dies the others take it over. But it is
never waited for, fetched or ended one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from procrastinate.connector import BaseAsyncConnector

from adapters.engine.pace import GENTLY_S, LET_GO_S, SPREAD_S
from adapters.engine.wake_ups import NOT_RUNG, QUEUE_NAME, TASK, Claim
from application.ports import Lane
from domain.identifiers import ChatId, InstallationId

FOREVER_S: Final = 1e11
COUNTED_MAX: Final = 10_000
"""of a line, as far as its length decides how long its oldest may wait"""
SILENT_S: Final = 6.0
"""a worker that was not heard of for so long is not counted"""

# A line is who is neither at work nor called to it nor resting. Entries up to `overdue.seq` wait in vain: the longer the
# line and the slower its pace, the sooner. A pace is one worker's; so many of them share the line. `turn` lets all
# installations begin before any goes on.
_CLAIM: Final = f"""
WITH clock AS MATERIALIZED (
    SELECT ponte_now() AS now
), workers AS MATERIALIZED (
    SELECT greatest(count(*), 1) AS number FROM procrastinate_workers
    WHERE last_heartbeat > now() - make_interval(secs => %(silent_s)s)
), called AS MATERIALIZED (
    SELECT given.*, {QUEUE_NAME} AS queue_name
    FROM unnest(%(installations)s::text[], %(patiences_us)s::bigint[], %(paces_us)s::bigint[], %(places)s::int[])
        AS given (installation_id, patience_us, pace_us, places)
), lines AS MATERIALIZED (
    SELECT called.*, greatest(unfinished.number - jobs.number, 0) AS length FROM called
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM procrastinate_jobs AS job WHERE job.queue_name = called.queue_name
    ) AS jobs
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM (
            SELECT FROM inbox WHERE inbox.installation_id = called.installation_id AND state <> 'finished'
            LIMIT %(counted)s
        ) AS counted
    ) AS unfinished
), vain AS (
    SELECT called.queue_name, called.installation_id, waiting.chat_id,
        row_number() OVER (PARTITION BY called.installation_id ORDER BY waiting.seq) AS turn
    FROM clock CROSS JOIN workers CROSS JOIN lines AS called
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT seq FROM inbox
            WHERE inbox.installation_id = called.installation_id
                AND accepted_at <= clock.now - called.patience_us + greatest(
                    called.length * greatest(called.pace_us / workers.number, %(let_go_us)s),
                    least(called.length * %(gently_us)s, %(spread_us)s)
                )
            ORDER BY accepted_at DESC LIMIT 1
        ), 0) AS seq
    ) AS overdue
    CROSS JOIN LATERAL (
        SELECT first.chat_id, first.seq FROM inbox AS first
        WHERE {NOT_RUNG} AND first.seq <= overdue.seq
        ORDER BY first.seq
        LIMIT called.places
    ) AS waiting
    WHERE called.length > 0
), claimed AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id)
    SELECT queue_name, %(task)s, installation_id || ':' || chat_id,
        jsonb_build_object('installation_id', installation_id, 'chat_id', chat_id, 'last_call', true,
            'began', extract(epoch FROM now())),
        'doing', %(worker)s
    FROM vain ORDER BY turn LIMIT %(most)s
    ON CONFLICT (lock) WHERE status = 'doing' DO NOTHING
    RETURNING id, queue_name, args->>'chat_id' AS chat_id
)
SELECT lines.installation_id, lines.queue_name, lines.length, claimed.id, claimed.chat_id, workers.number AS workers
FROM workers CROSS JOIN lines LEFT JOIN claimed USING (queue_name) ORDER BY claimed.id
"""  # noqa: S608  # put together from our own words


class Crowd(Struct, frozen=True, kw_only=True):
    """What is asked for one installation."""

    patience_s: float
    pace_s: float
    """of this process, for one lane; 0 where it is not known"""
    places: int


class Claimed(Struct, frozen=True, kw_only=True):
    claims: Sequence[Claim]
    lines: Mapping[InstallationId, int]
    """how many waited in each, those who were claimed included"""
    workers: int
    """that share them"""


class Claims:
    """Every method may raise `procrastinate.exceptions.ConnectorException`: then nothing was changed, as far as it is
    known."""

    def __init__(self, connector: BaseAsyncConnector) -> None:
        self._connector = connector

    async def claim(self, crowds: Mapping[InstallationId, Crowd], *, most: int, worker_id: int) -> Claimed:
        """The oldest of each installation who wait in vain, at most so many in all."""
        rows = await self._connector.execute_query_all_async(
            _CLAIM,
            installations=list(crowds),
            patiences_us=[_microseconds(each.patience_s) for each in crowds.values()],
            paces_us=[_microseconds(each.pace_s) for each in crowds.values()],
            places=[each.places for each in crowds.values()],
            let_go_us=_microseconds(LET_GO_S),
            gently_us=_microseconds(GENTLY_S),
            spread_us=_microseconds(SPREAD_S),
            silent_s=SILENT_S,
            counted=COUNTED_MAX,
            most=most,
            task=TASK,
            worker=worker_id,
        )
        return Claimed(
            claims=[
                Claim(
                    number=row["id"],
                    lane=Lane(installation_id=InstallationId(row["installation_id"]), chat_id=ChatId(row["chat_id"])),
                    queue=row["queue_name"],
                )
                for row in rows
                if row["id"] is not None
            ],
            lines={InstallationId(row["installation_id"]): row["length"] for row in rows},
            workers=rows[0]["workers"] if rows else 1,
        )


def _microseconds(seconds: float) -> int:
    return int(min(seconds, FOREVER_S) * 1_000_000)

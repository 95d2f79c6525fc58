"""What the console asks of a month of events, beside the same question in plain SQL to the same database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from sqlalchemy import Connection, text

from adapters.clock.system import SystemClock
from adapters.storage.database import serve_database
from adapters.storage.history import History
from application.history import Cursor, Filters, Group
from benchmarks.bench import Bench
from benchmarks.notifications import document_of
from benchmarks.rows import Row, median, ms
from benchmarks.stored_events import DAYS, OURS, StoredEvents
from domain.identifiers import InstallationId

GOAL_S = 0.050
HERE = InstallationId(OURS)
_LIST = "SELECT seq, kind, chat_id, accepted_at, outcome_tag, flow, cause FROM inbox WHERE installation_id = 'ours'"
_NEWEST = "ORDER BY accepted_at DESC, seq DESC LIMIT 51"


class Question(Struct, frozen=True, kw_only=True):
    name: str
    ours: Callable[[], Awaitable[object]]
    plain: str


class Taken(Struct, frozen=True, kw_only=True):
    name: str
    ours_s: float
    plain_s: float


def console(bench: Bench) -> Iterator[Row]:
    with TemporaryDirectory(dir=bench.directory) as home, bench.store.fresh(Path(home)) as url:
        events = StoredEvents(url, bench.size.stored)
        bench.say(f"puts {events.count:,} events in")
        events.fill()
        served = serve_database(url, keys=[events.key], clock=SystemClock(), on_fatal=lambda: None)
        engine = events.engine()
        with closing(served), engine.connect() as plain:
            for group, questions in _questions(served.history, events).items():
                bench.say(group)
                slowest = max(
                    (asyncio.run(_take(question, plain, bench.size.rounds)) for question in questions),
                    key=lambda taken: taken.ours_s,
                )
                yield _row(group, slowest, len(questions), events.count)
        engine.dispose()


def _row(group: str, slowest: Taken, questions: int, events: int) -> Row:
    which = f", the slowest of {questions} ({slowest.name})" if questions > 1 else ""
    return Row(
        what=f"console: {group} over {events:,} events{which}",
        figure=ms(slowest.ours_s),
        compared_with=f"plain SQL: {ms(slowest.plain_s)}",
        ratio=f"{slowest.ours_s / slowest.plain_s:.1f} ×",
        goal=f"≤ {ms(GOAL_S)}",
        met=slowest.ours_s <= GOAL_S,
    )


async def _take(question: Question, plain: Connection, rounds: int) -> Taken:
    ours, theirs = [], []
    for _ in range(2 * rounds + 1):
        began = time.perf_counter()
        await question.ours()
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        plain.execute(text(question.plain)).all()
        theirs.append(time.perf_counter() - began)
    return Taken(name=question.name, ours_s=median(ours), plain_s=median(theirs))


def _questions(history: History, events: StoredEvents) -> dict[str, Sequence[Question]]:
    now = events.now
    middle = Cursor(at=_micros(events, DAYS / 2), seq=events.count // 2)
    start = _micros(events, 20)

    def listed(name: str, plain: str, filters: Filters = Filters(), older: Cursor | None = None) -> Question:  # noqa: B008  # frozen
        return Question(name=name, ours=lambda: history.events(HERE, filters, older_than=older), plain=plain)

    lists = [
        listed("newest", f"{_LIST} {_NEWEST}"),
        listed("a page in the middle", f"{_LIST} AND accepted_at <= {middle.at} {_NEWEST}", older=middle),
        listed("failed", f"{_LIST} AND cause IS NOT NULL ORDER BY seq DESC LIMIT 51", Filters(group=Group.FAILED)),
        listed("waiting", f"{_LIST} AND state <> 'finished' LIMIT 51", Filters(group=Group.WAITING)),
        listed("one outcome", f"{_LIST} AND outcome_tag = 'failed' LIMIT 51", Filters(outcome="failed")),
        listed("an outcome that never was", f"{_LIST} AND outcome_tag = 'paused' LIMIT 51", Filters(outcome="paused")),
        listed("one kind", f"{_LIST} AND kind = 'ticket_requested' LIMIT 51", Filters(kind="ticket_requested")),
        listed("one chat", f"{_LIST} AND chat_id = '10000100' LIMIT 51", Filters(chat_id="10000100")),
        listed("one protocol", f"{_LIST} AND protocol = '202600000001' LIMIT 51", Filters(protocol="202600000001")),
        listed(
            "failed in ten days",
            f"{_LIST} AND accepted_at >= {start} AND cause IS NOT NULL ORDER BY seq DESC LIMIT 51",
            Filters(group=Group.FAILED, since=now - timedelta(days=20), until=now - timedelta(days=10)),
        ),
    ]
    masked = f"***.***.***-{document_of(7)[-2:]}"
    by_document = Question(
        name="document",
        ours=lambda: history.events(HERE, Filters(document=document_of(7))),
        plain=f"{_LIST} AND document = '{masked}'",
    )
    one = Question(
        name="event",
        ours=lambda: history.event(HERE, events.count // 2 + 1),
        plain=f"SELECT * FROM inbox JOIN trails ON entry_seq = seq WHERE seq = {events.count // 2 + 1}",  # noqa: S608
    )
    since = _micros(events, 1)
    card = [
        Question(
            name="figures",
            ours=lambda: history.health(HERE, now),
            plain=f"SELECT count(*) FROM inbox WHERE installation_id = 'ours' AND accepted_at >= {since}",  # noqa: S608
        ),
        Question(
            name="thirty days",
            ours=lambda: history.series(HERE, start=now - timedelta(days=DAYS), width=timedelta(days=1), buckets=DAYS),
            plain="SELECT accepted_at / 86400000000, count(*) FROM inbox WHERE installation_id = 'ours' GROUP BY 1",
        ),
        Question(
            name="problems",
            ours=lambda: history.problems(HERE),
            plain="SELECT cause, count(*) FROM inbox WHERE installation_id = 'ours' AND cause IS NOT NULL GROUP BY 1",
        ),
    ]
    return {"lists": lists, "search by document": [by_document], "one event": [one], "status card": card}


def _micros(events: StoredEvents, days_ago: float) -> int:
    return int((events.now - timedelta(days=days_ago)).timestamp() * 1_000_000)

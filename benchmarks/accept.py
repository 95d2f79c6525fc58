"""Taking a notification: durable before it is answered, against a handler that stores nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bench import CONNECTIONS, Bench
from benchmarks.counted_serving import read_commits
from benchmarks.load import Target
from benchmarks.product import free_port, module_running, wait_until_answers
from benchmarks.rows import Row, median, ms, percentile

RATIO_GOALS = {"SQLite": 1.5, "PostgreSQL": 1.2}
P99_GOAL_S = 0.020
LONE_P50_GOAL_S = 0.0015
EVENTS_PER_FSYNC_GOAL = 16


GOALS_WERE_SET_AT = 6_500
"""plain answers a second of the machine on which the goals in seconds and per second were set"""
PLAIN = [Target(path="/webhooks/huggy/key", company_id="1001")]


def yardstick(bench: Bench) -> Iterator[Row]:
    """How fast this machine is: the measure for every goal that is not a ratio."""
    with bare() as port:
        bench.send(port, PLAIN, bench.size.burst // 4)
        rounds = [bench.send(port, PLAIN, bench.size.burst).landed.per_second for _ in range(bench.size.rounds)]
    yield Row(
        what=f"this machine: a plain handler that stores nothing, {CONNECTIONS} connections",
        figure=f"{median(rounds):,.0f}/s",
        compared_with=f"where the goals were set: {GOALS_WERE_SET_AT:,}/s",
        ratio=f"{median(rounds) / GOALS_WERE_SET_AT:.2f} ×",
        goal="–",
    )


def accept(bench: Bench) -> Iterator[Row]:
    durable, plain, slowest = [], [], []
    with bench.ponte(worker=False) as ponte, bare() as bare_port:
        bench.send(ponte.port, ponte.targets, bench.size.burst // 4)
        bench.send(bare_port, PLAIN, bench.size.burst // 4)
        for number in range(bench.size.rounds):
            bench.say(f"round {number + 1} of {bench.size.rounds}")
            landed = bench.send(ponte.port, ponte.targets, bench.size.burst).landed
            durable.append(landed.per_second)
            slowest.append(percentile(landed.took_s, 0.99))
            plain.append(bench.send(bare_port, PLAIN, bench.size.burst).landed.per_second)
    yield from accept_rows(bench, median(durable), plain=median(plain), p99_s=median(slowest))


def accept_rows(bench: Bench, per_second: float, *, plain: float, p99_s: float, seen_by: str = "") -> Iterator[Row]:
    goal = RATIO_GOALS[bench.store.name]
    yield Row(
        what=f"durable accept, {CONNECTIONS} connections{seen_by}",
        figure=f"{per_second:,.0f}/s",
        compared_with=f"plain handler, nothing stored: {plain:,.0f}/s",
        ratio=f"{per_second / plain:.2f} ×",
        goal=f"≥ {goal} ×",
        met=per_second / plain >= goal,
    )
    yield Row(
        what=f"its p99, {CONNECTIONS} connections{seen_by}",
        figure=ms(p99_s),
        goal=f"≤ {ms(P99_GOAL_S)}",
        met=p99_s <= P99_GOAL_S,
    )


def lone(bench: Bench) -> Iterator[Row]:
    with bench.ponte(worker=False) as ponte:
        bench.send(ponte.port, ponte.targets, bench.size.lone // 5, connections=1)
        took_s = bench.send(ponte.port, ponte.targets, bench.size.lone, connections=1).landed.took_s
    yield lone_row(median(took_s))


def lone_row(p50_s: float, *, seen_by: str = "") -> Row:
    return Row(
        what=f"a lone durable accept, one connection, p50{seen_by}",
        figure=ms(p50_s),
        goal=f"≤ {ms(LONE_P50_GOAL_S)}",
        met=p50_s <= LONE_P50_GOAL_S,
    )


def fsyncs(bench: Bench) -> Iterator[Row]:
    if bench.store.name != "SQLite":
        return
    counter = bench.directory / "commits"
    with bench.ponte(worker=False, commits_counted_in=counter) as ponte:
        bench.send(ponte.port, ponte.targets, bench.size.burst // 4)
        before = read_commits(counter)
        bench.send(ponte.port, ponte.targets, bench.size.burst)
        commits = read_commits(counter) - before
    per_commit = bench.size.burst / commits
    yield Row(
        what=f"events per fsync, {CONNECTIONS} connections",
        figure=f"{per_commit:.0f}",
        goal=f"≥ {EVENTS_PER_FSYNC_GOAL}",
        met=per_commit >= EVENTS_PER_FSYNC_GOAL,
    )


@contextmanager
def bare() -> Iterator[int]:
    port = free_port()
    with module_running("benchmarks.bare", str(port)) as process:
        wait_until_answers(f"http://127.0.0.1:{port}/", process)
        yield port

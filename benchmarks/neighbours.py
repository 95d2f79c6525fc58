"""Who suffers from whom: new deliveries from a backlog, many providers from one whose ERP hangs."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.product import Ponte, pbx_of
from benchmarks.rows import Row, ms, percentile

PROVIDERS = 20
BACKLOG_PACE = 100
BACKLOG_GOAL = 5
PACE = 50
HANGING_GOAL = 1.2
ERP_S, HUGGY_S = 0.040, 0.020


def backlog(bench: Bench) -> Iterator[Row]:
    with bench.ponte(installations=PROVIDERS) as ponte:
        bench.warm_up(ponte)
        calm, busy = [], []
        for _ in range(bench.size.rounds):
            calm += _accepts(bench, ponte, waiting=0)
            busy += _accepts(bench, ponte, waiting=bench.size.backlog)
    calm_p99, busy_p99 = percentile(calm, 0.99), percentile(busy, 0.99)
    yield Row(
        what=f"accept p99 at {BACKLOG_PACE}/s while a backlog drains",
        figure=ms(busy_p99),
        compared_with=f"no backlog: {ms(calm_p99)}",
        ratio=f"{busy_p99 / calm_p99:.1f} ×",
        goal=f"≤ {BACKLOG_GOAL} ×",
        met=busy_p99 <= BACKLOG_GOAL * calm_p99,
    )


def _accepts(bench: Bench, ponte: Ponte, *, waiting: int) -> list[float]:
    """How long deliveries took while so many others waited to be worked off."""
    bench.forget()
    behind = bench.send(ponte.port, ponte.targets, waiting).numbers if waiting else range(0)
    count = max(1, int(BACKLOG_PACE * bench.size.paced_s / 4))
    paced = bench.send(ponte.port, ponte.targets, count, per_second=BACKLOG_PACE)
    bench.await_flows([*behind, *paced.numbers])
    if not behind:
        return paced.landed.took_s
    seen = bench.seen()
    drained_at = max(seen[number].flow_at for number in behind)
    took = zip(paced.landed.sent_at, paced.landed.took_s, strict=True)
    return [took_s for sent, took_s in took if sent < drained_at]


def hanging(bench: Bench) -> Iterator[Row]:
    with bench.ponte(installations=bench.size.installations, erp_concurrency=4) as ponte:
        bench.warm_up(ponte, each=1)
        calm = _times_of_others(bench, ponte, hanging=frozenset())
        beside = _times_of_others(bench, ponte, hanging=frozenset({pbx_of(0)}))
        bench.behave()
    calm_p99, beside_p99 = percentile(calm, 0.99), percentile(beside, 0.99)
    ratio = beside_p99 / calm_p99
    yield Row(
        what=f"{bench.size.installations:,} installations, one of them hanging: webhook to flow of the others, p99",
        figure=ms(beside_p99),
        compared_with=f"none hanging: {ms(calm_p99)}",
        ratio=f"{ratio:.2f} ×",
        goal=f"≤ {HANGING_GOAL} ×",
        met=ratio <= HANGING_GOAL,
    )


def _times_of_others(bench: Bench, ponte: Ponte, *, hanging: frozenset[str]) -> list[float]:
    """From webhook to flow, for all providers but the first, which gets a third of all notifications."""
    bench.forget()
    bench.behave(erp_s=ERP_S, huggy_s=HUGGY_S, hanging=hanging)
    first, others = ponte.targets[0], ponte.targets[1:]
    mixed = [target for pair in zip(others[::2], others[1::2], strict=False) for target in (*pair, first)]
    count = max(2, int(2 * PACE * bench.size.paced_s))
    paced = bench.send(ponte.port, mixed, count, per_second=PACE)
    theirs = {
        number: sent
        for number, sent in zip(paced.numbers, paced.landed.sent_at, strict=True)
        if mixed[number % len(mixed)] is not first
    }
    bench.await_flows(theirs)
    seen = bench.seen()
    return [seen[number].flow_at - sent for number, sent in theirs.items()]

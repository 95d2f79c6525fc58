"""From the webhook to the flow: four upstream calls for each notification (one to the ERP, three to Huggy)."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.rows import Row, median, ms, percentile

PROVIDERS = 20
UPSTREAM_CALLS = 4
CPU_GOAL_S = 0.004
THROUGHPUT_GOALS = {"SQLite": 400, "PostgreSQL": 250}
PACE = 50
OVERHEAD_P99_GOAL_S = 0.020
START_GOALS_S = {"SQLite": 0.001, "PostgreSQL": 0.006}
ERP_S, HUGGY_S = 0.040, 0.020


def whole_way(bench: Bench) -> Iterator[Row]:
    count = bench.size.whole_way
    with bench.ponte(installations=PROVIDERS) as ponte:
        bench.warm_up(ponte)
        cpu_before = ponte.cpu_s()
        sent = bench.send(ponte.port, ponte.targets, count)
        bench.await_flows(sent.numbers)
        cpu_s = (ponte.cpu_s() - cpu_before) / count
        seen = bench.seen()
    # One more where an answer came so late that the chat was looked at again before its flow.
    if any(each.calls not in (UPSTREAM_CALLS, UPSTREAM_CALLS + 1) for each in seen.values()):
        raise RuntimeError(f"a lookup did not make its {UPSTREAM_CALLS} upstream calls: something failed on the way")
    per_second = count / (max(each.flow_at for each in seen.values()) - min(sent.landed.sent_at))
    goal = THROUGHPUT_GOALS[bench.store.name]
    yield Row(
        what="whole way, four upstream calls each, stand-ins on the same machine",
        figure=f"{per_second:,.0f}/s",
        goal=f"≥ {goal}/s",
        met=per_second >= goal,
    )
    yield Row(
        what="our own CPU per notification, webhook to flow",
        figure=f"{cpu_s * 1000:.2f} ms",
        goal=f"≤ {ms(CPU_GOAL_S)}",
        met=cpu_s <= CPU_GOAL_S,
    )


def latency(bench: Bench) -> Iterator[Row]:
    count = max(1, int(PACE * bench.size.paced_s))
    with bench.ponte(installations=PROVIDERS) as ponte:
        bench.warm_up(ponte)
        bench.behave(erp_s=ERP_S, huggy_s=HUGGY_S)
        paced = bench.send(ponte.port, ponte.targets, count, per_second=PACE)
        bench.await_flows(paced.numbers)
        seen = bench.seen()
    overhead_s, start_s = [], []
    for number, sent, answered in zip(paced.numbers, paced.landed.sent_at, paced.landed.answered_at, strict=True):
        each = seen[number]
        overhead_s.append(each.flow_at - sent - each.upstream_s)
        start_s.append(each.erp_at - answered)
    p99 = percentile(overhead_s, 0.99)
    yield Row(
        what=f"webhook to flow above the upstreams' answers, {PACE}/s, p99",
        figure=ms(p99),
        compared_with=f"p50: {ms(median(overhead_s))}",
        goal=f"≤ {ms(OVERHEAD_P99_GOAL_S)}",
        met=p99 <= OVERHEAD_P99_GOAL_S,
    )
    goal_s = START_GOALS_S[bench.store.name]
    yield Row(
        what=f"start of work after receipt, {PACE}/s, p50 (the ERP's first request after our 200)",
        figure=ms(median(start_s)),
        goal=f"≤ {ms(goal_s)}",
        met=median(start_s) <= goal_s,
    )

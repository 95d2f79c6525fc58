"""A fibre breaks: all customers of one provider write at once, while its ERP is slow; and what its neighbour notices."""

from collections.abc import Iterator

from benchmarks.bench import Bench, Sent
from benchmarks.product import Ponte, pbx_of
from benchmarks.rows import Row, median, ms, percentile
from benchmarks.standins import Seen, Trouble
from domain.installation import FlowKey

DEADLINE_S = 20.0
AT_ONCE = 4
TROUBLE = Trouble(erp_s=0.5, at_once=AT_ONCE, fails_one_in=10)
NEIGHBOUR_PACE = 2.0
NEIGHBOUR_GOAL = 1.5
FEW_CONNECTIONS = 4
"""none of which is idle for so long that the server closes it"""
ERP_S, HUGGY_S = 0.040, 0.020
AUXILIARY = 100 + list(FlowKey).index(FlowKey.AUXILIARY)


def storm(bench: Bench) -> Iterator[Row]:
    with bench.ponte(
        installations=2, erp_concurrency=AT_ONCE, reply_deadline_s=DEADLINE_S, tells_outages=True
    ) as ponte:
        bench.warm_up(ponte)
        bench.behave(erp_s=ERP_S, huggy_s=HUGGY_S, troubled={pbx_of(0): TROUBLE})
        alone = _neighbour_alone(bench, ponte)
        sent, seen, beside = _storm(bench, ponte)
        most_at_once = bench.most_at_once(pbx_of(0))
        bench.behave()
    yield _row_of_customers(bench, sent, seen)
    alone_p99, beside_p99 = percentile(alone, 0.99), percentile(beside, 0.99)
    yield Row(
        what=f"its neighbour meanwhile, {NEIGHBOUR_PACE:g}/s: webhook to flow, p99",
        figure=ms(beside_p99),
        compared_with=f"alone: {ms(alone_p99)}",
        ratio=f"{beside_p99 / alone_p99:.2f} ×",
        goal=f"≤ {NEIGHBOUR_GOAL} ×",
        met=beside_p99 <= NEIGHBOUR_GOAL * alone_p99,
    )
    yield Row(
        what="calls that its ERP had at once, at most",
        figure=str(most_at_once),
        goal=f"≤ {AT_ONCE}",
        met=most_at_once <= AT_ONCE,
    )


def _neighbour_alone(bench: Bench, ponte: Ponte) -> list[float]:
    sent = bench.send(
        ponte.port,
        ponte.targets[1:2],
        max(1, int(NEIGHBOUR_PACE * bench.size.storm_s)),
        connections=FEW_CONNECTIONS,
        per_second=NEIGHBOUR_PACE,
    )
    bench.await_flows(sent.numbers)
    seen = bench.seen()
    return [seen[number].flow_at - at for number, at in zip(sent.numbers, sent.landed.sent_at, strict=True)]


def _storm(bench: Bench, ponte: Ponte) -> tuple[Sent, dict[int, Seen], list[float]]:
    """What was sent, what came of the crowd, and the times of its neighbour."""
    pace = bench.size.storm / bench.size.storm_s
    crowd, neighbour = ponte.targets[:2]
    mixed = [*[crowd] * round(pace / NEIGHBOUR_PACE), neighbour]
    bench.forget()
    sent = bench.send(
        ponte.port,
        mixed,
        bench.size.storm + int(NEIGHBOUR_PACE * bench.size.storm_s),
        per_second=pace + NEIGHBOUR_PACE,
    )
    bench.await_flows(sent.numbers)
    seen = bench.seen()
    beside = {
        number: seen.pop(number).flow_at - at
        for number, at in zip(sent.numbers, sent.landed.sent_at, strict=True)
        if mixed[number % len(mixed)] is neighbour
    }
    return sent, seen, list(beside.values())


def _row_of_customers(bench: Bench, sent: Sent, seen: dict[int, Seen]) -> Row:
    """From the acknowledgement to the start of a flow."""
    answered = dict(zip(sent.numbers, sent.landed.answered_at, strict=True))
    ages = [each.flow_at - answered[number] for number, each in seen.items()]
    late = sum(age > DEADLINE_S for age in ages)
    told = sum(each.told for each in seen.values())
    auxiliary = sum(each.flow == AUXILIARY for each in seen.values())
    return Row(
        what=f"{len(seen):,} customers of one provider within {bench.size.storm_s:g} s, its ERP takes "
        f"{TROUBLE.erp_s * 1000:g} ms, {AT_ONCE} at once: acknowledgement to flow, the longest",
        figure=f"{max(ages):.1f} s; {late:,} late",
        compared_with=f"p50: {median(ages):.1f} s, p99: {percentile(ages, 0.99):.1f} s; {told:,} told of the outage, "
        f"{auxiliary:,} to the auxiliary flow",
        goal=f"≤ {DEADLINE_S:g} s",
        met=not late,
    )

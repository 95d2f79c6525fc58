"""What is left after much work, and what is used by none."""

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.rows import Row

PROVIDERS = 20
MEMORY_GOAL_MB = 200
GROWTH_GOAL = 1.10
SHORTER_BESIDE_WORKERS = 5
"""that form works more slowly on one machine, and its processes keep less"""
IDLE_GOAL = 0.01


def memory(bench: Bench) -> Iterator[Row]:
    size = bench.size
    endurance = size.endurance // (SHORTER_BESIDE_WORKERS if bench.store.workers else 1)
    measured = []
    with bench.ponte(installations=PROVIDERS) as ponte:
        for done in range(size.chunk, endurance + 1, size.chunk):
            bench.say(f"{done:,} of {endurance:,}")
            bench.await_flows(bench.send(ponte.port, ponte.targets, size.chunk).numbers)
            bench.forget()
            measured.append(ponte.memory_mb())
    early, last = measured[len(measured) // 5], measured[-1]
    yield Row(
        what=f"memory after {endurance:,} notifications",
        figure=f"{last:.0f} MB",
        compared_with=f"after the first fifth: {early:.0f} MB",
        ratio=f"{last / early:.2f} ×",
        goal=f"flat (≤ {GROWTH_GOAL:.1f} ×), ≤ {MEMORY_GOAL_MB} MB",
        met=last <= MEMORY_GOAL_MB and last / early <= GROWTH_GOAL,
    )


def idle(bench: Bench) -> Iterator[Row]:
    with bench.ponte(installations=bench.size.installations) as ponte:
        bench.warm_up(ponte, each=1)
        before, began = ponte.cpu_s(), time.monotonic()
        time.sleep(bench.size.idle_s)
        share = (ponte.cpu_s() - before) / (time.monotonic() - began)
    yield Row(
        what=f"idle CPU, {bench.size.installations:,} installations",
        figure=f"{share * 100:.2f} %",
        goal=f"≤ {IDLE_GOAL * 100:.0f} %",
        met=share <= IDLE_GOAL,
    )

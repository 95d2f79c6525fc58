"""Accepting once more, as wrk sees it: a load generator that is not ours (`benchmarks/accept.lua`)."""

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.accept import PLAIN, accept_rows, bare, lone_row
from benchmarks.bench import CONNECTIONS, Bench
from benchmarks.load import Target
from benchmarks.notifications import WEBHOOK_TOKEN
from benchmarks.rows import Row, median

SCRIPT = Path(__file__).with_name("accept.lua")
NUMBERS_A_RUN = 1_000_000
SEEN_BY = ", as wrk sees it"


class Told(Struct, frozen=True, kw_only=True):
    """The last line of the script."""

    per_second: float
    p50_us: float
    p99_us: float
    refused: int


def independent(bench: Bench) -> Iterator[Row]:
    wrk = shutil.which("wrk")
    if wrk is None:
        yield Row(what="the same with wrk, a load generator that is not ours", figure="wrk is not installed", goal="–")
        return
    seconds = max(1, round(bench.size.paced_s / 4))
    firsts = itertools.count(step=NUMBERS_A_RUN)

    def load(port: int, target: Target, connections: int) -> Told:
        url = f"http://127.0.0.1:{port}{target.path}"
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), url]
        arguments = [wrk, *options, target.company_id, str(next(firsts)), WEBHOOK_TOKEN]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=seconds + 60)  # noqa: S603
        told = msgspec.json.decode(done.stdout.splitlines()[-1], type=Told)
        if told.refused:
            raise RuntimeError(f"{told.refused} deliveries were refused")
        return told

    with bench.ponte(worker=False) as ponte, bare() as bare_port:
        durable, plain = [], []
        for _ in range(bench.size.rounds):
            durable.append(load(ponte.port, ponte.targets[0], CONNECTIONS))
            plain.append(load(bare_port, PLAIN[0], CONNECTIONS))
        alone = load(ponte.port, ponte.targets[0], 1)
    yield from accept_rows(
        bench,
        median([each.per_second for each in durable]),
        plain=median([each.per_second for each in plain]),
        p99_s=median([each.p99_us for each in durable]) / 1e6,
        seen_by=SEEN_BY,
    )
    yield lone_row(alone.p50_us / 1e6, seen_by=SEEN_BY)

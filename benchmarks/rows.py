"""What a benchmark gives: rows of one table."""

from collections.abc import Callable, Sequence

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One goal, held against what was measured. `met` is None where the goal is another row's."""

    what: str
    figure: str
    compared_with: str = "–"
    ratio: str = "–"
    goal: str
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        return self.what, self.figure, self.compared_with, self.ratio, self.goal, self.verdict

    @property
    def verdict(self) -> str:
        return "–" if self.met is None else "met" if self.met else "missed"


HEADINGS = ("what", "figure", "compared with", "ratio", "goal", "verdict")


class Size(Struct, frozen=True, kw_only=True):
    """How much is measured. `rounds` are taken in turn with what is compared, so that a busy moment hits both."""

    rounds: int
    burst: int
    """deliveries a round, 64 connections"""
    lone: int
    whole_way: int
    """notifications from webhook to flow"""
    paced_s: float
    """how long something is sent at a steady pace"""
    endurance: int
    chunk: int
    backlog: int
    installations: int
    idle_s: float
    stored: int
    """events in the database that the console asks"""
    storm: int
    """customers of one provider who write within `storm_s`"""
    storm_s: float


FULL = Size(
    rounds=3,
    burst=8_000,
    lone=1_000,
    whole_way=4_000,
    paced_s=20,
    endurance=100_000,
    chunk=5_000,
    backlog=3_000,
    installations=1_000,
    idle_s=15,
    stored=100_000,
    storm=10_000,
    storm_s=60,
)
SMOKE = Size(
    rounds=1,
    burst=64,
    lone=10,
    whole_way=20,
    paced_s=0.4,
    endurance=50,
    chunk=10,
    backlog=20,
    installations=5,
    idle_s=0.2,
    stored=200,
    storm=40,
    storm_s=0.5,
)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest value at or above that share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


Say = Callable[[str], None]
"""Tells the person who waits what is being measured."""

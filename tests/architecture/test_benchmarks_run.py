"""Every benchmark runs, in a size that measures nothing: a figure nobody can take again is worth nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import marks, write_between_marks
from benchmarks.rows import HEADINGS, Row, percentile

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "console": 4,
    "accept": 2,
    "whole_way": 2,
    "latency": 2,
    "storm": 3,
    "independent": 3 if shutil.which("wrk") else 1,
}
"""of those that give more than one"""


BEGIN, END = marks("SQLite")


@pytest.mark.parametrize(("form", "names"), [("SQLite", list(BENCHMARKS)), ("PostgreSQL", ["lone", "whole_way"])])
def test_every_benchmark_gives_its_rows(tmp_path: Path, form: str, names: list[str]) -> None:
    page = tmp_path / "performance.md"
    page.write_text("\n".join(marks(form)))
    where = ["--directory", str(tmp_path), "--markdown", str(page)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *names, "--smoke", "--form", form, *where],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    table = [line for line in page.read_text().splitlines() if line.startswith("|")]
    assert table[0] == f"| {' | '.join(HEADINGS)} |"
    assert len(table) - 2 == sum(ROWS.get(name, 1) for name in names)


def test_only_what_stands_between_the_marks_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_marks(page, "SQLite", "new")
    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("a page of its own\n")
    with pytest.raises(ValueError, match="no place for the table"):
        write_between_marks(page, "SQLite", "new")
    assert page.read_text() == "a page of its own\n"


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_a_row_says_whether_its_goal_is_met() -> None:
    assert [Row(what="", figure="", goal="", met=met).verdict for met in (True, False, None)] == ["met", "missed", "–"]

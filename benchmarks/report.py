"""The table: to a terminal, and into docs/performance.md."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.rows import HEADINGS, Row

LIBRARIES = ("litestar", "uvicorn", "uvloop", "httptools", "msgspec", "httpx", "aiohttp", "sqlalchemy", "cryptography")


def as_text(rows: Sequence[Row]) -> str:
    table = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table
    )


def as_markdown(store: str, rows: Sequence[Row]) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{store}**, {surroundings()}\n\n{table}"


def surroundings() -> str:
    """Date, machine and versions: what the figures depend on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {_processor()}, {os.cpu_count()} cores, {platform.system()}; "  # noqa: TID251
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}."
    )


def marks(store: str) -> tuple[str, str]:
    """What stands before and after a store's table in a page."""
    return f"<!-- benchmarks of {store}: begin -->", f"<!-- benchmarks of {store}: end -->"


def write_between_marks(page: Path, store: str, markdown: str) -> None:
    """Replaces what stands between the store's two marks; `ValueError` when the page lacks them."""
    opening, closing = marks(store)
    before, begin, rest = page.read_text(encoding="utf-8").partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the table: {opening} … {closing}")
    page.write_text(f"{before}{begin}\n{markdown}\n{end}{after}", encoding="utf-8")


def _processor() -> str:
    names = Path("/proc/cpuinfo")
    if names.exists():
        for line in names.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

"""The machine fails under real processes. `PONTE_CHAOS_ROUNDS` says how many kill rounds there are; a few without it."""

import os
from collections.abc import Iterator

import pytest

from tests.chaos.deployment import EMBEDDED, Form
from tests.chaos.reckoning import Tally
from tests.e2e.upstream import Stage

_tallies = pytest.StashKey[dict[str, Tally]]()
WORKERS = 3


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def rounds() -> int:
    return int(os.environ.get("PONTE_CHAOS_ROUNDS", "6"))


@pytest.fixture(params=["sqlite", "postgresql"])
def form(request: pytest.FixtureRequest) -> Form:
    """Embedded, and outgrown: one server and three workers over PostgreSQL."""
    if request.param == "sqlite":
        return EMBEDDED
    return Form(name="postgresql", database_url=request.getfixturevalue("postgres_url"), workers=WORKERS)


@pytest.fixture
def tally(request: pytest.FixtureRequest, form: Form) -> Tally:
    """What is counted here is told at the end of the run."""
    return request.config.stash.setdefault(_tallies, {}).setdefault(form.name, Tally())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, counted in config.stash.get(_tallies, {}).items():
        terminalreporter.write_line(f"kill rounds on {name}: {counted}")

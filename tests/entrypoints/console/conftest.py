import shutil
import ssl
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from adapters.memory.clock import SetClock
from adapters.storage.migrate import upgrade
from adapters.web.client import open_http
from entrypoints.sandbox.city import ZONE
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.huggy_server import running_huggy
from entrypoints.sandbox.people import inhabitants
from entrypoints.sandbox.provider_flows import PROVIDER_FLOWS, WELCOME
from entrypoints.sandbox.records import Records
from entrypoints.sandbox.voalle import Voalle, running_voalle
from tests.adapters.storage.files import served
from tests.contracts.journal import NOON
from tests.entrypoints.console.running import Running, running_on
from tests.entrypoints.console.setting_up import SettingUp, setting_up
from tests.entrypoints.console.stage import Browser, Stage, open_stage


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "ponte.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(migrated: Path, tmp_path: Path) -> str:
    shutil.copy(migrated, tmp_path / "ponte.db")
    return f"sqlite:///{tmp_path / 'ponte.db'}"


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(tls=ssl.create_default_context(), max_connections=8) as client:
        yield client


@pytest.fixture
async def stage(url: str, faults: Faults, http: httpx.AsyncClient) -> AsyncIterator[Stage]:
    clock = SetClock(NOON)
    with served(url, clock=clock) as database:
        async with (
            running_huggy(PROVIDER_FLOWS, WELCOME, faults) as huggy,
            open_stage(database, clock, huggy, http) as opened,
        ):
            yield opened


@pytest.fixture
def browser(stage: Stage) -> Browser:
    return stage.browser()


@pytest.fixture
async def voalle(faults: Faults) -> AsyncIterator[Voalle]:
    def now() -> datetime:
        return datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)

    async with running_voalle(Records(inhabitants(now().date(), now()), now), faults) as running:
        yield running


@pytest.fixture
async def setup(stage: Stage, voalle: Voalle) -> AsyncIterator[SettingUp]:
    async with setting_up(stage, voalle) as opened:
        yield opened


@pytest.fixture
async def running(stage: Stage) -> AsyncIterator[Running]:
    async with running_on(stage) as opened:
        yield opened

from collections.abc import AsyncGenerator
from datetime import date, datetime

import httpx
import pytest

from entrypoints.sandbox.city import ZONE, City, start_city
from entrypoints.sandbox.serving import running
from tests.entrypoints.sandbox.fake_app import FakeApp

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)


@pytest.fixture
async def city() -> AsyncGenerator[City]:
    async with start_city(TODAY, clock=lambda: NOW, retry_delays_s=(0, 0, 0)) as started:
        yield started


@pytest.fixture
async def app(city: City) -> AsyncGenerator[FakeApp]:
    """Connected to the city's Huggy."""
    fake = FakeApp(city.huggy)
    async with running(fake.asgi()) as url:
        await city.connect_webhook(f"{url}/hook")
        yield fake


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client

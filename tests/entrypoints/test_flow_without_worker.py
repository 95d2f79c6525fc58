"""`ponte serve --no-worker`: what is accepted waits for another process, and a flow that waits is answered all the same.
Over an SQLite file there can be no other."""

from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from entrypoints.composition import commands
from entrypoints.composition.serving import build_server, nobody_works, serving
from entrypoints.settings import Settings, read_settings
from tests.entrypoints.fakes import INSTALLATION


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(
        {
            "PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db",
            "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
        }
    )


@pytest.mark.parametrize("works", [False, True])
async def test_a_flow_is_answered_whether_or_not_this_process_works(settings: Settings, works: bool) -> None:
    commands.migrate(settings)
    with serving(settings, works=works) as built:
        await built.database().installations.save(INSTALLATION)
        app = build_server(built)
        transport = httpx.ASGITransport(cast("Any", app))
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://ponte") as http:
            answer = await http.post("/flow/flow-key/segunda-via", json={"cpf": "111.111.111-11"})
        assert (answer.status_code, answer.json()["resultado"]) == (200, "customer_not_found")


@pytest.mark.parametrize("works", [False, True])
async def test_no_work_is_said_to_have_started_where_none_is_done(settings: Settings, works: bool) -> None:
    commands.migrate(settings)
    with serving(settings, works=works) as built, capture_logs() as logs:
        async with build_server(built).lifespan():
            assert nobody_works(built) == (not works)
    told = {line["event"] for line in logs}
    assert told & {"worker.started", "worker.stopped"} == ({"worker.started", "worker.stopped"} if works else set())

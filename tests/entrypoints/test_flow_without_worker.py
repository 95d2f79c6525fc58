"""`ponte serve --no-worker`: what is accepted waits for another process, and a flow that waits is answered all the same."""

from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from cryptography.fernet import Fernet

from entrypoints.composition import commands
from entrypoints.composition.serving import build_server, serving
from entrypoints.settings import read_settings
from tests.entrypoints.fakes import INSTALLATION


@pytest.mark.parametrize("works", [False, True])
async def test_a_flow_is_answered_whether_or_not_this_process_works(tmp_path: Path, works: bool) -> None:
    settings = read_settings(
        {
            "PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db",
            "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
        }
    )
    commands.migrate(settings)
    with serving(settings, works=works) as built:
        await built.database().installations.save(INSTALLATION)
        app = build_server(built)
        transport = httpx.ASGITransport(cast("Any", app))
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://ponte") as http:
            answer = await http.post("/flow/flow-key/segunda-via", json={"cpf": "111.111.111-11"})
        assert (answer.status_code, answer.json()["resultado"]) == (200, "customer_not_found")

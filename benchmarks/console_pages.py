"""What an admin waits for: whole pages of the console over a month of events, from the request to the last byte of HTML."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import httpx
from msgspec import Struct

from benchmarks.bench import Bench
from benchmarks.console_queries import GOAL_S
from benchmarks.notifications import document_of
from benchmarks.rows import Row, median, ms
from benchmarks.stored_events import OURS, StoredEvents
from domain.identifiers import CompanyId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, Installation
from entrypoints.composition.container import Container
from entrypoints.composition.serving import build_server, serving
from entrypoints.doorkeeper import hash_password
from entrypoints.settings import read_settings

OPERATOR, PASSWORD = "bench", "benchmark-password"
ROOM = f"/i/{OURS}"


class Waited(Struct, frozen=True, kw_only=True):
    page: str
    seconds: float


def console_pages(bench: Bench) -> Iterator[Row]:
    with TemporaryDirectory(dir=bench.directory) as home, bench.store.fresh(Path(home)) as url:
        events = StoredEvents(url, bench.size.stored)
        bench.say(f"puts {events.count:,} events in")
        events.fill()
        environ = {"PONTE_DATABASE_URL": url, "PONTE_SECRET_KEYS": events.key.reveal()}
        with serving(read_settings(environ), works=False) as parts:
            waited = asyncio.run(_look(parts, bench.size.installations, 2 * bench.size.rounds + 1))
    for each in waited:
        bench.say(f"{each.page}: {ms(each.seconds)}")
    slowest = max(waited, key=lambda each: each.seconds)
    yield Row(
        what=f"console: a page's HTML over {events.count:,} events, the slowest of {len(waited)} ({slowest.page})",
        figure=ms(slowest.seconds),
        goal=f"≤ {ms(GOAL_S)}",
        met=slowest.seconds <= GOAL_S,
    )


async def _look(parts: Container, installations: int, rounds: int) -> list[Waited]:
    database = parts.database()
    for number in range(installations):
        await database.installations.save(_installation(number))
    await database.operators.add(OPERATOR, hash_password(Secret(value=PASSWORD)))
    app = httpx.ASGITransport(cast("Any", build_server(parts)))
    async with httpx.AsyncClient(transport=app, base_url=parts.settings().public_url) as http:
        csrf = await _enter(http)
        found = await http.post(f"{ROOM}/eventos", data={"_csrf": csrf, "busca": document_of(7)})
        failed = await http.get(f"{ROOM}/eventos?resultado=falhou")
        pages = {
            "home": "/",
            "status": ROOM,
            "status of 30 days": f"{ROOM}?periodo=30d",
            "events": f"{ROOM}/eventos",
            "failed of a week": f"{ROOM}/eventos?resultado=falhou&periodo=7d",
            "events of a document": found.headers["location"],
            "an event": f"{ROOM}/eventos/{_first(failed.text)}",
            "problems": f"{ROOM}/problemas",
            "notices": f"{ROOM}/avisos",
            "changes": f"{ROOM}/historico",
        }
        return [Waited(page=name, seconds=await _time(http, path, rounds)) for name, path in pages.items()]


async def _enter(http: httpx.AsyncClient) -> str:
    door = await http.get("/entrar/operador")
    csrf = _csrf(door.text)
    await http.post("/entrar/operador", data={"_csrf": csrf, "name": OPERATOR, "password": PASSWORD})
    return _csrf((await http.get(f"{ROOM}/eventos")).text)


async def _time(http: httpx.AsyncClient, path: str, rounds: int) -> float:
    waited = []
    for _ in range(rounds):
        began = time.perf_counter()
        (await http.get(path)).raise_for_status()
        waited.append(time.perf_counter() - began)
    return median(waited)


def _csrf(page: str) -> str:
    found = re.search(r'name="_csrf" value="(\w+)"', page)
    assert found is not None
    return found[1]


def _first(page: str) -> str:
    found = re.search(r'id="evento-(\d+)"', page)
    return found[1] if found else "1"


def _installation(number: int) -> Installation:
    return Installation(
        id=InstallationId(OURS if number == 0 else f"other-{number}"),
        company_id=CompanyId(str(1000 + number)),
        name=f"Provedor {number:04}",
        erp=ErpAccess(kind=ErpKind.VOALLE, url="https://erp.example", token=Secret(value="token"), pbx="PBX"),
        huggy_token=Secret(value="token"),
        webhook_key=Secret(value=f"webhook-{number}"),
        flow_api_key=Secret(value=f"flow-{number}"),
    )

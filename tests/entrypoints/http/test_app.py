import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from litestar import get, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, FromQuery
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from adapters.huggy.inbound import parse
from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.journal import MemoryJournal
from adapters.memory.notebook import Notebook
from application.failures import Unavailable
from domain.outcome import Failed, NoOpenBoleto
from entrypoints.http import health
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.metrics import Meters
from tests.entrypoints.fakes import WakeList


@get("/fails/{key:str}")
async def fails(key: FromPath[str]) -> None:
    raise RuntimeError(f"cpf 529.982.247-25 of {key}")


@get("/busy/{key:str}")
async def busy(key: FromPath[str]) -> None:
    raise Unavailable("storage.busy", f"key {key}", retry_after_s=7)


@get("/private/{key:str}")
async def private(key: FromPath[str]) -> None:
    raise NotAuthorizedException(f"wrong {key}")


@post("/number/{key:str}")
async def number(key: FromPath[str], count: FromQuery[int]) -> None: ...


class Shell:
    def __init__(self) -> None:
        self.meters = Meters(CollectorRegistry())
        self.reasons: dict[str, str | Exception | None] = {"banco": None, "fila": None}
        webhook = HuggyWebhook(
            installations=MemoryInstallations(),
            mailbox=MemoryJournal(clock=SetClock(datetime(2026, 11, 23, 12, tzinfo=UTC))),
            engine=WakeList(),
            alerts=Notebook(),
            parse=parse,
            meters=self.meters,
        )
        self.life: list[str] = []
        self.app = build_app(
            AppParts(
                webhook=webhook,
                meters=self.meters,
                ready_checks={name: self._check(name) for name in self.reasons},
                routes=[fails, busy, private, number],
                on_startup=[self._begin],
                on_shutdown=[self._end],
            )
        )
        transport = httpx.ASGITransport(cast("Any", self.app), raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ponte")

    async def _begin(self) -> None:
        self.life.append("begins")

    async def _end(self) -> None:
        self.life.append("ends")

    def _check(self, name: str) -> health.ReadyCheck:
        async def check() -> str | None:
            reason = self.reasons[name]
            if isinstance(reason, Exception):
                raise reason
            return reason

        return check


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    shell = Shell()
    async with shell.http:
        yield shell


async def test_a_process_that_answers_is_alive(shell: Shell) -> None:
    answer = await shell.http.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_every_check_is_fine(shell: Shell) -> None:
    answer = await shell.http.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": {}})


async def test_it_is_not_ready_with_the_reason_of_each_check_that_fails(shell: Shell) -> None:
    shell.reasons = {"banco": "rode `ponte migrate`", "fila": RuntimeError("cpf 529.982.247-25")}
    answer = await shell.http.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["reasons"] == {"banco": "rode `ponte migrate`", "fila": "RuntimeError"}


async def test_a_check_that_hangs_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.0)

    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    _, ready, _ = health.health_routes({"banco": hang}, CollectorRegistry())
    answer = await ready.fn()

    assert answer.status_code == 503
    assert answer.content.reasons == {"banco": "sem resposta a tempo"}


async def test_outcomes_are_counted_by_their_tag(shell: Shell) -> None:
    shell.meters.concluded(NoOpenBoleto())
    shell.meters.concluded(Failed(cause="erp.timeout"))
    answer = await shell.http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'ponte_outcomes_total{outcome="boleto.none_open"} 1.0' in answer.text
    assert 'ponte_outcomes_total{outcome="failed"} 1.0' in answer.text


async def test_each_answer_carries_an_id_the_callers_own_if_it_is_a_plain_one(shell: Shell) -> None:
    fresh = await shell.http.get("/health/live")
    kept = await shell.http.get("/health/live", headers={"x-request-id": "trace-0001"})
    odd = await shell.http.get("/health/live", headers={"x-request-id": "x" * 65})
    webhook = await shell.http.post("/webhooks/huggy/none", headers={"x-request-id": "trace-0002"})

    assert len(fresh.headers["x-request-id"]) == 16
    assert kept.headers["x-request-id"] == "trace-0001"
    assert odd.headers["x-request-id"] != "x" * 65
    assert webhook.headers["x-request-id"] == "trace-0002" == webhook.json()["request_id"]


async def test_a_fault_of_ours_shows_nothing_and_is_logged_under_the_answers_id(shell: Shell) -> None:
    with capture_logs() as logs:
        answer = await shell.http.get("/fails/secret-key")

    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "request_id"}
    assert "secret-key" not in answer.text
    assert "Runtime" not in answer.text
    assert logs[0]["event"] == "request.failed"
    assert logs[0]["route"] == "/fails/{key}"
    assert logs[0]["request_id"] == answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_what_is_unavailable_may_be_tried_again_later(shell: Shell) -> None:
    with capture_logs() as logs:
        answer = await shell.http.get("/busy/secret-key")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "secret-key" not in answer.text + repr(logs)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere/secret-key", 404), ("GET", "/private/secret-key", 401), ("DELETE", "/fails/secret-key", 405)],
)
async def test_a_refusal_is_told_in_our_own_words(shell: Shell, method: str, path: str, status: int) -> None:
    answer = await shell.http.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "request_id"}
    assert "secret-key" not in answer.text


async def test_a_refused_argument_does_not_show_the_path(shell: Shell) -> None:
    answer = await shell.http.post("/number/secret-key?count=many")

    assert answer.status_code == 400
    assert "secret-key" not in answer.text


async def test_what_lives_beside_the_app_begins_and_ends_with_it(shell: Shell) -> None:
    async with shell.app.lifespan():
        assert shell.life == ["begins"]

    assert shell.life == ["begins", "ends"]

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from adapters.huggy.inbound import parse
from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.journal import MemoryJournal
from adapters.memory.notebook import Notebook
from adapters.memory.outages import MemoryOutages
from application import declare_outage
from application.failures import Unavailable
from domain.identifiers import InstallationId, Secret
from domain.outage_scope import DeclaredOutage, OutageId, Source
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.outage_api import BODY_MAX, OutageApi, outage_routes
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.metrics import Meters
from tests.entrypoints.fakes import INSTALLATION, WakeList

NOON = datetime(2026, 11, 23, 15, tzinfo=UTC)
HERE = replace(INSTALLATION, outage_api_key=Secret(value="outage-key-1"))
THERE = replace(
    INSTALLATION,
    id=InstallationId("inst-2"),
    webhook_key=Secret(value="other"),
    outage_api_key=Secret(value="outage-key-2"),
)
ANSWER = dict[str, Any]


class Shell:
    def __init__(self) -> None:
        self.clock = SetClock(NOON)
        self.installations = MemoryInstallations()
        self.outages = MemoryOutages(clock=self.clock)
        meters = Meters(CollectorRegistry())
        webhook = HuggyWebhook(
            installations=self.installations,
            mailbox=MemoryJournal(clock=self.clock),
            engine=WakeList(),
            alerts=Notebook(),
            parse=parse,
            meters=meters,
        )
        api = OutageApi(installations=self.installations, outages=self.outages, clock=self.clock)
        app = build_app(AppParts(webhook=webhook, meters=meters, routes=outage_routes(api)))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False), base_url="http://ponte"
        )

    async def __call__(
        self, method: str, path: str = "", body: object = None, *, key: str = "outage-key-1"
    ) -> httpx.Response:
        given = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.http.request(method, f"/api/outages{path}", headers=headers, **given)

    async def done(self, method: str, path: str = "", body: object = None, status: int = 200) -> ANSWER:
        answer = await self(method, path, body)
        assert answer.status_code == status, answer.text
        told: ANSWER = answer.json()
        return told

    async def refused(self, status: int, method: str, path: str = "", body: object = None) -> ANSWER:
        told = await self.done(method, path, body, status)
        assert len(told["request_id"]) == 16
        assert told["error"].endswith(".")
        return told


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    shell = Shell()
    await shell.installations.save(HERE)
    await shell.installations.save(THERE)
    async with shell.http:
        yield shell


async def test_an_outage_is_opened_listed_corrected_and_closed(shell: Shell) -> None:
    body = {"scope": "district=Centro", "predicted": "18:30", "cause": "fibra", "protocol": 77}
    opened = await shell.done("POST", body=body, status=201)
    outage = opened["outage"]
    assert (outage["state"], outage["source"], outage["protocol"]) == ("open", "api", "77")
    assert opened["message_enabled"] is False
    assert (await shell.done("GET"))["outages"] == [outage]

    corrected = await shell.done("PATCH", f"/{outage['id']}", {"predicted": None})
    assert corrected["outage"]["predicted_at"] is None
    assert corrected["outage"]["cause"] == "fibra"
    closed = (await shell.done("POST", f"/{outage['id']}/close"))["outage"]
    assert closed["state"] == "ended"
    assert (await shell.done("GET"))["outages"] == []
    assert (await shell.done("GET", "?all=true"))["outages"] == [closed]


async def test_the_same_request_sent_twice_under_the_callers_own_id_opens_one_outage(shell: Shell) -> None:
    for _ in range(2):
        told = await shell.done("POST", body={"id": "zabbix-4711", "scope": "all"}, status=201)
        assert told["outage"]["id"] == "zabbix-4711"
    assert len((await shell.done("GET"))["outages"]) == 1


async def test_each_key_opens_and_sees_the_outages_of_its_own_installation(shell: Shell) -> None:
    outage = (await shell.done("POST", body={"scope": "all"}, status=201))["outage"]
    assert (await shell("GET", key="outage-key-2")).json() == {"outages": []}
    answer = await shell("POST", f"/{outage['id']}/close", key="outage-key-2")
    assert (answer.status_code, answer.json()["error"]) == (404, "Não existe essa falha; veja a lista.")


@pytest.mark.parametrize("key", ["", "wrong", " ", "webhook-key", "flow-key"])
async def test_without_the_key_nothing_is_done_and_the_way_to_it_is_told(shell: Shell, key: str) -> None:
    answer = await shell("POST", body={"scope": "all"}, key=key)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer CHAVE" in answer.json()["error"]
    assert (await shell.done("GET"))["outages"] == []


async def test_an_installation_without_a_key_is_reached_by_none(shell: Shell) -> None:
    await shell.installations.save(replace(INSTALLATION, outage_api_key=Secret(value="")))
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Basic x"}):
        assert (await shell.http.get("/api/outages", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "scope", "scope: diga o que a falha atinge"),
        ({"scope": "bairros"}, "scope", "scope: use all"),
        ({"scope": ["all"]}, "scope", "scope: deve ser um texto"),
        ({"scope": "all", "predicted": 18}, "predicted", "predicted: deve ser um texto"),
        ({"scope": "all", "protocol": True}, "protocol", "protocol: deve ser um texto"),
        ({"scope": "all", "predicted": "ontem"}, "predicted", 'predicted: use "18:30"'),
        ({"scope": "all", "expires": "ontem"}, "expires", 'expires: use "18:30"'),
        ({"scope": "all", "id": "erp-1"}, "id", "id: use até 64 letras"),
        ({"scope": "all", "id": 7}, "id", "id: use até 64 letras"),
    ],
)
async def test_a_wrong_field_is_named_with_what_it_may_be(shell: Shell, body: ANSWER, field: str, words: str) -> None:
    told = await shell.refused(400, "POST", body=body)
    assert told["field"] == field
    assert told["error"].startswith(words)


async def test_a_field_that_there_is_not_is_told_so_that_a_slip_does_not_pass(shell: Shell) -> None:
    told = await shell.refused(400, "POST", body={"scope": "all", "previsao": "18:30"})
    assert told["error"].startswith("Não existe o campo 'previsao'; existem: scope, predicted,")


@pytest.mark.parametrize("body", [b"[]", b"{", b"scope=all", b"\xff", b"[" * 100_000])
async def test_what_is_no_object_is_answered_with_an_example(shell: Shell, body: bytes) -> None:
    assert '{"scope": "all", "predicted": "18:30"}' in (await shell.refused(400, "POST", body=body))["error"]


async def test_a_body_has_its_bound(shell: Shell) -> None:
    await shell.refused(413, "POST", body=b" " * (BODY_MAX + 1))


async def test_what_has_ended_or_is_the_erps_can_not_be_corrected(shell: Shell) -> None:
    outage = (await shell.done("POST", body={"scope": "all"}, status=201))["outage"]

    def told_by_erp(kept: DeclaredOutage | None) -> DeclaredOutage | None:
        return kept and replace(kept, source=Source.ERP)

    await shell.outages.change(HERE.id, OutageId(outage["id"]), told_by_erp)
    assert "é o ERP" in (await shell.refused(409, "PATCH", f"/{outage['id']}", {"cause": "x"}))["error"]
    await shell.done("POST", f"/{outage['id']}/close")
    other = (await shell.done("POST", body={"scope": "all"}, status=201))["outage"]
    await shell.done("POST", f"/{other['id']}/close")
    assert "já foi encerrada" in (await shell.refused(409, "PATCH", f"/{other['id']}"))["error"]


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("DELETE", "/o-1"), ("PUT", "/o-1")])
async def test_another_method_is_answered_with_those_there_are(shell: Shell, method: str, path: str) -> None:
    assert "PATCH /api/outages/{id} para corrigir" in (await shell.refused(405, method, path))["error"]


async def test_while_the_database_is_away_the_caller_is_told_to_come_again(shell: Shell) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("storage.failed", retry_after_s=1)

    shell.outages.change = away  # type: ignore[method-assign]
    answer = await shell("POST", body={"scope": "all"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_monitoring_gone_wild_is_told_to_stop(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare_outage, "AT_ONCE_MAX", 3)
    answers = [(await shell("POST", body={"scope": "all"})).status_code for _ in range(4)]
    assert answers == [201, 201, 201, 429]

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from adapters.huggy.flow_request import read_request
from adapters.huggy.inbound import parse
from adapters.messages.catalog import read_catalog
from application.answer_flow import AnswerFlow
from application.failures import Unavailable
from domain.flow_answer import KEYS, FlowOperation
from domain.identifiers import Secret
from domain.installation import Installation
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.flow_api import BODY_MAX, FlowApi, flow_routes
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.metrics import Meters
from entrypoints.work_loop import WorkLoop
from tests.application.office import CPF, Office
from tests.domain.builders import customer
from tests.entrypoints.fakes import WakeList

KEY = "flow-key-of-a-provider"


class Shell(Office):
    """The flow API as the outside sees it, over memory."""

    def __init__(self) -> None:
        super().__init__()
        self.installation = replace(self.installation, flow_api_key=Secret(value=KEY))
        self.world.add(customer())
        self.registry = CollectorRegistry()
        self.work_loop = WorkLoop()
        render = read_catalog().render
        meters = Meters(self.registry)
        answer = AnswerFlow(
            journal=self.journal, conclude=self.conclude, clock=self.clock, observer=self.notebook, render=render
        )
        api = FlowApi(
            installations=self.installations,
            answer=answer,
            work_loop=self.work_loop,
            read=read_request,
            render=render,
            meters=meters,
        )
        webhook = HuggyWebhook(
            installations=self.installations,
            mailbox=self.journal,
            engine=WakeList(),
            alerts=self.notebook,
            parse=parse,
            meters=meters,
        )
        app = build_app(AppParts(webhook=webhook, meters=meters, routes=flow_routes(api)))
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ponte")

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    shell = Shell()
    await shell.installations.save(shell.installation)
    shell.work_loop.begin()
    async with shell.http:
        yield shell


async def ask(shell: Shell, operation: str = "consultar-cliente", key: str = KEY, **sent: Any) -> httpx.Response:
    return await shell.http.post(f"/flow/{key}/{operation}", **(sent or {"json": {"cpf": CPF, "chatID": "7"}}))


async def test_an_answer_is_a_flat_object_of_texts(shell: Shell) -> None:
    answer = await ask(shell)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert list(told)[:3] == ["resultado", "mensagem", "motivo"]
    assert told["resultado"] == "customer_found"
    assert all(isinstance(value, str) for value in told.values())
    labels = {"operation": "consultar-cliente", "result": "customer_found"}
    assert shell.count("ponte_flow_answers_total", **labels) == 1


@pytest.mark.parametrize("operation", FlowOperation)
async def test_every_operation_answers(shell: Shell, operation: str) -> None:
    told = (await ask(shell, operation)).json()
    assert told["resultado"]
    assert told["mensagem"]


@pytest.mark.parametrize(
    "sent",
    [
        {"json": [{"chave": "cpf_cnpj", "valor": CPF}]},
        {"data": {"cpf": CPF}},
        {"params": {"cpf": CPF}},
        {"content": f'\ufeff{{"documento": "{CPF}"}}'.encode(), "headers": {"content-type": "text/plain"}},
    ],
)
async def test_a_request_may_have_any_reasonable_shape(shell: Shell, sent: dict[str, Any]) -> None:
    assert (await ask(shell, **sent)).json()["resultado"] == "customer_found"


@pytest.mark.parametrize(
    "sent", [{"json": {}}, {"json": {"cpf": "{{cpf}}"}}, {"json": {"cpf": "abc"}}, {"content": b""}]
)
async def test_a_missing_document_is_a_business_answer(shell: Shell, sent: dict[str, Any]) -> None:
    answer = await ask(shell, **sent)
    assert (answer.status_code, answer.json()["resultado"]) == (200, "customer_not_found")


@pytest.mark.parametrize("body", [b"oi", b'{"cpf": "52', b"[" * 100_000, b"\xff\xfe\xff"])
async def test_what_can_not_be_read_leads_to_the_auxiliary_flow_and_says_what_to_do(shell: Shell, body: bytes) -> None:
    answer = await ask(shell, content=body)
    told = answer.json()
    assert (answer.status_code, told["resultado"]) == (400, "auxiliary")
    assert told["mensagem"] == "Não consegui concluir o seu pedido por aqui agora."
    assert "JSON" in told["erro"]
    assert {key.name for key in KEYS[FlowOperation.LOOK_UP] if "{n}" not in key.name} <= told.keys()
    assert shell.count("ponte_flow_refused_total", reason="not_understood") == 1


@pytest.mark.parametrize(
    ("operation", "key"), [("consultar-cliente", "wrong"), ("dancar-samba", KEY), ("consultar-cliente", "webhook-key")]
)
async def test_an_unknown_address_is_not_found(shell: Shell, operation: str, key: str) -> None:
    answer = await ask(shell, operation, key)
    assert (answer.status_code, answer.json()["resultado"]) == (404, "auxiliary")
    assert "falha-massiva" in answer.json()["erro"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_beyond_the_limit_is_refused(shell: Shell, declared: bool) -> None:
    body = b'{"cpf": "' + b" " * BODY_MAX + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    answer = await ask(shell, content=body if declared else in_pieces())
    assert (answer.status_code, answer.json()["resultado"]) == (413, "auxiliary")
    assert "256 KiB" in answer.json()["erro"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_who_opens_the_address_in_a_browser_is_told_what_it_is_for(shell: Shell, method: str) -> None:
    answer = await shell.http.request(method, f"/flow/{KEY}/segunda-via")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "Enviar requisição" in answer.json()["erro"]
    assert KEY not in answer.text


async def test_our_own_failures_are_the_auxiliary_flow_with_status_200(shell: Shell) -> None:
    shell.work_loop.end()
    answer = await ask(shell)
    assert (answer.status_code, answer.json()["resultado"]) == (200, "auxiliary")
    assert answer.json()["motivo"] == "ponte.not_running"


@pytest.mark.parametrize(
    ("failure", "reason"), [(Unavailable("storage.failed"), "storage.failed"), (ValueError(CPF), "ponte.fault")]
)
async def test_even_a_key_that_can_not_be_looked_up_leads_to_the_auxiliary_flow(
    shell: Shell, failure: Exception, reason: str
) -> None:
    async def fail(key: str) -> Installation | None:
        raise failure

    shell.installations.by_flow_key = fail  # type: ignore[method-assign]
    with capture_logs() as logs:
        answer = await ask(shell)
    assert answer.status_code == 200
    assert (answer.json()["resultado"], answer.json()["motivo"]) == ("auxiliary", reason)
    assert len(logs) == 1
    assert KEY not in repr(logs)
    assert CPF not in answer.text


async def test_no_key_and_no_document_reach_a_log(shell: Shell) -> None:
    with capture_logs() as logs:
        await ask(shell)
        await ask(shell, content=b"oi")
        await ask(shell, key="wrong-key")
        await ask(shell, "dancar-samba")
    assert KEY not in repr(logs)
    assert "wrong-key" not in repr(logs)
    assert CPF not in repr(logs)

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
import uvicorn
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from adapters.huggy.inbound import parse
from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.journal import MemoryJournal
from adapters.memory.notebook import Notebook
from adapters.memory.notices import MemoryNotices, MemoryProblems
from adapters.notices.alerts import CountedAlerts
from application.ports import Alerts, Arrival, Engine, Lane, Mailbox, Receipt
from domain.identifiers import ChatId, InstallationId, Secret
from domain.installation import Policies
from entrypoints.http.app import AppParts, build_app
from entrypoints.http.webhooks import BODY_MAX, HuggyWebhook
from entrypoints.metrics import Meters
from tests.entrypoints.fakes import INSTALLATION, FullMailbox, WakeList

PATH = "/webhooks/huggy/webhook-key"


class Shell:
    """The webhook as the outside sees it, over memory."""

    def __init__(self) -> None:
        self.clock = SetClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
        self.installations = MemoryInstallations()
        self.journal = MemoryJournal(clock=self.clock)
        self.engine = WakeList()
        self.notebook = Notebook()
        self.registry = CollectorRegistry()

    async def serving(
        self, mailbox: Mailbox | None = None, engine: Engine | None = None, alerts: Alerts | None = None
    ) -> httpx.AsyncClient:
        meters = Meters(self.registry)
        webhook = HuggyWebhook(
            installations=self.installations,
            mailbox=mailbox or self.journal,
            engine=engine or self.engine,
            alerts=alerts or self.notebook,
            parse=parse,
            meters=meters,
        )
        await self.installations.save(INSTALLATION)
        self.app = build_app(AppParts(webhook=webhook, meters=meters))
        return httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", self.app)), base_url="http://ponte")

    async def pin(self, token: str) -> None:
        await self.installations.pin_webhook_token(INSTALLATION.id, token)

    async def pinned(self) -> Secret | None:
        installation = await self.installations.get(INSTALLATION.id)
        return installation.webhook_token if installation else None

    async def waiting(self) -> list[Lane]:
        return list(await self.journal.unfinished())

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
async def http(shell: Shell) -> AsyncIterator[httpx.AsyncClient]:
    async with await shell.serving() as http:
        yield http


def item(number: int = 1, *, chat: int = 55501, company: int = 1001, event: str = "2_VIA_BOLETO") -> dict[str, Any]:
    return {
        "id": f"n-{number}",
        "event": event,
        "company": {"id": company},
        "chat": {"id": chat, "channel": "whatsapp", "situation": "auto", "customer": {"id": "c-1"}},
        "data": {"cpf_cnpj": "529.982.247-25", "CONTRATO": "20743"},
    }


def envelope(*items: dict[str, Any], token: str | None = None, name: str = "notifyApp") -> dict[str, Any]:
    signed = {} if token is None else {"token": token}
    return {"time": 1785950000, **signed, "messages": {name: list(items)}}


async def test_a_delivery_is_kept_and_its_chat_woken(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=envelope(item()))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "duplicates": 0, "ignored": 0})
    assert shell.engine.woken == [Lane(installation_id=INSTALLATION.id, chat_id=ChatId("55501"))]
    assert await shell.waiting() == shell.engine.woken
    assert shell.count("ponte_notifications_accepted_total") == 1


async def test_put_is_accepted_like_post(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.put(PATH, json=envelope(item()))

    assert answer.json()["accepted"] == 1


async def test_a_slash_at_the_end_does_not_matter(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{PATH}/", json=envelope(item()))

    assert answer.json()["accepted"] == 1


async def test_a_second_delivery_is_a_duplicate_and_changes_nothing(shell: Shell, http: httpx.AsyncClient) -> None:
    await http.post(PATH, json=envelope(item()))
    answer = await http.post(PATH, json=envelope(item()))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 1, "ignored": 0})
    assert len(shell.engine.woken) == 1
    assert shell.count("ponte_notifications_duplicate_total") == 1


async def test_all_items_of_a_delivery_are_taken_and_each_chat_woken_once(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    answer = await http.post(PATH, json=envelope(item(1, chat=1), item(2, chat=2), item(3, chat=1)))

    assert answer.json()["accepted"] == 3
    assert [lane.chat_id for lane in shell.engine.woken] == ["1", "2"]


async def test_a_form_is_understood_too(shell: Shell, http: httpx.AsyncClient) -> None:
    form = {"event": "CONSULTAR_CLIENTE", "chatID": "55501", "cpf": "52998224725"}
    answer = await http.post(PATH, data=form)

    assert answer.json()["accepted"] == 1


async def test_the_installations_own_window_bounds_duplicates_without_id_and_time(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    await shell.installations.save(replace(INSTALLATION, policies=Policies(dedupe_window_s=7)))
    form = {"event": "CONSULTAR_CLIENTE", "chatID": "55501", "cpf": "52998224725"}
    answers = []
    for seconds in (0, 6.9, 0.1):
        shell.clock.advance(seconds)
        answers.append((await http.post(PATH, data=form)).json()["accepted"])

    assert answers == [1, 0, 1]


async def test_what_is_not_understood_is_kept_counted_and_acknowledged(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=envelope(item(event="ALGO_NOVO")))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 0, "ignored": 1})
    ((_, reason, _),) = shell.journal.unknown
    assert shell.count("ponte_notifications_ignored_total", reason=reason) == 1


async def test_what_is_not_understood_is_told_with_the_reason_once_for_each_and_nothing_of_its_content(
    shell: Shell,
) -> None:
    alerts = CountedAlerts(shell.clock)
    with capture_logs() as logs:
        async with await shell.serving(alerts=alerts) as http:
            await http.post(PATH, json=envelope(item(event="ALGO_NOVO"), item(2), item(3, event="OUTRO")))
            await http.post(PATH, json=envelope(item(4, company=2002)))
    problems = MemoryProblems(MemoryNotices())
    await alerts.write(problems)

    (problem,) = await problems.open()
    assert (problem.installation_id, problem.cause, problem.occurrences) == (INSTALLATION.id, "huggy.not_understood", 3)
    (line,) = (line for line in logs if line["event"] == "alert")
    assert (line["log_level"], line["detail"]) == ("warning", "event_unknown")
    assert "ALGO_NOVO" not in str(logs)
    assert "529" not in str(logs)


async def test_what_is_understood_and_what_is_expected_alerts_nobody(shell: Shell, http: httpx.AsyncClient) -> None:
    await http.post(PATH, json=envelope(item()))
    await http.post(PATH, json=envelope({"id": 1, "company": {"id": 1001}}, name="startedChat"))

    assert shell.notebook.alerts == []


async def test_known_events_that_ask_nothing_are_counted_and_not_kept(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=envelope({"id": 1, "company": {"id": 1001}}, name="startedChat"))

    assert answer.json()["ignored"] == 1
    assert shell.journal.unknown == {}


async def test_a_notification_of_another_company_is_ignored_and_kept_without_its_content(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    answer = await http.post(PATH, json=envelope(item(company=2002)))

    assert answer.json() == {"accepted": 0, "duplicates": 0, "ignored": 1}
    assert await shell.waiting() == []
    assert shell.journal.unknown == {(INSTALLATION.id, "other_company", "boleto_requested"): (1, b"")}


async def test_an_installation_that_is_paused_or_not_ready_still_accepts(shell: Shell, http: httpx.AsyncClient) -> None:
    await shell.installations.save(replace(INSTALLATION, flows={}, policies=Policies(paused=True)))
    answer = await http.post(PATH, json=envelope(item()))

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize("path", ["/webhooks/huggy/other-key", "/webhooks/huggy", "/webhooks/huggy/webhook-key/more"])
async def test_an_unknown_key_is_not_found_before_the_body_is_looked_at(
    shell: Shell, http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.post(path, content=b"\xff")

    assert answer.status_code == 404
    assert shell.count("ponte_webhook_refused_total", reason="unknown_key") == 1


async def test_a_body_that_is_neither_json_nor_a_form_is_refused(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, content=b"\xff\xfe\x00", headers={"content-type": "application/json"})

    assert answer.status_code == 400


async def test_another_method_is_refused_with_the_ones_that_are_allowed(shell: Shell, http: httpx.AsyncClient) -> None:
    for answer in (await http.delete(PATH), await http.get(PATH)):
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, PUT")


# --- the handshake and the pinned token


async def test_the_handshake_gets_its_token_back_and_pins_it(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json={"token": "380c4e73", "validToken": True})

    assert (answer.status_code, answer.text) == (200, "380c4e73")
    assert answer.headers["content-type"].startswith("text/plain")
    assert await shell.pinned() == Secret(value="380c4e73")


async def test_the_handshake_works_by_get_too(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH, params={"token": "380c4e73"})

    assert (answer.status_code, answer.text) == (200, "380c4e73")
    assert await shell.pinned() == Secret(value="380c4e73")


async def test_the_same_handshake_again_is_fine(shell: Shell, http: httpx.AsyncClient) -> None:
    await shell.pin("380c4e73")
    answer = await http.post(PATH, json={"token": "380c4e73", "validToken": True})

    assert (answer.status_code, answer.text) == (200, "380c4e73")


async def test_another_handshake_cannot_replace_the_pinned_token(shell: Shell, http: httpx.AsyncClient) -> None:
    await shell.pin("380c4e73")

    assert (await http.post(PATH, json={"token": "other", "validToken": True})).status_code == 401
    assert (await http.get(PATH, params={"token": "other"})).status_code == 401
    assert await shell.pinned() == Secret(value="380c4e73")


async def test_a_token_that_is_not_the_pinned_one_is_told_to_the_people_and_not_to_the_caller(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    await shell.pin("380c4e73")
    answers = [
        await http.post(PATH, json={"token": "r3newed", "validToken": True}),
        await http.get(PATH, params={"token": "r3newed"}),
        await http.post(PATH, json=envelope(item(), token="r3newed")),
    ]

    assert shell.notebook.alerts == ["huggy.webhook_token"] * 3
    for answer in answers:
        assert (answer.status_code, set(answer.json())) == (401, {"error", "request_id"})
        assert "380c4e73" not in answer.text
        assert "r3newed" not in answer.text


async def test_whoever_has_no_key_alerts_nobody(shell: Shell, http: httpx.AsyncClient) -> None:
    await shell.pin("380c4e73")
    await http.post("/webhooks/huggy/other-key", json=envelope(item(), token="other"))

    assert shell.notebook.alerts == []


async def test_after_the_pinned_token_was_forgotten_the_next_handshake_pins_its_own(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    await shell.pin("380c4e73")
    await shell.installations.change(INSTALLATION.id, lambda each: replace(each, webhook_token=None))
    answer = await http.post(PATH, json={"token": "r3newed", "validToken": True})

    assert (answer.status_code, answer.text) == (200, "r3newed")
    assert await shell.pinned() == Secret(value="r3newed")
    assert (await http.post(PATH, json=envelope(item(), token="r3newed"))).json()["accepted"] == 1
    assert (await http.post(PATH, json=envelope(item(2), token="380c4e73"))).status_code == 401


@pytest.mark.parametrize("token", ["", "x" * 257, "a\nb"])
async def test_a_token_that_is_none_is_not_pinned(shell: Shell, http: httpx.AsyncClient, token: str) -> None:
    answer = await http.get(PATH, params={"token": token})

    assert answer.status_code in {400, 405}
    assert await shell.pinned() is None


async def test_a_delivery_with_the_pinned_token_is_taken(shell: Shell, http: httpx.AsyncClient) -> None:
    await shell.pin("380c4e73")
    answer = await http.post(PATH, json=envelope(item(), token="380c4e73"))

    assert answer.json()["accepted"] == 1
    assert shell.notebook.alerts == []


async def test_a_delivery_with_another_token_is_refused_and_nothing_of_it_kept(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    await shell.pin("380c4e73")
    answer = await http.post(PATH, json=envelope(item(), item(2, event="ALGO_NOVO"), token="other"))

    assert answer.status_code == 401
    assert await shell.waiting() == []
    assert shell.journal.unknown == {}


async def test_a_shape_that_carries_no_token_is_taken_although_one_is_pinned(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    await shell.pin("380c4e73")
    answer = await http.post(PATH, json=item())

    assert answer.json()["accepted"] == 1


async def test_before_the_handshake_any_token_is_taken_and_none_pinned(shell: Shell, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=envelope(item(), token="380c4e73"))

    assert answer.json()["accepted"] == 1
    assert await shell.pinned() is None


# --- bounds and failures


async def test_a_body_of_the_greatest_size_is_read_and_one_byte_more_is_refused(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    body = json.dumps(envelope(item())).encode()

    largest = await http.post(PATH, content=body.ljust(BODY_MAX))
    beyond = await http.post(PATH, content=body.ljust(BODY_MAX + 1))

    assert (largest.status_code, beyond.status_code) == (200, 413)


async def test_reading_a_body_of_unknown_length_stops_at_the_bound(shell: Shell, http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    answer = await http.post(PATH, content=endless())

    assert answer.status_code == 413
    assert sent <= BODY_MAX + 2 * 65536


async def test_over_a_real_connection_an_oversized_caller_gets_to_read_its_refusal(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    config = uvicorn.Config(shell.app, port=0, log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as socket:
        declared = await socket.post(PATH, content=b" " * (64 * 65536))
        chunked = await socket.post(PATH, content=chunks())
    await server.shutdown()

    assert (declared.status_code, chunked.status_code) == (413, 413)


async def test_a_caller_that_hangs_up_midway_gets_no_answer_and_leaves_nothing(
    shell: Shell, http: httpx.AsyncClient
) -> None:
    events = iter([{"type": "http.request", "body": b'{"eve', "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await shell.app(scope, receive, send)  # type: ignore[arg-type]

    assert sent == []
    assert await shell.waiting() == []


async def test_what_cannot_be_stored_is_not_acknowledged(shell: Shell) -> None:
    async with await shell.serving(mailbox=FullMailbox(clock=shell.clock)) as http:
        answer = await http.post(PATH, json=envelope(item()))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert shell.engine.woken == []
    assert "storage" not in answer.text


async def test_a_fault_of_ours_is_answered_and_logged_without_showing_anything(shell: Shell) -> None:
    class Faulty(MemoryJournal):
        async def accept(
            self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float
        ) -> Receipt:
            raise RuntimeError("cpf 529.982.247-25")

    with capture_logs() as logs:
        async with await shell.serving(mailbox=Faulty(clock=shell.clock)) as http:
            answer = await http.post(PATH, json=envelope(item()))

    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "request_id"}
    assert (logs[0]["event"], logs[0]["request_id"]) == ("request.failed", answer.headers["x-request-id"])
    assert "webhook-key" not in repr({**logs[0], "exc_info": None})
    assert shell.engine.woken == []


async def test_its_answers_carry_the_headers_of_all_answers(shell: Shell, http: httpx.AsyncClient) -> None:
    ours, others = await http.post(PATH, json=envelope(item())), await http.get("/health/live")

    for name in ("x-content-type-options", "referrer-policy"):
        assert ours.headers[name] == others.headers[name]
    assert ours.headers["x-request-id"] != others.headers["x-request-id"]


async def test_a_chat_is_woken_only_once_its_notification_is_durable(shell: Shell) -> None:
    happened: list[str] = []

    class SlowDisk(MemoryJournal):
        async def accept(
            self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float
        ) -> Receipt:
            await asyncio.sleep(0)
            receipt = await super().accept(installation_id, arrivals, window_s=window_s)
            happened.append("durable")
            return receipt

    class Doorbell:
        def wake(self, lane: Lane) -> None:
            happened.append("woken")

    async with await shell.serving(mailbox=SlowDisk(clock=shell.clock), engine=Doorbell()) as http:
        await http.post(PATH, json=envelope(item()))

    assert happened == ["durable", "woken"]


async def test_an_answer_never_repeats_the_key(shell: Shell, http: httpx.AsyncClient) -> None:
    for answer in (
        await http.post("/webhooks/huggy/secret-looking-key", content=b"{}"),
        await http.post(PATH, content=b"\xff"),
    ):
        assert "key" not in answer.text
        assert "key" not in str(answer.headers)

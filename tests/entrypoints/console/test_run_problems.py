"""Problems by cause: what is shown, hushing one, and sending again everything that failed for it."""

import asyncio
import re
from datetime import timedelta

import httpx
import pytest

from domain.notification import NotForUs
from domain.problem import Occurrences, Problem
from tests.contracts.journal import NOON
from tests.entrypoints.console.running import HERE, ROOM, TIMEOUT, Running, lookup, texts


async def problem(running: Running) -> Problem:
    (only,) = await running.database.problems.of(HERE)
    return only


async def counted(running: Running, cause: str = "erp.timeout", count: int = 31) -> None:
    await running.database.problems.count(
        [Occurrences(installation_id=HERE, cause=cause, count=count, first_at=NOON, last_at=running.clock.now())]
    )


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1]


async def resend(running: Running, cause: str = "erp.timeout", **fields: str) -> httpx.Response:
    """As the form of that cause sends it, a minute after the page was shown."""
    page = await running.get("problemas")
    shown = {"cause": cause, "since": hidden(page, "since"), "seen": hidden(page, "seen")}
    assert f'action="{ROOM}/problemas/reenviar"' in page.text
    running.clock.advance(60)
    return await running.post("problemas/reenviar", **{**shown, **fields})


async def finish(running: Running) -> None:
    await running.resend_failed._runs[HERE]


async def test_each_cause_says_what_it_is_what_to_do_how_often_and_since_when(running: Running) -> None:
    await running.enter()
    await counted(running)
    await running.failed("n-1")
    running.clock.advance(120)
    page = await running.get("problemas")

    words = texts(page)
    assert "O ERP demorou demais para responder Acontecendo" in words
    assert "O que fazer: Veja com o suporte do ERP" in words
    assert "31 vezes, desde 23/11/2026 12:00:00; a última há 2 min" in words
    assert f'href="{ROOM}/eventos?resultado=falhou&amp;causa=erp.timeout"' in page.text


async def test_what_is_over_is_told_apart_and_what_is_only_found_among_the_events_too(running: Running) -> None:
    await running.enter()
    await counted(running, count=2)
    before = await problem(running)
    over = Problem(installation_id=HERE, cause="erp.timeout", occurrences=2, first_at=NOON, last_at=NOON, over_at=NOON)
    assert await running.database.problems.settle(before, over, None)
    await running.failed("n-1")
    words = texts(await running.get("problemas"))
    assert "Nenhum problema agora." in words
    assert "Já passaram O ERP demorou demais para responder Passou" in words


async def test_nothing_at_all_is_said_kindly(running: Running) -> None:
    await running.enter()
    page = await running.get("problemas")
    assert "Nenhum problema agora." in page.text
    assert "Reenviar" not in page.text


async def test_a_cause_is_hushed_for_a_while_and_heard_again(running: Running) -> None:
    await running.enter()
    await counted(running)
    page = await running.follow(await running.post("problemas/silenciar", cause="erp.timeout", por="8h"))
    assert (await problem(running)).muted_until == running.clock.now() + timedelta(hours=8)
    assert "Sem e-mails até 23/11/2026 20:00:00" in texts(page)
    await running.post("problemas/silenciar", cause="erp.timeout", por="")
    assert (await problem(running)).muted_until is None
    notes = [note.what for note in await running.database.audit.recent(HERE)]
    assert notes == ["Voltou a avisar", "Silenciou avisos"]


@pytest.mark.parametrize(("fields", "status"), [({"por": "9y"}, 422), ({"cause": "never.was", "por": "1h"}, 303)])
async def test_what_cannot_be_hushed_changes_nothing(running: Running, fields: dict[str, str], status: int) -> None:
    await running.enter()
    await counted(running)
    answer = await running.post("problemas/silenciar", **{"cause": "erp.timeout", **fields})
    assert answer.status_code == status
    assert (await problem(running)).muted_until is None
    assert await running.database.audit.recent(HERE) == []


async def test_all_that_failed_for_a_cause_is_sent_again_in_the_background_with_progress(running: Running) -> None:
    await running.enter()
    for number in range(4):
        await running.failed(f"n-{number}", chat=str(number))
    await running.found("n-9")
    answer = await resend(running)
    assert answer.headers["location"] == f"{ROOM}/problemas#reenvio"
    going_on = await running.get("problemas/reenvio")
    assert 'hx-trigger="every 2s"' in going_on.text
    await finish(running)

    done = await running.get("problemas/reenvio")
    assert "Reenvio concluído" in done.text
    assert "4 de 4 eventos" in done.text
    assert "hx-trigger" not in done.text
    assert len((await running.history.events(HERE)).rows) == 9
    (note,) = await running.database.audit.recent(HERE)
    assert (note.what, note.details["eventos"]) == ("Reenviou eventos que falharam", "4")


async def test_what_failed_before_is_left_alone(running: Running) -> None:
    await running.enter()
    await running.failed("n-1")
    running.clock.advance(3600)
    await running.failed("n-2")
    await resend(running, since="2026-11-23T12:30")
    await finish(running)
    assert "1 de 1 eventos" in (await running.get("problemas")).text


async def test_writes_are_asked_about_first_and_may_be_left_out(running: Running) -> None:
    await running.enter()
    await running.failed("n-1", chat="1")
    await running.failed_ticket("n-2", chat="2")
    asked = await resend(running)
    assert asked.status_code == 200
    assert "1 destes pedidos grava no ERP" in texts(asked)
    assert running.woken == []

    answers = {"cause": "erp.timeout", "since": hidden(asked, "since"), "seen": hidden(asked, "seen")}
    await running.post("problemas/reenviar", **answers, modo="consultas")
    await finish(running)
    kinds = [row.kind for row in (await running.history.events(HERE)).rows]
    assert kinds.count("customer_lookup") == 2
    assert kinds.count("ticket_requested") == 1

    await running.post("problemas/reenviar", **answers, modo="tudo")
    await finish(running)
    kinds = [row.kind for row in (await running.history.events(HERE)).rows]
    assert kinds.count("ticket_requested") == 2


async def test_a_cause_that_goes_on_stops_it_and_that_is_said(running: Running) -> None:
    await running.enter()
    for number in range(12):
        await running.failed(f"n-{number}", chat=str(number))

    async def fails(_: float) -> None:
        await running.work(TIMEOUT)

    running.resend_failed._sleep = fails
    await resend(running)
    await finish(running)
    page = texts(await running.get("problemas"))
    assert "Reenvio interrompido" in page
    assert "5 falharam de novo" in page


@pytest.mark.parametrize(
    "fields", [{"since": ""}, {"since": "ontem"}, {"seen": "x"}, {"modo": "x"}, {"since": "99999-01-01T00:00"}]
)
async def test_without_a_moment_nothing_is_sent(running: Running, fields: dict[str, str]) -> None:
    await running.enter()
    await running.failed("n-1")
    answer = await resend(running, **fields)
    assert answer.status_code == 422
    assert "Informe desde quando" in answer.text
    assert running.woken == []


async def test_a_second_run_waits_for_the_first(running: Running) -> None:
    await running.enter()
    await running.failed("n-1")
    asked_again = asyncio.Event()

    async def goes_on(_: float) -> None:
        await asked_again.wait()
        await running.work()

    running.resend_failed._sleep = goes_on
    await resend(running)
    answer = await resend(running, since="2026-11-23T11:00")
    assert "Outro reenvio está em andamento" in (await running.follow(answer)).text
    asked_again.set()
    await finish(running)


async def test_what_was_not_understood_stands_there_with_its_masked_sample(running: Running) -> None:
    await running.enter()
    what = NotForUs(reason="event_unknown", event="<b>2 via</b>")
    await running.journal.keep_unknown(HERE, what, b'{"cpf":"999.999.999-99"}')
    await running.journal.keep_unknown(HERE, what, b"{}")
    page = await running.get("problemas")
    assert "&lt;b&gt;2 via&lt;/b&gt;" in page.text
    assert "não é nenhum dos que o Ponte conhece" in page.text
    assert "999.999.999-99" in page.text


async def test_the_way_from_a_problem_to_its_events(running: Running) -> None:
    await running.enter()
    await running.failed("n-1", chat="55501")
    await running.end(await running.accept(lookup("n-2", chat="55502")))
    link = re.search(r'href="([^"]*causa=[^"]*)"', (await running.get("problemas")).text)
    assert link is not None
    events = await running.browser.get(link[1].replace("&amp;", "&"))
    assert "55501" in events.text
    assert "55502" not in events.text
    assert "O ERP demorou demais para responder" in events.text

"""The list of events: what it shows, how it is narrowed, and that a document never stands in an address."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.entrypoints.console.running import (
    CPF,
    ROOM,
    Running,
    boleto,
    lookup,
    opened,
    texts,
    ticket,
)

OTHER_CPF = "111.444.777-35"


def rows(page: httpx.Response) -> list[str]:
    """Each as its words, the newest first."""
    found = re.findall(r'<tr id="evento-\d+">(.*?)</tr>', page.text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


async def search(running: Running, typed: str) -> httpx.Response:
    answer = await running.post("eventos", busca=typed)
    return await running.follow(answer) if answer.status_code == 303 else answer


async def test_an_event_stands_in_the_list_with_its_chat_masked_document_outcome_flow_and_time(
    running: Running,
) -> None:
    await running.enter()
    await running.found("n-1")
    await running.failed("n-2", chat="55502")
    failed, found = rows(await running.get("eventos"))

    assert found == (
        "23/11/2026 12:00:00 55501 ***.***.***-25 Consultar cliente Cliente encontrado cliente cadastrado 500 ms"
    )
    assert "55502" in failed
    assert "Falhou: flow auxiliar O ERP demorou demais para responder flow auxiliar" in failed


async def test_what_is_under_way_says_so(running: Running) -> None:
    await running.enter()
    await running.accept(lookup("n-1"))

    (row,) = rows(await running.get("eventos"))
    assert "Em andamento" in row


async def test_filters_narrow_by_result_period_and_kind(running: Running) -> None:
    await running.found("n-1", chat="1")
    running.clock.advance(26 * 3600)
    await running.enter()
    await running.failed("n-2", chat="2")
    await running.end(await running.accept(boleto("n-3", chat="3")))
    await running.accept(boleto("n-4", chat="4"))

    async def chats(**parameters: str) -> list[str]:
        return [row.split()[2] for row in rows(await running.get("eventos", **parameters))]

    assert await chats() == ["4", "3", "2", "1"]
    assert await chats(resultado="falhou") == ["2"]
    assert await chats(resultado="certo") == ["3", "1"]
    assert await chats(resultado="andamento") == ["4"]
    assert await chats(pedido="boleto_requested") == ["4", "3"]
    assert await chats(periodo="24h") == ["4", "3", "2"]
    assert await chats(periodo="hoje") == ["4", "3", "2"]
    assert await chats(periodo="hoje", resultado="certo", pedido="boleto_requested") == ["3"]
    assert await chats(causa="erp.timeout") == ["2"]
    assert await chats(desfecho="failed") == ["2"]
    assert await chats(periodo="x", resultado="x", pedido="x", desfecho="x", antes="x", depois="x") == [
        "4", "3", "2", "1"
    ]  # fmt: skip


async def test_one_box_finds_a_chat_a_protocol_and_a_document_however_it_is_typed(running: Running) -> None:
    await running.enter()
    await running.found("n-1", chat="55501")
    await running.found("n-2", chat="55502", document=OTHER_CPF)
    await running.end(await running.accept(ticket("n-3", chat="55503")), opened("2026112300042"))

    assert len(rows(await search(running, "55502"))) == 1
    assert "Chat 55502" in texts(await search(running, " 55502 "))
    assert "55503" in rows(await search(running, "2026112300042"))[0]
    for typed in (OTHER_CPF, "11144477735", "***.***.***-35", "35"):
        (row,) = rows(await search(running, typed))
        assert "55502" in row, typed


async def test_a_document_that_was_searched_for_stands_in_no_address_and_on_no_page(running: Running) -> None:
    await running.enter()
    for number in range(60):
        await running.found(f"n-{number}")
    answer = await running.post("eventos", busca=CPF)
    first = await running.follow(answer)
    older = re.search(r'<a href="([^"]+)" rel="next">', first.text)
    assert older is not None
    second = await running.browser.get(older[1].replace("&amp;", "&"))

    assert (len(rows(first)), len(rows(second))) == (50, 10)
    for text in (answer.headers["location"], first.text, second.text):
        assert CPF not in text
        assert "52998224725" not in text


async def test_a_search_by_document_ends_after_a_while_and_is_good_for_its_own_browser_alone(
    running: Running,
) -> None:
    await running.enter()
    await running.found("n-1")
    answer = await running.post("eventos", busca=CPF)
    sealed = parse_qs(urlsplit(answer.headers["location"]).query)["documento"][0]
    other = running.another_browser()
    await other.as_operator()

    assert rows(await running.get("eventos", documento=sealed))
    for page in (
        await other.get(f"{ROOM}/eventos", params={"documento": sealed}),
        await running.get("eventos", documento="anything"),
    ):
        assert rows(page) == []
        assert "Essa busca venceu" in page.text


@pytest.mark.parametrize("typed", ["nobody", "529.982.247-26", "0", '"><script>alert(1)</script>', "x" * 5000])
async def test_what_nobody_finds_is_said_so_and_stays_where_it_was_typed(running: Running, typed: str) -> None:
    await running.enter()
    await running.found("n-1")
    page = await running.post("eventos", busca=typed)

    assert page.status_code == 200
    assert "Não encontrei" in page.text
    assert "<script>alert" not in page.text


async def test_an_empty_search_is_the_whole_list(running: Running) -> None:
    await running.enter()
    answer = await running.post("eventos", busca="  ")
    assert answer.headers["location"] == f"{ROOM}/eventos"


async def test_pages_lead_to_older_and_back_to_newer_events_with_the_same_filters(running: Running) -> None:
    await running.enter()
    for number in range(120):
        await running.found(f"n-{number}", chat=str(number))
    page = await running.get("eventos", resultado="certo")
    seen = rows(page)
    while (older := re.search(r'<a href="([^"]+)" rel="next">', page.text)) is not None:
        assert "resultado=certo" in older[1]
        page = await running.browser.get(older[1].replace("&amp;", "&"))
        seen += rows(page)
    newer = re.search(r'<a href="([^"]+)" rel="prev">', page.text)

    assert [row.split()[2] for row in seen] == [str(number) for number in reversed(range(120))]
    assert newer is not None
    assert len(rows(await running.browser.get(newer[1].replace("&amp;", "&")))) == 50


async def test_an_empty_list_says_what_will_fill_it_and_a_filter_that_finds_nothing_how_to_go_on(
    running: Running,
) -> None:
    await running.enter()
    assert "Assim que a Huggy notificar" in (await running.get("eventos")).text
    assert "limpe os filtros" in (await running.get("eventos", resultado="falhou")).text


async def test_the_live_view_is_turned_on_by_a_link_and_never_for_a_document(running: Running) -> None:
    await running.enter()
    still, live = (
        await running.get("eventos", pedido="boleto_requested"),
        await running.get("eventos", pedido="boleto_requested", ao_vivo="1"),
    )
    assert "hx-sse:connect" not in still.text
    assert f'hx-sse:connect="{ROOM}/eventos/ao-vivo?pedido=boleto_requested"' in live.text
    assert "ao_vivo=1" in still.text
    document = await search(running, CPF)
    assert "ao_vivo" not in document.text

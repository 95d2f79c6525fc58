"""The live view over a real socket: what is new comes by itself, for as long as somebody may look."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from domain.identifiers import CompanyId, InstallationId, Secret
from entrypoints.http import streams
from entrypoints.http.console import live
from tests.entrypoints.console.running import ROOM, Running, Served, Stream, boleto, lookup
from tests.entrypoints.fakes import INSTALLATION

WAIT_S = 20


@asynccontextmanager
async def watching(served: Served, query: str = "") -> AsyncIterator[Stream]:
    async with served.http.stream("GET", f"{ROOM}/eventos/ao-vivo{query}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def parts(message: dict[str, str]) -> list[tuple[str, str, list[str]]]:
    """Where each part goes, how, and the events that it holds."""
    found = re.findall(
        r'<hx-partial hx-target="([^"]+)" hx-swap="(\w+)">(.*?)</hx-partial>', message["data"], re.DOTALL
    )
    return [
        (target, swap, re.findall(r'id="evento-(\d+)"', rows))
        for target, swap, rows in found
        if target != "#sem-eventos"
    ]


async def test_the_whole_list_comes_first_then_what_is_new_and_what_went_on(running: Running) -> None:
    await running.enter()
    first = await running.found("n-1")
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        assert parts(await stream.message()) == [("#linhas", "innerMorph", [str(first.seq)])]
        entry = await running.accept(lookup("n-2"))
        running.looks.put_nowait(None)
        new = await stream.message()
        assert parts(new) == [("#linhas", "afterbegin", [str(entry.seq)])]
        assert "Em andamento" in new["data"]
        await running.end(entry)
        running.looks.put_nowait(None)
        ended = await stream.message()
        assert parts(ended) == [(f"#evento-{entry.seq}", "outerMorph", [str(entry.seq)])]
        assert "Cliente encontrado" in ended["data"]


async def test_only_what_was_asked_for_comes(running: Running) -> None:
    await running.enter()
    async with (
        running.serving() as served,
        asyncio.timeout(WAIT_S),
        watching(served, "?pedido=boleto_requested&chat=2") as stream,
    ):
        assert parts(await stream.message()) == [("#linhas", "innerMorph", [])]
        await running.found("n-1", chat="2")
        await running.end(await running.accept(boleto("n-2", chat="1")))
        wanted = await running.end(await running.accept(boleto("n-3", chat="2")))
        running.looks.put_nowait(None)
        assert parts(await stream.message()) == [("#linhas", "afterbegin", [str(wanted.seq)])]


async def test_any_number_of_browsers_costs_one_look(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await running.enter()
    looks = 0
    changes = running.history.changes

    async def counted(*asked: object) -> object:
        nonlocal looks
        looks += 1
        return await changes(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(running.history, "changes", counted)
    async with (
        running.serving() as served,
        asyncio.timeout(WAIT_S),
        watching(served) as one,
        watching(served) as two,
        watching(served) as three,
    ):
        streams = (one, two, three)
        for stream in streams:
            await stream.message()
        await running.found("n-1")
        running.looks.put_nowait(None)
        assert [len(parts(await stream.message())) for stream in streams] == [1, 1, 1]
        assert looks == 2


async def test_one_person_has_so_many_open_and_no_more(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "AT_ONCE", 2)
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as one:
        await one.message()
        async with watching(served) as two:
            await two.message()
            async with watching(served) as three:
                assert await three.message() == {"event": live.CLOSE, "data": ""}
                assert await three.message() == {}
            with running.streams.one_for("operator ana") as has_place:
                assert has_place, "somebody else's are not theirs"
        while running.streams._open["operator rita"] > 1:  # noqa: ASYNC110  # until the server notices
            await asyncio.sleep(0)
        async with watching(served) as four:
            assert len(parts(await four.message())) == 1


async def test_it_ends_with_the_session_and_the_page_does_not_come_back_for_more(running: Running) -> None:
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        await stream.message()
        await running.browser.post("/sair")
        running.clock.advance(live.LOOK_AGAIN_S)
        await running.found("n-1")
        running.looks.put_nowait(None)
        assert await stream.message() == {"event": live.CLOSE, "data": ""}
        assert await stream.message() == {}
        assert (await served.http.get(f"{ROOM}/eventos/ao-vivo")).status_code == 303


async def test_it_ends_with_the_operator(running: Running) -> None:
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        await stream.message()
        await running.found("n-1")
        running.clock.advance(live.LOOK_AGAIN_S)
        running.looks.put_nowait(None)
        assert len(parts(await stream.message())) == 1, "still there"
        await running.found("n-2")
        await running.database.operators.remove("rita")
        running.clock.advance(live.LOOK_AGAIN_S)
        running.looks.put_nowait(None)
        assert (await stream.message())["event"] == live.CLOSE


async def test_somebody_elses_installation_has_no_live_view_and_nothing_of_it_comes_here(running: Running) -> None:
    other = replace(
        INSTALLATION,
        id=InstallationId("others"),
        company_id=CompanyId("4711"),
        webhook_key=Secret(value="others-key"),
        flow_api_key=Secret(value="others-flow"),
    )
    await running.enter(INSTALLATION, other)
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        await stream.message()
        await running.accept(lookup("n-1", chat="7"), at=other.id)
        ours = await running.found("n-2")
        running.looks.put_nowait(None)
        assert parts(await stream.message()) == [("#linhas", "afterbegin", [str(ours.seq)])]
        assert (await served.http.get("/i/none/eventos/ao-vivo")).status_code == 404


async def test_a_server_that_stops_does_not_wait_for_those_who_watch(running: Running) -> None:
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        await stream.message()
        running.streams.end()
        assert await stream.message() == {}
        await served.stop()


async def test_a_page_that_stands_open_all_day_is_sent_its_list_anew(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ANEW_AFTER", 1)
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S), watching(served) as stream:
        await stream.message()
        await running.found("n-1")
        await running.found("n-2")
        running.looks.put_nowait(None)
        assert [swap for _, swap, _ in parts(await stream.message())] == ["afterbegin", "afterbegin"]
        assert [swap for _, swap, _ in parts(await stream.message())] == ["innerMorph"]


async def test_a_line_on_which_nothing_happens_is_kept_alive(running: Running) -> None:
    running.streams._heartbeat_s = 0.01
    await running.enter()
    async with (
        running.serving() as served,
        asyncio.timeout(WAIT_S),
        served.http.stream("GET", f"{ROOM}/eventos/ao-vivo") as answer,
    ):
        comments = 0
        async for line in answer.aiter_lines():
            comments += line.startswith(":")
            if comments == 2:
                break
    assert comments == 2


async def test_whoever_goes_away_is_not_looked_for_any_more(running: Running) -> None:
    await running.enter()
    async with running.serving() as served, asyncio.timeout(WAIT_S):
        async with watching(served) as stream:
            await stream.message()
            assert len(running.streams._queues) == 1
        while running.streams._queues or running.console.live._looks:  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0)

from collections.abc import Iterator

import httpx
import pytest

from entrypoints.sandbox.city import City
from entrypoints.sandbox.terminal import converse, say_all
from tests.entrypoints.sandbox.fake_app import FakeApp, happy_provider


async def test_a_whole_chat_is_shown_and_ends_well(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    shown: list[str] = []
    code = await say_all(
        city.huggy.url, city.phone("ana"), ["oi", "1", "529.982.247-25", "1", "3"], show=shown.append, hang_s=5
    )
    assert code == 0
    assert shown[0] == "você: oi"
    assert "  ▶ flow 11 · Cliente cadastrado" in shown
    assert "Ponte: resposta a 2_VIA_BOLETO" in shown
    assert shown[-1] == "  — atendimento encerrado —"
    assert len(shown) == len(city.huggy.chats[55501].transcript)


async def test_the_same_words_have_the_same_answers_however_the_last_chat_was_left(city: City, app: FakeApp) -> None:
    happy_provider(app, city)
    runs: list[list[str]] = []
    for _ in range(2):
        shown: list[str] = []
        told = ["oi", "1", "529.982.247-25", "1"]
        assert await say_all(city.huggy.url, city.phone("ana"), told, show=shown.append, hang_s=5) == 0
        runs.append(shown)
    assert runs[1] == runs[0]
    assert [chat.is_open for chat in city.huggy.chats.values()] == [False, True]


async def test_a_new_chat_of_one_person_leaves_those_of_others_open(city: City) -> None:
    city.huggy.customer_writes(city.phone("bruno"), "oi")
    await say_all(city.huggy.url, city.phone("ana"), ["oi"], show=lambda _: None)
    assert [chat.is_open for chat in city.huggy.chats.values()] == [True, True]


@pytest.mark.usefixtures("app")
async def test_a_chat_that_hangs_exits_with_one(city: City) -> None:
    shown: list[str] = []
    code = await say_all(
        city.huggy.url, city.phone("ana"), ["oi", "1", "529.982.247-25", "1"], show=shown.append, hang_s=0.05
    )
    assert code == 1
    assert "travou" in shown[-1]
    assert city.huggy.chats[55501].messages[-1].text != "1"


async def test_files_and_notes_are_shown_as_such(city: City, http: httpx.AsyncClient) -> None:
    chat = city.huggy.customer_writes(city.phone("ana"), "oi")
    chat.app_says("seu boleto", file="http://127.0.0.1/x.pdf")
    chat.app_says("só para a equipe", internal=True)
    typed: Iterator[str] = iter(["9", ""])
    shown: list[str] = []
    await converse(city.huggy.url, city.phone("ana"), show=shown.append, read=lambda: next(typed))
    assert "Ponte: seu boleto\n    [arquivo] http://127.0.0.1/x.pdf" in shown
    assert "Ponte (nota interna): só para a equipe" in shown


async def test_a_person_at_the_keyboard_talks_until_an_empty_line(city: City) -> None:
    typed: Iterator[str] = iter(["oi", "5", ""])
    shown: list[str] = []
    assert await converse(city.huggy.url, city.phone("ana"), show=shown.append, read=lambda: next(typed)) == 0
    assert shown[-1] == "  — passou para a fila de atendentes —"


async def test_the_end_of_input_ends_the_chat(city: City) -> None:
    def read() -> str:
        raise EOFError

    assert await converse(city.huggy.url, city.phone("ana"), read=read) == 0


async def test_control_routes_show_chats_and_let_an_agent_take_one(city: City, http: httpx.AsyncClient) -> None:
    sandbox = f"{city.huggy.url}/_sandbox"
    chat = (await http.post(f"{sandbox}/chats", json={"phone": city.phone("ana"), "text": "oi"})).json()
    said = (await http.post(f"{sandbox}/chats/{chat['chat_id']}/say", json={"text": "1"})).json()
    assert said["transcript"][-1]["text"] == "Qual é o CPF ou CNPJ do titular?"
    assert (await http.get(f"{sandbox}/chats")).json() == [said]
    taken = (await http.post(f"{sandbox}/chats/{chat['chat_id']}/agent")).json()
    assert (taken["situation"], taken["quiet"]) == ("in_chat", True)


async def test_the_webhook_can_be_saved_over_http(city: City, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{city.huggy.url}/_sandbox/webhook", json={"url": f"{city.voalle.url}/nobody"})
    assert answer.status_code == 400

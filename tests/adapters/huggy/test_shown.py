"""What the trail of a notification tells of its calls to Huggy."""

import httpx
import msgspec

from adapters.huggy.outbound import Request
from adapters.huggy.shown import shown_answer, shown_request
from domain.redaction import LARGEST_BODY

AT = "/companies/1001/chats/55501"


def test_of_a_message_its_form_is_told() -> None:
    request = Request(method="POST", path=f"{AT}/messages", body={"text": "Ana, 52998224725", "isInternal": False})

    assert shown_request(request)() == f'POST {AT}/messages\n{{"text": "Aaa, 99999999999", "isInternal": false}}'


def test_of_a_flow_its_number_is_told_and_of_its_variables_the_names() -> None:
    request = Request(
        method="POST", path=f"{AT}/flow", body={"flowId": 11, "variables": {"cliente_nome": "Ana", "contratos": "2"}}
    )

    assert shown_request(request)().endswith('{"flowId": 11, "variables": {"cliente_nome": "Aaa", "contratos": "9"}}')


def test_a_file_is_neither_told_nor_kept() -> None:
    body = {"text": "Boleto", "fileBase64": "JVBERi0x" * 1000, "fileName": "boleto.pdf"}

    assert '"fileBase64": null' in shown_request(Request(method="POST", path=f"{AT}/messages", body=body))()
    assert shown_request(Request(method="GET", path=AT))() == f"GET {AT}"


def test_of_a_chat_where_it_stands_is_told_and_not_whose_it_is() -> None:
    chat = {"id": 55501, "situation": "in_chat", "customer": {"name": "Ana Souza", "phone": "+5511987654321"}}
    told = shown_answer(httpx.Response(200, content=msgspec.json.encode(chat)))()

    assert told.startswith("HTTP 200\n")
    assert '"situation": "in_chat"' in told
    assert "Ana" not in told
    assert "987654321" not in told


def test_an_answer_that_is_empty_broken_or_very_large_is_told_by_its_status() -> None:
    class Broken(httpx.AsyncByteStream):
        pass

    assert shown_answer(httpx.Response(204))() == "HTTP 204"
    assert shown_answer(httpx.Response(200, stream=Broken()))() == "HTTP 200"
    assert shown_answer(httpx.Response(200, content=b"x" * (LARGEST_BODY + 1)))().endswith(" bytes")

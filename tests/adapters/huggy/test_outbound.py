"""What each action is as a request to Huggy."""

from base64 import b64decode
from typing import Any

import msgspec
import pytest

from adapters.huggy.outbound import Request, to_chat_query, to_request
from application.failures import Rejected
from domain.action import Action, CloseChat, LeaveNote, LeaveToAgent, Message, Say, SayCode, SendFile, StartFlow
from domain.identifiers import ChatId, CompanyId, ContactId, FlowId
from domain.installation import FlowKey, FlowStart
from domain.notification import ChatRef

COMPANY = CompanyId("1001")
CHAT = ChatRef(id=ChatId("55501"), contact_id=ContactId("91"), channel_uuid="0b6c0f1e")
AT = "/companies/1001/chats/55501"
HELLO = Message(key="hello", values={"name": "Ana"})


def render(message: Message) -> str:
    return f"{message.key} {message.values.get('name', '')}".strip()


def request(action: Action, *, chat: ChatRef = CHAT, start: FlowStart = FlowStart.CHAT) -> Request | None:
    return to_request(COMPANY, chat, action, render=render, flow_start=start)


def start_flow(flow_id: str | None = "259215", **variables: str) -> StartFlow:
    return StartFlow(flow=FlowKey.AUXILIARY, flow_id=FlowId(flow_id) if flow_id else None, variables=variables)


def body(asked: Request | None) -> dict[str, Any]:
    assert asked is not None
    assert asked.body is not None
    return asked.body


def call(asked: Request | None) -> tuple[str, str]:
    assert asked is not None
    return asked.method, asked.path


def test_a_sentence_is_a_message_to_the_customer() -> None:
    asked = request(Say(message=HELLO))
    assert call(asked) == ("POST", f"{AT}/messages")
    assert body(asked) == {"text": "hello Ana", "isInternal": False}


def test_a_note_is_internal() -> None:
    asked = request(LeaveNote(message=HELLO))
    assert call(asked) == ("POST", f"{AT}/messages")
    assert body(asked) == {"text": "hello Ana", "isInternal": True}


def test_a_code_goes_alone_and_byte_for_byte() -> None:
    code = " 00020126 {{x}}\n"
    assert body(request(SayCode(code=code))) == {"text": code, "isInternal": False}


def test_a_file_goes_with_its_content_name_and_caption() -> None:
    asked = request(SendFile(name="boleto.pdf", content=b"%PDF-1.7", caption=HELLO))
    assert call(asked) == ("POST", f"{AT}/messages")
    sent = body(asked)
    assert b64decode(sent.pop("fileBase64")) == b"%PDF-1.7"
    assert sent == {"text": "hello Ana", "fileName": "boleto.pdf", "isInternal": False}


def test_a_flow_starts_in_the_chat() -> None:
    asked = request(start_flow(name="Ana"))
    assert call(asked) == ("POST", f"{AT}/flow")
    assert body(asked) == {"flowId": 259215}


def test_a_flow_starts_in_the_chat_with_variables() -> None:
    asked = request(start_flow(name="Ana"), start=FlowStart.CHAT_WITH_VARIABLES)
    assert call(asked) == ("POST", f"{AT}/flow")
    assert body(asked) == {"flowId": 259215, "variables": {"name": "Ana"}}


def test_a_flow_starts_for_the_contact_and_never_in_a_chat_that_an_agent_has() -> None:
    asked = request(start_flow(name="Ana"), start=FlowStart.CONTACT)
    assert call(asked) == ("PUT", "/companies/1001/contacts/91/execFlow")
    assert body(asked) == {
        "uuid": "0b6c0f1e",
        "flowId": 259215,
        "variables": {"name": "Ana"},
        "whenInChat": False,
        "whenWaitForChat": True,
        "whenInAuto": True,
    }


@pytest.mark.parametrize("unknown", [{"contact_id": None}, {"channel_uuid": ""}])
def test_without_contact_or_channel_the_flow_starts_in_the_chat(unknown: dict[str, Any]) -> None:
    asked = request(start_flow(), chat=msgspec.structs.replace(CHAT, **unknown), start=FlowStart.CONTACT)
    assert call(asked) == ("POST", f"{AT}/flow")
    assert body(asked) == {"flowId": 259215}


@pytest.mark.parametrize(("flow_id", "sent"), [("7", 7), ("abc", "abc"), ("²", "²"), ("9" * 40, "9" * 40)])
def test_a_flow_is_named_by_number_when_it_is_one(flow_id: str, sent: int | str) -> None:
    assert body(request(start_flow(flow_id)))["flowId"] == sent


@pytest.mark.parametrize("start", FlowStart)
def test_a_flow_that_nobody_chose_is_refused(start: FlowStart) -> None:
    with pytest.raises(Rejected, match="auxiliary") as caught:
        request(start_flow(None), start=start)
    assert caught.value.cause == "huggy.flow_not_chosen"


def test_closing_a_chat_asks_for_no_feedback() -> None:
    asked = request(CloseChat())
    assert call(asked) == ("PUT", f"{AT}/close")
    assert body(asked) == {"sendFeedback": False}


def test_a_chat_left_to_its_agent_needs_no_request() -> None:
    assert request(LeaveToAgent()) is None


def test_a_chat_is_read_within_its_company() -> None:
    assert call(to_chat_query(COMPANY, CHAT)) == ("GET", AT)


def test_ids_are_quoted_into_the_path() -> None:
    odd = ChatRef(id=ChatId("a/b?c#d%é"))
    assert call(request(CloseChat(), chat=odd)) == ("PUT", "/companies/1001/chats/a%2Fb%3Fc%23d%25%C3%A9/close")


@pytest.mark.parametrize("dots", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_refused(dots: str) -> None:
    with pytest.raises(Rejected) as caught:
        request(CloseChat(), chat=ChatRef(id=ChatId(dots)))
    assert caught.value.cause == "huggy.unusable_id"


def test_a_request_shows_nothing_that_it_carries() -> None:
    assert "Ana" not in repr(request(Say(message=HELLO)))

"""What the domain wants done in a chat, as a request to Huggy's API v3. Pure.

Every path names the company: without it Huggy acts on the first company that the token's agent ever joined (source:
vendor documentation). Bodies: public client code.
"""

from base64 import b64encode
from typing import Any, assert_never
from urllib.parse import quote

from application.failures import Rejected
from application.ports import Render
from domain.action import Action, CloseChat, LeaveNote, LeaveToAgent, Say, SayCode, SendFile, StartFlow
from domain.identifiers import ChatId, CompanyId, FlowId, Personal
from domain.installation import FlowStart
from domain.notification import ChatRef

LONGEST_NUMBER = 18
"""digits that surely fit the platform's integers"""


class Request(Personal, frozen=True, kw_only=True):
    """One call. `path` starts after the API's base address and is quoted; `body` goes as JSON, None: no body."""

    safe = ("method", "path")

    method: str
    path: str
    body: dict[str, Any] | None = None


def to_request(
    company_id: CompanyId,
    chat: ChatRef,
    action: Action,
    *,
    render: Render,
    flow_start: FlowStart,
) -> Request | None:
    """None: nothing is to be sent.

    `Rejected("huggy.flow_not_chosen")` for a flow that the installation lacks, `Rejected("huggy.unusable_id")` for an id
    that can't stand in a path.
    """
    at = _chat_path(company_id, chat.id)
    match action:
        case Say(message=message):
            return _message(at, {"text": render(message), "isInternal": False})
        case SayCode(code=code):
            return _message(at, {"text": code, "isInternal": False})
        case SendFile(name=name, content=content, caption=caption):
            file = {"fileBase64": b64encode(content).decode("ascii"), "fileName": name}
            return _message(at, {"text": render(caption), **file, "isInternal": False})
        case LeaveNote(message=message):
            return _message(at, {"text": render(message), "isInternal": True})
        case StartFlow(flow=flow, flow_id=flow_id, variables=variables):
            if flow_id is None:
                raise Rejected("huggy.flow_not_chosen", f"no flow is chosen for {flow}")
            return _start(company_id, chat, flow_id, flow_start, variables)
        case CloseChat():
            return Request(method="PUT", path=f"{at}/close", body={"sendFeedback": False})
        case LeaveToAgent():
            return None
        case _:
            assert_never(action)


def to_chat_query(company_id: CompanyId, chat: ChatRef) -> Request:
    """The request whose answer `wire.read_situation` reads."""
    return Request(method="GET", path=_chat_path(company_id, chat.id))


def _message(at: str, body: dict[str, Any]) -> Request:
    return Request(method="POST", path=f"{at}/messages", body=body)


def _start(company_id: CompanyId, chat: ChatRef, flow_id: FlowId, how: FlowStart, variables: dict[str, str]) -> Request:
    """By contact only when contact and channel are known; else in the chat and without variables, because a flow without
    its variables is better than none."""
    at = f"{_chat_path(company_id, chat.id)}/flow"
    flow = _number(flow_id)
    match how:
        case FlowStart.CONTACT if chat.contact_id and chat.channel_uuid:
            return Request(
                method="PUT",
                path=f"/companies/{_segment(company_id)}/contacts/{_segment(chat.contact_id)}/execFlow",
                body={
                    "uuid": chat.channel_uuid,
                    "flowId": flow,
                    "variables": variables,
                    "whenInChat": False,
                    "whenWaitForChat": True,
                    "whenInAuto": True,
                },
            )
        case FlowStart.CHAT | FlowStart.CONTACT:
            return Request(method="POST", path=at, body={"flowId": flow})
        case FlowStart.CHAT_WITH_VARIABLES:
            return Request(method="POST", path=at, body={"flowId": flow, "variables": variables})
        case _:
            assert_never(how)


def _number(flow_id: FlowId) -> int | str:
    is_number = flow_id.isascii() and flow_id.isdecimal() and len(flow_id) <= LONGEST_NUMBER
    return int(flow_id) if is_number else flow_id


def _chat_path(company_id: CompanyId, chat_id: ChatId) -> str:
    return f"/companies/{_segment(company_id)}/chats/{_segment(chat_id)}"


def _segment(identifier: str) -> str:
    """Quoting does not help against `..`: HTTP clients resolve it even when it is quoted."""
    if not identifier.strip("."):
        raise Rejected("huggy.unusable_id", "an id is empty or made of dots")
    return quote(identifier, safe="")

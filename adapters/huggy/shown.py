"""What the admin may see of a call to Huggy: the allow-list of its keys, over `domain.redaction`."""

from contextlib import suppress

import httpx

from adapters.huggy.outbound import Request
from application.trail import Redacted
from domain.redaction import LARGEST_BODY, Redaction

# Where a chat stands, which flow was started and how. No message, file, name, number or flow's variable.
_TELLING = (
    *("situation", "situacao", "status", "channel_type", "department", "sender_type", "is_internal", "send_feedback"),
    *("flow_id", "when_in_chat", "when_wait_for_chat", "when_in_auto", "success", "code"),
    *("created_at", "updated_at", "closed_at", "in_auto_at", "in_chat_at"),
)
_redaction = Redaction(_TELLING)
_FILE = "fileBase64"


def shown_request(request: Request) -> Redacted:
    """Keeps no file in memory."""
    line = f"{request.method} {_redaction.path(request.path)}"
    body = request.body
    if body is None:
        return lambda: line
    if _FILE in body:
        body = {**body, _FILE: None}
    return lambda: f"{line}\n{_redaction.text(body)}"


def shown_answer(answer: httpx.Response) -> Redacted:
    """Of an answer that was read, as far as it came."""
    line, body = f"HTTP {answer.status_code}", b""
    with suppress(httpx.ResponseNotRead):
        body = answer.content
    if not body:
        return lambda: line
    if len(body) > LARGEST_BODY:
        large = f"{line}\n{len(body)} bytes"
        return lambda: large
    return lambda: f"{line}\n{_redaction.body(body)}"

"""The answers of Huggy's API, as far as Ponte reads them. Source: public client code that runs against API v3."""

import msgspec
from msgspec import Struct

from domain.notification import Situation


class ChatAnswer(Struct, frozen=True, kw_only=True):
    """`GET /chats/{id}`: the chat itself, or the chat under `data`."""

    situation: str | None = None
    data: "ChatAnswer | None" = None


_decode_chat = msgspec.json.Decoder(ChatAnswer).decode


def read_situation(body: bytes) -> Situation:
    """`msgspec.DecodeError` or `UnicodeDecodeError` when the body is no chat; `UNKNOWN` for a value never seen."""
    answer = _decode_chat(body)
    chat = answer.data or answer
    try:
        return Situation(chat.situation or "")
    except ValueError:
        return Situation.UNKNOWN

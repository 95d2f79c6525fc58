"""The answers of Huggy's API, as far as Ponte reads them. Source: public client code that runs against API v3."""

import msgspec
from msgspec import Struct

from domain.identifiers import ContactId
from domain.notification import ChatRef, Situation


class ChannelAnswer(Struct, frozen=True):
    uuid: str = ""


class ChatAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /chats/{id}`: the chat itself, or the chat under `data`. Ids come as numbers and as text."""

    situation: str | None = None
    contact_id: str | int | None = None
    channels: list[ChannelAnswer] = []
    data: "ChatAnswer | None" = None


_decode_chat = msgspec.json.Decoder(ChatAnswer).decode


def read_situation(body: bytes) -> Situation:
    """`msgspec.DecodeError` or `UnicodeDecodeError` when the body is no chat; `UNKNOWN` for a value never seen."""
    chat = _read(body)
    try:
        return Situation(chat.situation or "")
    except ValueError:
        return Situation.UNKNOWN


def complete(chat: ChatRef, body: bytes) -> ChatRef:
    """The chat with the contact and channel that the answer adds; a channel only where there is no choice of it."""
    answer = _read(body)
    channels = {channel.uuid for channel in answer.channels if channel.uuid}
    return msgspec.structs.replace(
        chat,
        contact_id=chat.contact_id or (ContactId(str(answer.contact_id)) if answer.contact_id else None),
        channel_uuid=chat.channel_uuid or (channels.pop() if len(channels) == 1 else ""),
    )


def _read(body: bytes) -> ChatAnswer:
    answer = _decode_chat(body)
    return answer.data or answer

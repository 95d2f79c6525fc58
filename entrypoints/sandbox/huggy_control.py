"""The sandbox's own routes on the simulated Huggy, for a person or a page that plays the customer. They need no token.

`POST /_sandbox/chats {"phone", "text"}` opens a chat or goes on with the open one; `POST /_sandbox/chats/{id}/say {"text"}`;
`GET /_sandbox/chats/{id}?wait_s=10` waits until the chat is quiet and answers with its transcript;
`POST /_sandbox/chats/{id}/agent` lets an agent take it, `…/close` ends it; `POST /_sandbox/webhook {"url"}` saves the app's webhook;
`GET /_sandbox/files/{number}/{name}` is a file that the app sent. `/_sandbox/faults` is answered by every simulator.
"""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from entrypoints.sandbox.chats import Chat, Entry, Situation
from entrypoints.sandbox.deliveries import HandshakeRefused
from entrypoints.sandbox.huggy import Huggy
from entrypoints.sandbox.strictness import Refused, VendorRequest, json_fields

WAIT_MAX_S = 60.0


class Control(Controller):
    path = "/_sandbox"

    @post("/chats", status_code=200)
    async def write(self, request: VendorRequest, huggy: NamedDependency[Huggy]) -> dict[str, Any]:
        fields = await json_fields(request, {"phone": str, "text": str})
        return _shown(huggy.customer_writes(fields["phone"], fields["text"]))

    @get("/chats")
    async def chats(self, huggy: NamedDependency[Huggy]) -> list[dict[str, Any]]:
        return [_shown(chat) for chat in huggy.chats.values()]

    @post("/chats/{chat_id:int}/say", status_code=200)
    async def say(
        self, request: VendorRequest, chat_id: FromPath[int], huggy: NamedDependency[Huggy]
    ) -> dict[str, Any]:
        fields = await json_fields(request, {"text": str})
        return _shown(huggy.customer_writes(_chat(huggy, chat_id).contact.phone, fields["text"]))

    @get("/chats/{chat_id:int}")
    async def read(
        self, chat_id: FromPath[int], huggy: NamedDependency[Huggy], wait_s: FromQuery[float] = 0
    ) -> dict[str, Any]:
        chat = _chat(huggy, chat_id)
        if wait_s > 0:
            await huggy.is_quiet_within(chat, min(wait_s, WAIT_MAX_S))
        return _shown(chat)

    @post("/chats/{chat_id:int}/agent", status_code=200)
    async def agent_takes(self, chat_id: FromPath[int], huggy: NamedDependency[Huggy]) -> dict[str, Any]:
        chat = _chat(huggy, chat_id)
        if not chat.is_open:
            raise Refused(400, {"reason": "Atendimento encerrado"})
        chat.agent_takes()
        return _shown(chat)

    @post("/chats/{chat_id:int}/close", status_code=200)
    async def close(self, chat_id: FromPath[int], huggy: NamedDependency[Huggy]) -> dict[str, Any]:
        chat = _chat(huggy, chat_id)
        if chat.is_open:
            chat.close()
        return _shown(chat)

    @post("/webhook", status_code=200)
    async def connect(self, request: VendorRequest, huggy: NamedDependency[Huggy]) -> dict[str, Any]:
        fields = await json_fields(request, {"url": str})
        try:
            await huggy.deliveries.connect(fields["url"])
        except HandshakeRefused as refusal:
            raise Refused(400, {"reason": str(refusal)}) from None
        return {"connected": True}

    @get("/files/{number:int}/{name:str}")
    async def file(self, number: FromPath[int], name: FromPath[str], huggy: NamedDependency[Huggy]) -> Response[bytes]:
        file = huggy.files.get(number)
        if file is None or file.name != name:
            raise Refused(404, {"reason": "Arquivo não encontrado"})
        return Response(file.content, media_type=file.media_type)


def _chat(huggy: Huggy, chat_id: int) -> Chat:
    chat = huggy.chats.get(chat_id)
    if chat is None:
        raise Refused(404, {"reason": "Atendimento não encontrado"})
    return chat


def _shown(chat: Chat) -> dict[str, Any]:
    transcript: list[Entry] = chat.transcript
    return {
        "chat_id": chat.id,
        "phone": chat.contact.phone,
        "situation": chat.situation.value,
        "quiet": chat.quiet.is_set(),
        "ended": chat.situation is not Situation.AUTO,
        "transcript": transcript,
    }

"""A chat in the terminal, as the customer, with the simulated Huggy at an address."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx

Print = Callable[[str], None]
Read = Callable[[], str]
HANG_S = 30.0
_EVENTS = {
    "queued": "— passou para a fila de atendentes —",
    "agent": "— um atendente assumiu —",
    "closed": "— atendimento encerrado —",
}


async def say_all(
    huggy_url: str, phone: str, texts: Sequence[str], *, show: Print = print, hang_s: float = HANG_S
) -> int:
    """Says each text, in a new chat, when it is quiet, and shows all that comes back. The process's exit code: 1 when
    the chat hung, that is, stayed without a next word for `hang_s` seconds."""
    async with httpx.AsyncClient(base_url=huggy_url, timeout=hang_s + 10, trust_env=False) as http:
        conversation = _Conversation(http, phone, show, hang_s)
        await conversation.start_anew()
        for text in texts:
            if not await conversation.say(text):
                return 1
    return 0


async def converse(
    huggy_url: str, phone: str, *, show: Print = print, read: Read = input, hang_s: float = HANG_S
) -> int:
    """The same with a person at the keyboard, until the end of input or an empty line."""
    async with httpx.AsyncClient(base_url=huggy_url, timeout=hang_s + 10, trust_env=False) as http:
        conversation = _Conversation(http, phone, show, hang_s)
        while True:
            try:
                text = await asyncio.to_thread(read)
            except EOFError:
                return 0
            if not text.strip():
                return 0
            if not await conversation.say(text):
                return 1


class _Conversation:
    def __init__(self, http: httpx.AsyncClient, phone: str, show: Print, hang_s: float) -> None:
        self._http = http
        self._phone = phone
        self._show = show
        self._hang_s = hang_s
        self._chat_id: int | None = None
        self._shown = 0

    async def start_anew(self) -> None:
        """Ends the person's open chat, if there is one: what was said in it is no beginning of another."""
        answer = await self._http.get("/_sandbox/chats")
        answer.raise_for_status()
        for chat in answer.json():
            if chat["phone"] == self._phone and chat["situation"] != "finishing":
                (await self._http.post(f"/_sandbox/chats/{chat['chat_id']}/close")).raise_for_status()

    async def say(self, text: str) -> bool:
        """False: the chat hung."""
        answer = await self._http.post("/_sandbox/chats", json={"phone": self._phone, "text": text})
        answer.raise_for_status()
        chat_id = answer.json()["chat_id"]
        if chat_id != self._chat_id:
            self._chat_id, self._shown = chat_id, 0
        answer = await self._http.get(f"/_sandbox/chats/{chat_id}", params={"wait_s": self._hang_s})
        answer.raise_for_status()
        chat = answer.json()
        for entry in chat["transcript"][self._shown :]:
            self._show(printed(entry))
        self._shown = len(chat["transcript"])
        if not chat["quiet"]:
            self._show(f"!! o chat travou: nada depois de {self._hang_s:g} s")
        return bool(chat["quiet"])


def printed(entry: dict[str, Any]) -> str:
    if entry["kind"] == "flow":
        return f"  ▶ flow {entry['flow_id']} · {entry['flow_name']}"
    if entry["kind"] != "message":
        return f"  {_EVENTS[entry['kind']]}"
    speaker = {"customer": "você", "flow": "flow", "app": "Ponte"}[entry["who"]]
    note = " (nota interna)" if entry["internal"] else ""
    words = [line for line in (entry["text"], entry["file"] and f"[arquivo] {entry['file']}") if line]
    return f"{speaker}{note}: " + "\n    ".join("\n".join(words).splitlines())

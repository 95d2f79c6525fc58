"""A stand-in for Huggy's API v3, written from public descriptions of it: it keeps a ledger of what happened per chat."""

import base64
import binascii
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.e2e.upstream import Handler, Refusal, Stage, Upstream, json_body

Kind = Literal["message", "note", "file", "flow", "close"]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that happened in a chat. `text` is the message, `file` its link or its decoded content."""

    at: float
    kind: Kind
    text: str = ""
    file: str | bytes = ""
    flow: str = ""
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class ChatLedger:
    """All that happened in one chat, in order."""

    situation: str = "auto"
    deeds: list[Deed] = field(default_factory=list)

    @property
    def flows(self) -> list[str]:
        return [deed.flow for deed in tuple(self.deeds) if deed.kind == "flow"]

    @property
    def said(self) -> list[str]:
        """What the customer read, files by their caption, in order."""
        return [deed.text for deed in tuple(self.deeds) if deed.kind in {"message", "file"}]

    @property
    def files(self) -> list[str | bytes]:
        return [deed.file for deed in tuple(self.deeds) if deed.kind == "file"]

    @property
    def notes(self) -> list[str]:
        return [deed.text for deed in tuple(self.deeds) if deed.kind == "note"]

    @property
    def closes(self) -> int:
        return sum(deed.kind == "close" for deed in tuple(self.deeds))


@dataclass(frozen=True, kw_only=True)
class Company:
    company_id: str
    token: str = field(repr=False)
    flow_ids: frozenset[str]


_MESSAGE_FIELDS = frozenset({"text", "file", "fileBase64", "fileName", "isInternal", "options"})
_FLOW_FIELDS = frozenset({"flowId", "variables"})
_EXEC_FIELDS = frozenset({"uuid", "flowId", "variables", "whenInChat", "whenWaitForChat", "whenInAuto"})
_CLOSE_FIELDS = frozenset({"sendFeedback", "tabulation", "comment"})


class HuggyStandIn(Upstream):
    """One Huggy for any number of companies. A chat exists once somebody names it, and stands in `auto`."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.chats: defaultdict[str, ChatLedger] = defaultdict(ChatLedger)
        self.chat_of_contact: dict[str, str] = {}
        self._companies: dict[str, Company] = {}

    def admit(self, company: Company) -> None:
        self._companies[company.token] = company

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        resources: tuple[tuple[str, str, str, Handler], ...] = (
            ("GET", "/agents/profile", "huggy.profile", self._profile),
            ("GET", "/chats/{chat}", "huggy.chat", self._chat),
            ("GET", "/chats/{chat}/messages", "huggy.read", self._read),
            ("POST", "/chats/{chat}/messages", "huggy.message", self._message),
            ("POST", "/chats/{chat}/flow", "huggy.flow", self._flow),
            ("PUT", "/chats/{chat}/close", "huggy.close", self._close),
            ("PUT", "/contacts/{contact}/execFlow", "huggy.exec_flow", self._exec_flow),
        )
        prefixes = ("/v3", "/v3/companies/{company}")
        return [(m, prefix + path, name, handler) for prefix in prefixes for m, path, name, handler in resources]

    def _company(self, request: web.Request) -> Company:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        company = self._companies.get(token)
        if scheme != "Bearer" or company is None:
            hint = {"error": "access_denied", "message": "Unauthenticated.", "hint": ""}
            raise Refusal(401, hint, "without a token that Huggy knows")
        if request.match_info.get("company", company.company_id) != company.company_id:
            raise Refusal(403, {"reason": "Desculpe, você não tem permissão"}, "for a company that is not the token's")
        return company

    def _open_chat(self, request: web.Request) -> ChatLedger:
        self._company(request)
        chat = request.match_info["chat"]
        if not chat.isascii() or not chat.isdigit():
            raise Refusal(404, {"reason": "Chat não encontrado"}, "a chat id that is not a number")
        return self.chats[chat]

    async def _profile(self, request: web.Request) -> web.Response:
        self._company(request)
        return web.json_response({"id": 77, "name": "Agente Instalador", "email": "agente@provedor.example"})

    async def _chat(self, request: web.Request) -> web.Response:
        ledger = self._open_chat(request)
        number = request.match_info["chat"]
        return web.json_response(
            {
                "id": int(number),
                "agentId": None,
                "contactId": 9,
                "situation": ledger.situation,
                "channel": "whatsapp-enterprise",
                "channels": [
                    {"uuid": "7d2cf0b2-9d7c-4e5e-8b4c-000000000001", "id": 3, "name": "w", "type": "whatsapp"}
                ],
                "lastMessage": None,
                "closedAt": "2026-11-23 10:00:00" if ledger.situation == "finishing" else None,
            }
        )

    async def _read(self, request: web.Request) -> web.Response:
        ledger = self._open_chat(request)
        if ledger.situation == "auto":
            return web.json_response({"reason": "Desculpe, você não tem permissão"}, status=403)
        return web.json_response(
            [
                {"id": index, "text": deed.text, "isInternal": deed.kind == "note", "file": None}
                for index, deed in enumerate(ledger.deeds)
                if deed.kind in {"message", "note", "file"}
            ]
        )

    async def _message(self, request: web.Request) -> web.Response:
        ledger = self._open_chat(request)
        sent = json_body(request, await request.read(), allowed=_MESSAGE_FIELDS)
        text, internal, file = sent.get("text", ""), sent.get("isInternal", False), _file(sent)
        if not isinstance(text, str) or not isinstance(internal, bool):
            raise Refusal(400, {"reason": "Dados inválidos"}, "text or isInternal of a wrong type")
        if not text and not file:
            raise Refusal(400, {"reason": "Mensagem vazia"}, "an empty message")
        if len(text) > 4096:
            raise Refusal(400, {"reason": "Mensagem muito longa"}, "a message over 4,096 characters")
        self._closed_chats_take_nothing(ledger)
        kind: Kind = "note" if internal else "file" if file else "message"
        ledger.deeds.append(Deed(at=time.monotonic(), kind=kind, text=text, file=file))
        return web.json_response({"id": len(ledger.deeds), "text": text}, status=200)

    async def _flow(self, request: web.Request) -> web.Response:
        company, ledger = self._company(request), self._open_chat(request)
        sent = json_body(request, await request.read(), allowed=_FLOW_FIELDS)
        self._closed_chats_take_nothing(ledger)
        self._start_flow(company, ledger, sent)
        return web.Response(status=200)

    async def _exec_flow(self, request: web.Request) -> web.Response:
        company = self._company(request)
        sent = json_body(request, await request.read(), allowed=_EXEC_FIELDS)
        if not isinstance(sent.get("uuid"), str):
            raise Refusal(400, {"reason": "uuid inválido"}, "without the channel's uuid")
        chat = self.chat_of_contact.get(request.match_info["contact"])
        if chat is None:
            raise Refusal(404, {"reason": "Contato não encontrado"}, "an unknown contact")
        self._start_flow(company, self.chats[chat], sent)
        return web.json_response({"reason": "ok", "chatID": int(chat)})

    async def _close(self, request: web.Request) -> web.Response:
        ledger = self._open_chat(request)
        body = await request.read()
        if body:
            json_body(request, body, allowed=_CLOSE_FIELDS)
        self._closed_chats_take_nothing(ledger)
        ledger.deeds.append(Deed(at=time.monotonic(), kind="close"))
        ledger.situation = "finishing"
        return web.Response(status=200)

    @staticmethod
    def _start_flow(company: Company, ledger: ChatLedger, sent: dict[str, Any]) -> None:
        flow = str(sent.get("flowId", ""))
        if flow not in company.flow_ids:
            raise Refusal(404, {"reason": "Flow não encontrado"}, "an unknown flow")
        variables = sent.get("variables") or {}
        if not isinstance(variables, dict):
            raise Refusal(400, {"reason": "Variáveis inválidas"}, "variables that are no object")
        ledger.deeds.append(Deed(at=time.monotonic(), kind="flow", flow=flow, variables=variables))

    @staticmethod
    def _closed_chats_take_nothing(ledger: ChatLedger) -> None:
        if ledger.situation == "finishing":
            raise Refusal(400, {"reason": "Atendimento encerrado"}, "")


def _file(sent: dict[str, Any]) -> str | bytes:
    """A public link, or content that is what its name says."""
    if "file" in sent:
        link = sent["file"]
        if not isinstance(link, str) or not link.startswith(("https://", "http://")):
            raise Refusal(400, {"reason": "Arquivo inválido"}, "a file that is no link")
        return link
    if "fileBase64" not in sent:
        return ""
    try:
        content = base64.b64decode(sent["fileBase64"], validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Refusal(400, {"reason": "Arquivo inválido"}, "content that is no base64") from None
    name = sent.get("fileName")
    if not isinstance(name, str) or not name.lower().endswith(".pdf") or not content.startswith(b"%PDF-"):
        raise Refusal(400, {"reason": "Arquivo inválido"}, "content that is not what its name says")
    return content

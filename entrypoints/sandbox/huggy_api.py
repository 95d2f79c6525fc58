"""The simulated Huggy's API v3, as an app calls it with a company's token.

Sources: the platform's documentation and public client code. Chosen here, because no source tells: `GET /flows`, `GET /companies`, what is refused in a
closed chat, and that `variables` of a flow's start are filled in.
"""

import base64
import binascii
from typing import Any

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from entrypoints.sandbox.accounts import COMPANIES, Agent
from entrypoints.sandbox.chats import Chat, Entry, Situation, Who
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.huggy import CHANNEL, CHANNEL_UUID, File, Huggy
from entrypoints.sandbox.strictness import Connection, Refused, VendorRequest, json_fields, took_effect

PAGE = 20
FILE_MAX = 15 * 1024 * 1024
_KINDS = {b"%PDF-": "application/pdf", b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_MAY_TAKE = {
    Situation.WITH_AGENT: "whenInChat",
    Situation.QUEUED: "whenWaitForChat",
    Situation.AUTO: "whenInAuto",
}
"""which flag lets a flow be started in an open chat"""
_FORBIDDEN = "Desculpe, você não tem permissão"


def require_token(connection: Connection, _: object) -> None:
    """Of an agent whom the company in the address knows."""
    agent = _agent(connection)
    if connection.path_params.get("company_id", agent.companies[0]) not in agent.companies:
        raise Refused(403, {"reason": _FORBIDDEN})


def require_home(connection: Connection, _: object) -> None:
    """The neighbour has neither chats nor flows here."""
    huggy: Huggy = connection.app.state.huggy
    if connection.path_params.get("company_id", _agent(connection).companies[0]) != huggy.company_id:
        raise Refused(404, {"reason": "Não encontrado"})


def require_lists(connection: Connection, _: object) -> None:
    """Nobody knows whether Huggy lists these: the fault `lists` is a Huggy that does not."""
    faults: Faults = connection.app.state.faults
    if faults.active("lists") is not None:
        raise Refused(404, {"reason": "Não encontrado"})


def _agent(connection: Connection) -> Agent:
    huggy: Huggy = connection.app.state.huggy
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    agent = huggy.accounts.agent(token) if scheme == "Bearer" else None
    if agent is None:
        raise Refused(401, {"error": "access_denied", "message": "Unauthorized", "hint": "Missing or invalid token"})
    return agent


class Chats(Controller):
    path = "/chats/{chat_id:int}"
    guards = [require_token, require_home]

    @get("/")
    async def read(self, chat_id: FromPath[int], huggy: NamedDependency[Huggy]) -> dict[str, Any]:
        return _shown(_chat(huggy, chat_id))

    @get("/messages")
    async def messages(self, chat_id: FromPath[int], huggy: NamedDependency[Huggy]) -> list[dict[str, Any]]:
        chat = _chat(huggy, chat_id)
        if chat.situation is Situation.AUTO:
            raise Refused(403, {"reason": _FORBIDDEN})
        return [_message(entry, chat) for entry in chat.messages]

    @post("/messages", status_code=200)
    async def write(
        self, request: VendorRequest, chat_id: FromPath[int], huggy: NamedDependency[Huggy]
    ) -> dict[str, Any]:
        text = ("text", "file", "fileBase64", "fileName")
        fields = await json_fields(request, {}, {**dict.fromkeys(text, str), "isInternal": bool, "options": list})
        chat = _open_chat(huggy, chat_id)
        file = _file(huggy, fields)
        if not file and not fields.get("text"):
            raise Refused(400, {"reason": "Mensagem vazia"})
        entry = chat.app_says(fields.get("text", ""), file=file, internal=fields.get("isInternal", False))
        took_effect(request)
        return _message(entry, chat)

    @post("/flow", status_code=200)
    async def start_flow(
        self, request: VendorRequest, chat_id: FromPath[int], huggy: NamedDependency[Huggy]
    ) -> Response[bytes]:
        fields = await json_fields(request, {"flowId": (int, str)}, {"variables": dict})
        chat = _open_chat(huggy, chat_id)
        huggy.start_flow(chat, _flow_id(huggy, fields["flowId"]), _variables(fields))
        took_effect(request)
        return _empty()

    @put("/close")
    async def close(
        self, request: VendorRequest, chat_id: FromPath[int], huggy: NamedDependency[Huggy]
    ) -> Response[bytes]:
        if await request.body():
            await json_fields(request, {}, {"sendFeedback": bool, "tabulation": str, "comment": str})
        _open_chat(huggy, chat_id).close()
        took_effect(request)
        return _empty()

    @put("/workflow")
    async def workflow(
        self, request: VendorRequest, chat_id: FromPath[int], huggy: NamedDependency[Huggy]
    ) -> Response[bytes]:
        step = (await json_fields(request, {"stepId": (int, str)}))["stepId"]
        chat = _open_chat(huggy, chat_id)
        if step != "" and not isinstance(step, int):
            raise Refused(400, {"reason": "stepId inválido"})
        chat.workflow_step = step if isinstance(step, int) else None
        took_effect(request)
        return _empty()


@put("/contacts/{contact_id:int}/execFlow", guards=[require_token, require_home])
async def exec_flow(request: VendorRequest, contact_id: FromPath[int], huggy: NamedDependency[Huggy]) -> dict[str, Any]:
    fields = await json_fields(
        request,
        {"uuid": str, "flowId": (int, str)},
        {"variables": dict, "whenInChat": bool, "whenWaitForChat": bool, "whenInAuto": bool},
    )
    contact = huggy.contacts.get(contact_id)
    if contact is None:
        raise Refused(404, {"reason": "Contato não encontrado"})
    if fields["uuid"] != CHANNEL_UUID:
        raise Refused(400, {"reason": "Canal não encontrado"})
    flow_id, variables = _flow_id(huggy, fields["flowId"]), _variables(fields)
    chat = huggy.open_chat(contact)
    if chat is not None and not fields.get(_MAY_TAKE[chat.situation], False):
        raise Refused(400, {"reason": "O contato já está em atendimento"})
    chat = chat or huggy.new_chat(contact)
    huggy.start_flow(chat, flow_id, variables)
    took_effect(request)
    return {"reason": "Flow iniciado", "chatID": chat.id}


@get("/agents/profile", guards=[require_token])
async def profile(request: VendorRequest) -> dict[str, Any]:
    agent = _agent(request)
    return {"id": agent.id, "name": agent.name, "email": agent.email, "username": agent.name.split()[0], "photo": None}


@get("/companies", guards=[require_token, require_lists])
async def companies(request: VendorRequest) -> list[dict[str, Any]]:
    return [{"id": company_id, "name": COMPANIES[company_id]} for company_id in _agent(request).companies]


@get("/chats", guards=[require_token, require_home])
async def chats(huggy: NamedDependency[Huggy], page: FromQuery[int] = 0) -> list[dict[str, Any]]:
    return [_shown(chat) for chat in list(huggy.chats.values())[page * PAGE : (page + 1) * PAGE]]


@get("/flows", guards=[require_token, require_home, require_lists])
async def flows(huggy: NamedDependency[Huggy]) -> list[dict[str, Any]]:
    return [{"id": flow.id, "name": flow.name} for flow in huggy.flows.values()]


API = (Chats, exec_flow, profile, companies, chats, flows)


def _chat(huggy: Huggy, chat_id: int) -> Chat:
    chat = huggy.chats.get(chat_id)
    if chat is None:
        raise Refused(404, {"reason": "Atendimento não encontrado"})
    return chat


def _open_chat(huggy: Huggy, chat_id: int) -> Chat:
    chat = _chat(huggy, chat_id)
    if not chat.is_open:
        raise Refused(400, {"reason": "Atendimento encerrado"})
    return chat


def _flow_id(huggy: Huggy, given: int | str) -> int:
    """Public clients send it as a number or as its digits."""
    flow_id = int(given) if isinstance(given, int) or (given.isascii() and given.isdigit()) else None
    if flow_id is None or flow_id not in huggy.flows:
        raise Refused(404, {"reason": "Flow não encontrado"})
    return flow_id


def _variables(fields: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, Any] = fields.get("variables", {})
    if not all(isinstance(value, str) for value in variables.values()):
        raise Refused(400, {"reason": "variables: somente textos"})
    return variables


def _file(huggy: Huggy, fields: dict[str, Any]) -> str:
    """The address of the message's file; empty when it has none."""
    bad = Refused(400, {"reason": "Arquivo inválido"})
    if address := fields.get("file", ""):
        if "fileBase64" in fields or not address.startswith(("http://", "https://")):
            raise bad
        return str(address)
    if "fileBase64" not in fields:
        return ""
    try:
        content = base64.b64decode(fields["fileBase64"], validate=True)
    except binascii.Error:
        raise bad from None
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    name = fields.get("fileName", "")
    if kind is None or not name or "/" in name or len(content) > FILE_MAX:
        raise bad
    return huggy.keep_file(File(name=name, content=content, media_type=kind))


def _empty() -> Response[bytes]:
    return Response(b"", status_code=200, media_type="application/json")


def _customer(chat: Chat) -> dict[str, Any]:
    contact = chat.contact
    return {"id": contact.id, "name": contact.name, "mobile": contact.phone, "phone": contact.phone, "email": None}


def _shown(chat: Chat) -> dict[str, Any]:
    last = chat.messages[-1] if chat.messages else None
    closed = chat.transcript[-1].sent_at if not chat.is_open else None
    return {
        "id": chat.id,
        "agentId": 301 if chat.situation is Situation.WITH_AGENT else None,
        "contactId": chat.contact.id,
        "departmentId": None,
        "tabulationId": None,
        "lastMessage": last
        and {"text": last.text, "file": last.file or None, "sendAt": last.sent_at, "senderType": _sender_type(last)},
        "unread": 0,
        "chatCustomer": _customer(chat),
        "workflowID": None,
        "workflowStepID": chat.workflow_step,
        "situation": chat.situation.value,
        "createdAt": chat.created_at,
        "updatedAt": chat.transcript[-1].sent_at if chat.transcript else chat.created_at,
        "closedAt": closed,
        "enabledSession": chat.is_open,
        "channel": CHANNEL,
        "channels": [{"uuid": chat.channel_uuid, "id": 1, "name": "WhatsApp", "type": CHANNEL}],
        "agents": [],
    }


def _message(entry: Entry, chat: Chat) -> dict[str, Any]:
    return {
        "id": f"{chat.id}-{entry.seq}",
        "text": entry.text,
        "type": "file" if entry.file else "text",
        "isInternal": entry.internal,
        "isEmail": False,
        "sender": _customer(chat) if entry.who is Who.CUSTOMER else None,
        "senderType": _sender_type(entry),
        "file": entry.file or None,
        "chat": {"id": chat.id, "channel": CHANNEL, "situation": chat.situation.value},
        "customer": _customer(chat),
        "channel": CHANNEL,
        "sendAt": entry.sent_at,
        "readAt": None,
    }


def _sender_type(entry: Entry) -> str:
    """On this channel both sides carry the channel's name, but notes are an agent's. Source: seen live."""
    return "agent" if entry.internal else "whatsapp-enterprise"

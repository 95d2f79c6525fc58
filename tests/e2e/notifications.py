"""Every shape in which Huggy's "Notificar App" may come: the platform does not publish it, so all must be understood."""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a flow asks of Ponte, before it takes a shape. None: the field is not there at all."""

    event: str
    chat: str
    company: str
    token: str = field(repr=False)
    document: str | None = None
    contract: str | None = None
    description: str | None = None
    id: str = field(default_factory=lambda: f"n-{next(_numbers)}")
    time: int = field(default_factory=lambda: int(time.time()))
    contact: str = "c-1"
    phone: str = "+5511987654321"
    situation: str = "auto"

    def fields(self, document_key: str = "cpf_cnpj", description_key: str = "descricao") -> dict[str, str]:
        named = {document_key: self.document, "CONTRATO": self.contract, description_key: self.description}
        return {key: value for key, value in named.items() if value is not None}

    def chat_object(self) -> dict[str, Any]:
        return {
            "id": int(self.chat),
            "channel": "whatsapp",
            "situation": self.situation,
            "customer": {"id": self.contact, "name": "Zuleide Quaresma", "phone": self.phone},
        }


@dataclass(frozen=True, kw_only=True)
class Body:
    content: bytes = field(repr=False)
    content_type: str = "application/json"


Shape = Callable[[Asked], Body]


def as_json(value: object) -> Body:
    return Body(content=json.dumps(value, ensure_ascii=False).encode())


def envelope(asked: Asked, *items: dict[str, Any], name: str = "notifyApp") -> dict[str, Any]:
    return {"time": asked.time, "token": asked.token, "messages": {name: list(items)}}


def item(asked: Asked, **changed: Any) -> dict[str, Any]:
    """One item of the canonical form."""
    return {
        "id": asked.id,
        "event": asked.event,
        "company": {"id": int(asked.company)},
        "chat": asked.chat_object(),
        "data": asked.fields(),
    } | changed


def canonical(asked: Asked) -> Body:
    return as_json(envelope(asked, item(asked)))


def _listed(asked: Asked, key: str, value: str) -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in asked.fields().items()]


def chave_valor_list(asked: Asked) -> Body:
    return as_json(envelope(asked, item(asked, data=_listed(asked, "chave", "valor"))))


def key_value_list(asked: Asked) -> Body:
    return as_json(envelope(asked, item(asked, data=_listed(asked, "key", "value"))))


def fields_at_the_items_top(asked: Asked) -> Body:
    without_data = {key: value for key, value in item(asked).items() if key != "data"}
    return as_json(envelope(asked, without_data | asked.fields(document_key="cpf", description_key="descrição")))


def fields_as_json_text(asked: Asked) -> Body:
    return as_json(envelope(asked, item(asked, data=json.dumps(asked.fields(document_key="documento")))))


def document_beside_added_fields(asked: Asked) -> Body:
    """The form of the panel: its own fields by name, those of "+ Adicionar" as a list."""
    added = [{"chave": "CONTRATO", "valor": asked.contract}] if asked.contract is not None else []
    named = asked.fields()
    named.pop("CONTRATO", None)
    return as_json(envelope(asked, item(asked, data=named, params=added)))


def event_names_the_list(asked: Asked) -> Body:
    plain = {key: value for key, value in item(asked).items() if key != "event"}
    return as_json(envelope(asked, plain, name=asked.event))


def ids_as_text(asked: Asked) -> Body:
    chat = asked.chat_object() | {"id": asked.chat}
    return as_json(envelope(asked, item(asked, chat=chat, company={"id": asked.company})))


def _flat(asked: Asked, event_key: str, chat_key: str, company_key: str, document_key: str) -> dict[str, Any]:
    return {
        "token": asked.token,
        "id": asked.id,
        event_key: asked.event,
        chat_key: asked.chat,
        company_key: asked.company,
        "contactId": asked.contact,
        **asked.fields(document_key=document_key),
    }


def flat(asked: Asked) -> Body:
    return as_json(_flat(asked, "event", "chatID", "companyId", "cpf_cnpj"))


def flat_with_system_variables(asked: Asked) -> Body:
    return as_json(_flat(asked, "evento", "SYSTEM.CHAT_ID", "company_id", "cpf"))


def flat_named_otherwise(asked: Asked) -> Body:
    return as_json(_flat(asked, "eventName", "chat_id", "company", "cpfcnpj"))


def flat_with_an_action(asked: Asked) -> Body:
    return as_json(_flat(asked, "action", "chatId", "companyId", "documento"))


def form(asked: Asked) -> Body:
    content = urlencode(_flat(asked, "event", "chatID", "companyId", "cpf_cnpj")).encode()
    return Body(content=content, content_type="application/x-www-form-urlencoded")


def form_with_a_json_field(asked: Asked) -> Body:
    plain = {"token": asked.token, "id": asked.id, "event": asked.event, "chatID": asked.chat}
    content = urlencode(plain | {"data": json.dumps(asked.fields())}).encode()
    return Body(content=content, content_type="application/x-www-form-urlencoded")


def flow_token(asked: Asked) -> Body:
    """The event that Huggy is known to send when a flow starts, its token used as the event's name."""
    context = {
        "SYSTEM.CHAT_ID": asked.chat,
        "SYSTEM.CLIENT_NAME": "Zuleide Quaresma",
        "SYSTEM.CLIENT_NUMBER": asked.phone,
        **asked.fields(document_key="cpf"),
    }
    started = {
        "chatID": int(asked.chat),
        "flowID": 901,
        "flowToken": asked.event,
        "context": context,
        "company": {"id": int(asked.company)},
    }
    return as_json(envelope(asked, started, name="startedAutomationFlow"))


SHAPES: tuple[Shape, ...] = (
    canonical,
    chave_valor_list,
    key_value_list,
    fields_at_the_items_top,
    fields_as_json_text,
    document_beside_added_fields,
    event_names_the_list,
    ids_as_text,
    flat,
    flat_with_system_variables,
    flat_named_otherwise,
    flat_with_an_action,
    form,
    form_with_a_json_field,
    flow_token,
)

LOOKUP, BOLETO, UNBLOCK, TICKET = "CONSULTAR_CLIENTE", "2_VIA_BOLETO", "DESBLOQUEAR_CONTRATO", "ABRIR_SOLICITACAO"

SPELLINGS: dict[str, tuple[str, ...]] = {
    LOOKUP: (LOOKUP, "Consultar Cliente", "consultar cliente"),
    BOLETO: (BOLETO, "2 via boleto", "Segunda via de boleto"),
    UNBLOCK: (UNBLOCK, "Desbloqueio por confiança", "desbloqueio por confianca"),
    TICKET: (TICKET, "Abrir Solicitação de Suporte", "ABRIR_CHAMADO"),
}

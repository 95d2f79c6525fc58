"""What a flow posts by "Enviar requisição", as a domain notification. Pure: bytes in, values out.

The author of the flow writes the fields, as keys and values or as JSON; they are found wherever they stand and under
the names that the webhook knows too. What is asked stands in the address.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import assert_never
from urllib.parse import parse_qsl

import msgspec

from adapters.huggy import vocabulary
from adapters.huggy.body import MAX_FORM_FIELDS, Tree, embedded, read_body
from adapters.huggy.fields import Fields, text
from adapters.huggy.inbound import (
    LONGEST_CONTRACT,
    LONGEST_DOCUMENT,
    LONGEST_PHONE,
    NotUnderstood,
    chat_ref,
    read_notification,
)
from adapters.huggy.vocabulary import Asked
from application.ports import Arrival
from domain.flow_answer import FlowOperation
from domain.identifiers import NotificationKey, Secret
from domain.notification import ChatRef, Notification, OutageAsked


def read_request(
    operation: FlowOperation, body: bytes, content_type: str = "", query: str = "", *, salt: Secret
) -> Arrival:
    """Raises `NotUnderstood` and nothing else, whatever the bytes. A field that is missing is empty, and so is the
    chat's id: that leads to a business answer, not to an error.

    Equal requests have equal keys, in which nobody who does not know `salt` can look for a document.
    """
    try:
        return _arrival(operation, _fields(body, content_type, query), salt)
    except RecursionError:
        reason = "nested too deep"
    except ValueError:
        reason = "neither a JSON object nor a form"
    raise NotUnderstood(reason)


def _fields(body: bytes, content_type: str, query: str) -> Mapping[str, Tree]:
    """Those of the body count before those of the address, unless they were never filled."""
    asked = dict(parse_qsl(query, max_num_fields=MAX_FORM_FIELDS, errors="replace"))
    sent = embedded(read_body(body, content_type)) if body.strip() else {}
    if isinstance(sent, list):
        sent = {"data": sent}
    if not isinstance(sent, dict):
        raise ValueError
    return {**asked, **{name: value for name, value in sent.items() if _is_filled(value)}}


def _is_filled(value: Tree) -> bool:
    return isinstance(value, dict | list) or text(value) != ""


def _arrival(operation: FlowOperation, content: Mapping[str, Tree], salt: Secret) -> Arrival:
    fields = Fields(content)
    chat_id = fields.identifier(vocabulary.CHAT_ID)
    chat = msgspec.structs.replace(
        chat_ref(chat_id, fields, fields.identifier(vocabulary.COMPANY_ID)),
        phone=fields.text(vocabulary.FLOW_PHONE)[:LONGEST_PHONE],
    )
    keyless = _notification(operation, chat, fields)
    return Arrival(
        notification=msgspec.structs.replace(keyless, key=_key(operation, keyless, salt)),
        raw=msgspec.json.encode({"operation": operation, "request": content}),
    )


def _notification(operation: FlowOperation, chat: ChatRef, fields: Fields) -> Notification:
    match operation:
        case FlowOperation.LOOK_UP:
            return read_notification(Asked.CUSTOMER, _NO_KEY, chat, fields)
        case FlowOperation.BOLETO:
            return read_notification(Asked.BOLETO, _NO_KEY, chat, fields)
        case FlowOperation.UNBLOCK:
            return read_notification(Asked.UNBLOCK, _NO_KEY, chat, fields)
        case FlowOperation.TICKET:
            return read_notification(Asked.TICKET, _NO_KEY, chat, fields)
        case FlowOperation.OUTAGE:
            return OutageAsked(
                key=_NO_KEY,
                chat=chat,
                document=fields.typed(vocabulary.DOCUMENT, LONGEST_DOCUMENT),
                contract=fields.typed(vocabulary.CONTRACT, LONGEST_CONTRACT),
            )
        case _:
            assert_never(operation)


def _key(operation: FlowOperation, asked: Notification, salt: Secret) -> NotificationKey:
    """Made of what was understood alone: a flow may send a time or a greeting along that changes with every request."""
    secret = salt.reveal().encode("utf-8", "surrogatepass")[: blake2b.MAX_KEY_SIZE]
    digest = blake2b(msgspec.json.encode(asked), key=secret, digest_size=20).hexdigest()
    return NotificationKey(f"~flow:{operation}:{digest}")


_NO_KEY = NotificationKey("")

"""What Huggy posts to the webhook, as the domain's notifications. Pure: bytes in, values out.

Huggy's envelope is `{time, token, messages: {name: [item, …]}}` (source: vendor documentation and public client code);
what its action "Notificar App" sends is not public, so a flat object, a list of objects and a form are understood too.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import chain
from typing import assert_never

import msgspec
from msgspec import Struct

from adapters.huggy import vocabulary
from adapters.huggy.body import Tree, embedded, read_body
from adapters.huggy.fields import Fields, fold, text
from adapters.huggy.redaction import label, sample
from adapters.huggy.vocabulary import Asked
from domain.identifiers import ChatId, CompanyId, ContactId, NotificationKey, Personal, Secret
from domain.notification import (
    BoletoRequested,
    ChatRef,
    CustomerLookup,
    NotForUs,
    Notification,
    TicketRequested,
    UnblockRequested,
)

LONGEST_DOCUMENT = 64
LONGEST_CONTRACT = 200
LONGEST_DESCRIPTION = 4000
LONGEST_TOKEN = 256
LONGEST_CHANNEL = 64
LONGEST_PHONE = 32

_TIME = re.compile(r"1\d{9}(\d{3})?\Z|20\d\d-[01]\d-[0-3]\d[ T][0-2]\d:[0-5]\d", re.ASCII)
"""seconds or milliseconds since 1970, as in Huggy's envelope, or `2026-08-05 09:15:00`, as in its `send_at`"""


class NotUnderstood(Exception):
    """The body is neither JSON nor a form, or is nested beyond reason."""


class Handshake(Struct, frozen=True, kw_only=True):
    """Huggy checks the address: it wants its token back."""

    token: Secret


class Understood(Personal, frozen=True, kw_only=True):
    """A notification, and the JSON that `parse` makes the same notification of; the webhook's token is not in it."""

    safe = ("notification",)

    notification: Notification
    raw: bytes


class Strange(Personal, frozen=True, kw_only=True):
    """Nothing to act on. `raw` is a redacted sample, JSON of at most 4 KiB."""

    safe = ("what",)

    what: NotForUs
    raw: bytes


class Delivery(Struct, frozen=True, kw_only=True):
    """All that one POST brought, in the order sent. `token` is the webhook's, None when the body carries none."""

    token: Secret | None
    items: tuple[Understood | Strange, ...]


class _Item(Struct, frozen=True, kw_only=True):
    """One thing that was sent, with what its envelope says for all items of it."""

    name: str | None = None
    """under which name of `messages`; None: there was no envelope"""
    content: Tree
    time: str = ""
    company_id: str = ""


def parse(body: bytes, content_type: str = "") -> Delivery | Handshake:
    """Raises `NotUnderstood` and nothing else, whatever the bytes."""
    try:
        return _told(read_body(body, content_type))
    except RecursionError:
        reason = "nested too deep"
    except ValueError:
        reason = "neither JSON nor a form"
    raise NotUnderstood(reason)


def _told(tree: Tree) -> Delivery | Handshake:
    tree = embedded(tree)
    if isinstance(tree, dict) and _is_handshake(tree):
        return Handshake(token=Secret(value=_token(tree)))
    bodies = tree if isinstance(tree, list) else [tree]
    token = next((token for body in bodies if isinstance(body, dict) and (token := _token(body))), "")
    items = tuple(_read(item) for body in bodies for item in _items(body))
    return Delivery(token=Secret(value=token) if token else None, items=items)


def _is_handshake(body: Mapping[str, Tree]) -> bool:
    return body.get("validToken") in (True, "true", "1") and "messages" not in body and _token(body) != ""


def _token(body: Mapping[str, Tree]) -> str:
    token = text(body.get("token"))
    return token if len(token) <= LONGEST_TOKEN else ""


def _items(body: Tree) -> Iterator[_Item]:
    """An envelope brings several events at once, each with several items."""
    if not isinstance(body, dict):
        yield _Item(content=body)
        return
    messages = embedded(body.get("messages"))
    rest = {key: value for key, value in body.items() if key not in ("messages", "token")}
    if isinstance(messages, list):
        messages = {"": messages}
    if not isinstance(messages, dict):
        yield _Item(content=rest)
        return
    around = Fields(rest)
    time, company_id = around.text(vocabulary.TIME), around.identifier(vocabulary.COMPANY_ID)
    for name, value in messages.items():
        items = embedded(value)
        for item in items if isinstance(items, list) else [items]:
            yield _Item(name=name, content=embedded(item), time=time, company_id=company_id)


def _read(item: _Item) -> Understood | Strange:
    name = item.name or ""
    if not isinstance(item.content, dict):
        return _strange(item, "not_an_object", name)
    if fold(name) in vocabulary.NOT_USED:
        return _strange(item, "event_not_used", name, expected=True)
    fields = Fields(item.content)
    asked = _asked(name, fields)
    if isinstance(asked, NotForUs):
        return _strange(item, asked.reason, asked.event, expected=asked.expected)
    chat = _chat(fields, item.company_id)
    if chat is None:
        return _strange(item, "chat_missing", asked)
    key = _key(asked, chat, fields, fields.text(vocabulary.TIME) or item.time, item.content)
    return Understood(notification=read_notification(asked, key, chat, fields), raw=msgspec.json.encode(_alone(item)))


def _strange(item: _Item, reason: str, event: str, *, expected: bool = False) -> Strange:
    what = NotForUs(reason=reason, event=label(event), expected=expected)
    return Strange(what=what, raw=sample(_alone(item)))


def _alone(item: _Item) -> Tree:
    """The item without its neighbours, in the shape in which it came."""
    if item.name is None:
        return item.content
    return {"time": item.time, "company": item.company_id, "messages": {item.name: [item.content]}}


def _asked(name: str, fields: Fields) -> Asked | NotForUs:
    """The first name that is known decides, the name in `messages` before those in the item."""
    for candidate in chain((name,), fields.texts(vocabulary.EVENT)):
        folded = fold(candidate)
        if folded in vocabulary.SPELLINGS:
            return vocabulary.SPELLINGS[folded]
        if folded in vocabulary.NOT_USED:
            return NotForUs(reason="event_not_used", event=candidate, expected=True)
        if folded == vocabulary.FLOW_STARTED:
            return _asked_by_flow(candidate, fields)
    event = fields.text(vocabulary.EVENT_LABEL) or name
    return NotForUs(reason="event_unknown" if event else "event_missing", event=event)


def _asked_by_flow(event: str, fields: Fields) -> Asked | NotForUs:
    asked = vocabulary.SPELLINGS.get(fold(fields.text(vocabulary.FLOW_TOKEN)))
    return asked or NotForUs(reason="event_not_used", event=event, expected=True)


def _chat(fields: Fields, envelope_company_id: str) -> ChatRef | None:
    chat_id = fields.identifier(vocabulary.CHAT_ID) or _bare_chat_id(fields)
    if not chat_id:
        return None
    return chat_ref(chat_id, fields, fields.identifier(vocabulary.COMPANY_ID) or envelope_company_id)


def chat_ref(chat_id: str, fields: Fields, company_id: str) -> ChatRef:
    contact_id = fields.identifier(vocabulary.CONTACT_ID)
    return ChatRef(
        id=ChatId(chat_id),
        company_id=CompanyId(company_id) if company_id else None,
        contact_id=ContactId(contact_id) if contact_id else None,
        channel=fields.text(vocabulary.CHANNEL)[:LONGEST_CHANNEL],
        channel_uuid=fields.identifier(vocabulary.CHANNEL_UUID),
        phone=fields.text(vocabulary.PHONE)[:LONGEST_PHONE],
    )


def _bare_chat_id(fields: Fields) -> str:
    """Huggy's chat events carry the chat's number as `id`; only where nothing speaks of another meaning."""
    bare = fields.identifier(("id",))
    return bare if bare.isdecimal() and not fields.identifier(vocabulary.EVENT_ID) else ""


def _key(asked: Asked, chat: ChatRef, fields: Fields, time: str, content: Mapping[str, Tree]) -> NotificationKey:
    """Equal for two deliveries of one notification, however the JSON was laid out; nothing personal can be read from it.

    An `id` that is only the chat's, the contact's or the company's comes with every notification of theirs and tells none
    apart. Without an id of its own the content does, and without a time too the key says so with its `~`. An id without a
    time may be that of the kind of event: the content tells apart what a customer typed wrong and typed right.

    The time comes first, so that keys of one hour stand side by side however long the history is: each batch then touches
    a few pages of their index, not one for each notification (docs/performance-history.md).
    """
    own = fields.identifier(vocabulary.EVENT_ID) or fields.identifier(("id",))
    if own in (chat.id, chat.contact_id, chat.company_id):
        own = ""
    if own and time:
        return _digest(asked, chat, "id", own, time, at=time)
    canonical = msgspec.json.encode(content, order="deterministic").decode()
    if own:
        return _digest(asked, chat, "id", own, canonical)
    if time:
        return _digest(asked, chat, "time", time, canonical, at=time)
    return NotificationKey("~" + _digest(asked, chat, "content", canonical))


def _digest(asked: Asked, chat: ChatRef, *parts: str, at: str = "") -> NotificationKey:
    digest = blake2b(msgspec.json.encode((asked, *parts)), key=chat.id.encode()[: blake2b.MAX_KEY_SIZE], digest_size=20)
    return NotificationKey(f"{asked}:{_in_front(at)}{digest.hexdigest()}")


def _in_front(time: str) -> str:
    """The time as it sorts, with a dash behind; empty for what is none, which might be anything of the customer's."""
    found = _TIME.match(time)
    return f"{found.group()}-" if found else ""


def read_notification(asked: Asked, key: NotificationKey, chat: ChatRef, fields: Fields) -> Notification:
    document = fields.typed(vocabulary.DOCUMENT, LONGEST_DOCUMENT)
    contract = fields.typed(vocabulary.CONTRACT, LONGEST_CONTRACT)
    match asked:
        case Asked.CUSTOMER:
            return CustomerLookup(key=key, chat=chat, document=document)
        case Asked.BOLETO:
            return BoletoRequested(key=key, chat=chat, document=document, contract=contract)
        case Asked.UNBLOCK:
            return UnblockRequested(key=key, chat=chat, document=document, contract=contract)
        case Asked.TICKET:
            description = fields.typed(vocabulary.DESCRIPTION, LONGEST_DESCRIPTION)
            return TicketRequested(key=key, chat=chat, document=document, contract=contract, description=description)
        case _:
            assert_never(asked)

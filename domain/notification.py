"""What Huggy tells us: the closed union of notifications, and the chat they come from."""

from enum import StrEnum
from typing import get_args

from msgspec import Struct

from domain.identifiers import ChatId, CompanyId, ContactId, NotificationKey, Personal


class Situation(StrEnum):
    """Where a chat stands. Values of Huggy's `situation`, source: facts on the platform, seen live."""

    AUTOMATIC = "auto"
    QUEUED = "wait_for_chat"
    WITH_AGENT = "in_chat"
    CLOSED = "finishing"
    UNKNOWN = "unknown"


class ChatRef(Personal, frozen=True, kw_only=True):
    """The chat as the notification described it."""

    safe = ("id", "company_id", "channel")

    id: ChatId
    company_id: CompanyId | None = None
    contact_id: ContactId | None = None
    channel: str = ""
    channel_uuid: str = ""
    phone: str = ""
    """as the channel gave it; empty when the person hides it"""


class CustomerLookup(Personal, frozen=True, kw_only=True, tag="customer_lookup"):
    safe = ("key", "chat")

    key: NotificationKey
    chat: ChatRef
    document: str
    """as typed; empty when the field was missing or its variable was never filled"""


class BoletoRequested(Personal, frozen=True, kw_only=True, tag="boleto_requested"):
    safe = ("key", "chat")

    key: NotificationKey
    chat: ChatRef
    document: str
    contract: str = ""
    """the customer's free answer to "which contract?"; empty when none was asked"""


class UnblockRequested(Personal, frozen=True, kw_only=True, tag="unblock_requested"):
    safe = ("key", "chat")

    key: NotificationKey
    chat: ChatRef
    document: str
    contract: str = ""


class TicketRequested(Personal, frozen=True, kw_only=True, tag="ticket_requested"):
    safe = ("key", "chat")

    key: NotificationKey
    chat: ChatRef
    document: str
    description: str
    contract: str = ""


class OutageAsked(Personal, frozen=True, kw_only=True, tag="outage_asked"):
    """ "Is there an outage at my place?" Only a flow that waits for its answer asks so."""

    safe = ("key", "chat")

    key: NotificationKey
    chat: ChatRef
    document: str
    contract: str = ""


Notification = CustomerLookup | BoletoRequested | UnblockRequested | TicketRequested | OutageAsked


KINDS: tuple[str, ...] = tuple(str(each.__struct_config__.tag) for each in get_args(Notification))
WRITES = frozenset({"unblock_requested", "ticket_requested"})
"""the kinds that ask the ERP to change something"""


def kind_of(notification: Notification) -> str:
    return str(notification.__struct_config__.tag)


class NotForUs(Struct, frozen=True, kw_only=True, tag="not_for_us"):
    """Something that Huggy sent and that asks nothing of us, or that we do not understand.

    `reason` is a short stable slug without data (`"event_unknown"`, `"chat_missing"`, `"not_json"`, …); `event` the
    event's name as sent, cut to 64 characters.
    """

    reason: str
    event: str = ""
    expected: bool = False
    """True: a known Huggy event that Ponte has no use for (`startedChat`, …). False: worth a person's look."""

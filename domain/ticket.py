"""Support tickets ("solicitação", "chamado") and their protocol numbers."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from domain.customer import Customer
from domain.identifiers import ChatId, ContractId, Personal, ProtocolNumber


class Ticket(Struct, frozen=True, kw_only=True):
    """One that stands in the ERP and is not closed."""

    protocol: ProtocolNumber
    opened_at: datetime | None = None
    """with its zone; None when the ERP does not tell"""
    contract_id: ContractId | None = None
    title: str = ""


class NewTicket(Personal, frozen=True, kw_only=True):
    """What we ask the ERP to open."""

    safe = ("chat_id", "contract_id")

    customer: Customer
    contract_id: ContractId | None
    description: str
    chat_id: ChatId


class TicketOpen(Struct, frozen=True, kw_only=True, tag="ticket_open"):
    protocol: ProtocolNumber


class TicketRefusedByErp(Struct, frozen=True, kw_only=True, tag="ticket_refused"):
    """The ERP understood the request and said no."""


TicketAnswer = TicketOpen | TicketRefusedByErp


def find_duplicate(
    tickets: Sequence[Ticket], *, contract_id: ContractId | None, now: datetime, reuse_h: float
) -> Ticket | None:
    """The open ticket that a new one would only repeat: the newest, of this contract, at most `reuse_h` hours old.

    A ticket whose contract or age the ERP does not tell counts as one: a second ticket is worse than a look at the first.
    """
    oldest = now - timedelta(hours=reuse_h)
    candidates = [
        ticket
        for ticket in tickets
        if (ticket.opened_at is None or ticket.opened_at >= oldest)
        and (contract_id is None or ticket.contract_id in (None, contract_id))
    ]
    return max(candidates, key=lambda ticket: (ticket.opened_at or oldest, ticket.protocol), default=None)


def clean_description(text: str, *, chat_id: ChatId) -> str:
    """The customer's own words on few lines, cut to what an ERP field holds, and the chat to look it up in, if known.

    Empty when there are no words.
    """
    lines = (" ".join(_readable(line).split()) for line in text.splitlines())
    words = "\n".join(line for line in lines if line)
    if not words:
        return ""
    cut = words if len(words) <= DESCRIPTION_MAX else words[: DESCRIPTION_MAX - 1].rstrip() + "…"
    return f"{cut}\n(Huggy, chat {chat_id})" if chat_id else f"{cut}\n(Huggy)"


DESCRIPTION_MAX = 1500


def _readable(line: str) -> str:
    return "".join(c for c in line if c == "\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})

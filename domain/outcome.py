"""What a use case can conclude: the closed union. The tag is also log event, metric label and key of the audit."""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from domain.customer import Contract
from domain.identifiers import Personal, ProtocolNumber
from domain.invoice import Offer
from domain.trust_unblock import UnblockRefusal


class WhyNotFound(StrEnum):
    """Told apart for the admin alone: the customer reads the same words for all."""

    DOCUMENT_MISSING = "document_missing"
    DOCUMENT_INVALID = "document_invalid"
    SEVERAL_DOCUMENTS = "several_documents"
    NOT_IN_ERP = "not_in_erp"
    IDENTITY_UNSURE = "identity_unsure"


class CustomerFound(Personal, frozen=True, kw_only=True, tag="customer.found"):
    safe = ("contracts",)
    first_name: str
    """empty when the record holds nothing that one would greet a person with"""
    contracts: tuple[Contract, ...]


class CustomerInOutage(Personal, frozen=True, kw_only=True, tag="customer.in_outage"):
    """Found, and an outage explains why they write."""

    safe = ("contracts", "protocol")
    first_name: str
    contracts: tuple[Contract, ...]
    told: str
    """the provider's outage message, its variables filled in; empty when it does not want it told"""
    protocol: ProtocolNumber | None
    back_at: str
    """the predicted hour in words, or that there is none: `{{resolution_time_hour}}`"""
    again: bool = False
    """this chat was told the same before: it is not said once more"""
    reached: tuple[str, ...] = ()
    """the numbers of the contracts that it reaches, where the customer has others; empty: it reaches them all"""


class CustomerNotFound(Struct, frozen=True, kw_only=True, tag="customer.not_found"):
    why: WhyNotFound


class ContractUnclear(Struct, frozen=True, kw_only=True, tag="contract.unclear"):
    """Several contracts, and the answer names none of them."""

    contracts: tuple[Contract, ...]


class BoletosIssued(Struct, frozen=True, kw_only=True, tag="boleto.issued"):
    offers: tuple[Offer, ...]
    """oldest first, each with at least one way to pay"""
    more: int
    """open invoices that are not offered because there are too many"""
    withheld: int = 0
    """invoices that could not be offered: none of their codes passed the gate"""
    faults: tuple[str, ...] = ()
    """why codes were held back, for the provider's people"""


class NoOpenBoleto(Struct, frozen=True, kw_only=True, tag="boleto.none_open"):
    pass


class UnblockGranted(Struct, frozen=True, kw_only=True, tag="unblock.granted"):
    protocol: ProtocolNumber | None
    until: date | None


class UnblockDenied(Struct, frozen=True, kw_only=True, tag="unblock.denied"):
    reason: UnblockRefusal


class TicketOpened(Struct, frozen=True, kw_only=True, tag="ticket.opened"):
    protocol: ProtocolNumber


class TicketAlreadyOpen(Struct, frozen=True, kw_only=True, tag="ticket.already_open"):
    protocol: ProtocolNumber


class TicketNotNeeded(Struct, frozen=True, kw_only=True, tag="ticket.outage_explains"):
    """An outage explains it; a second ticket would only hide it."""

    told: str
    protocol: ProtocolNumber | None
    back_at: str


class WhyNoTicket(StrEnum):
    DESCRIPTION_MISSING = "description_missing"
    REFUSED_BY_ERP = "refused_by_erp"


class TicketRefused(Struct, frozen=True, kw_only=True, tag="ticket.refused"):
    reason: WhyNoTicket


class NotOffered(Struct, frozen=True, kw_only=True, tag="not_offered"):
    """This ERP, with these credentials, has no such operation."""

    operation: str


class Paused(Struct, frozen=True, kw_only=True, tag="paused"):
    """The admin sends everybody to the auxiliary flow."""


class Shadowed(Struct, frozen=True, kw_only=True, tag="shadowed"):
    """Shadow mode: here the ERP would have been asked to change something."""

    operation: str


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The world or Ponte failed. `cause` is a stable slug without data."""

    cause: str
    write_in_doubt: bool = False
    """a write to the ERP may have happened: a person must look before anybody repeats it"""
    told: str = ""
    """the provider's outage message, where an outage that reaches everybody stands; empty: nothing to tell, or told"""


Outcome = (
    CustomerFound
    | CustomerInOutage
    | CustomerNotFound
    | ContractUnclear
    | BoletosIssued
    | NoOpenBoleto
    | UnblockGranted
    | UnblockDenied
    | TicketOpened
    | TicketAlreadyOpen
    | TicketNotNeeded
    | TicketRefused
    | NotOffered
    | Paused
    | Shadowed
    | Failed
)

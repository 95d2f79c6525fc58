"""Support tickets ("solicitações") of a customer."""

import asyncio
from collections.abc import Sequence

from adapters.voalle.pbx import VoallePbx
from adapters.voalle.sources import tell_failing_source
from adapters.voalle.third_party import VoalleThirdParty
from adapters.voalle.verdicts import refusal
from adapters.voalle.wire import (
    HOLDERS,
    PROTOCOL,
    TICKET_OPENED_AT,
    TICKET_STATUS,
    TICKET_TITLE,
    TICKETS,
    Fields,
    as_moment,
    folded,
    not_understood,
    rows,
)
from application.failures import Failure
from domain.customer import Customer
from domain.identifiers import CustomerId, ProtocolNumber
from domain.ticket import NewTicket, Ticket, TicketAnswer, TicketOpen, TicketRefusedByErp

_CLOSED = ("encerr", "fecha", "cancel", "conclui")


class VoalleTickets:
    def __init__(self, *, pbx: VoallePbx, third_party: VoalleThirdParty | None) -> None:
        self._pbx = pbx
        self._third_party = third_party

    async def open_tickets(self, customer: Customer) -> Sequence[Ticket]:
        records = dict.fromkeys((customer.id, *(contract.customer_id for contract in customer.contracts)))
        lists = await asyncio.gather(*(self._solicitations(customer_id) for customer_id in records))
        tickets = (ticket for answer in lists for ticket in read_open_tickets(answer))
        return tuple({ticket.protocol: ticket for ticket in tickets}.values())

    async def open(self, ticket: NewTicket) -> TicketAnswer:
        contract = next((each for each in ticket.customer.contracts if each.id == ticket.contract_id), None)
        customer_id = contract.customer_id if contract else ticket.customer.id
        if self._third_party is not None and ticket.contract_id is not None:
            envelope = await self._third_party.open_solicitation(
                client_id=customer_id, contract_id=ticket.contract_id, description=ticket.description
            )
            return read_ticket(envelope.response) if envelope.success else TicketRefusedByErp()
        # The PBX takes no contract: whoever works on the ticket reads in it which one is meant.
        about = f"{ticket.description}\nContrato {contract.number}" if contract else ticket.description
        return read_ticket(await self._pbx.open_solicitation(customer_id, about))

    async def _solicitations(self, customer_id: CustomerId) -> object:
        if self._third_party is not None:
            try:
                return await self._third_party.solicitations(customer_id)
            except Failure as failure:  # the PBX knows the same list, and answers on another port by another token
                tell_failing_source("third_party", failure)
        return await self._pbx.solicitations(customer_id)


def read_open_tickets(answer: object) -> tuple[Ticket, ...]:
    """The tickets of a solicitation list that are not closed; one without a protocol can't be told to anybody."""
    found = rows(answer, what="tickets", under=TICKETS, item=(*PROTOCOL, *TICKET_STATUS))
    return tuple(
        Ticket(
            protocol=ProtocolNumber(protocol),
            opened_at=as_moment(row.get(TICKET_OPENED_AT)),
            title=row.text(TICKET_TITLE),
        )
        for row in found
        if (protocol := row.ident(PROTOCOL)) and not folded(row.text(TICKET_STATUS)).startswith(_CLOSED)
    )


def read_ticket(answer: object) -> TicketAnswer:
    """`protocol`, at the top or one level down; `{"status": "ERROR"}` is a refusal."""
    if refusal(answer) is not None:
        return TicketRefusedByErp()
    fields = Fields(answer) if isinstance(answer, dict) else not_understood("ticket", answer)
    held = fields.inner(HOLDERS)
    protocol = fields.ident(PROTOCOL)
    if protocol is None and held is not None:
        protocol = held.ident(PROTOCOL)
    if protocol is None:
        not_understood("ticket", answer)
    return TicketOpen(protocol=ProtocolNumber(protocol))

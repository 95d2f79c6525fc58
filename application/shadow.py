"""Shadow mode: an ERP that answers every question and refuses every change."""

from collections.abc import Sequence

import msgspec

from application.failures import Failure
from application.ports import Erp, Operation, Tickets
from domain.customer import Contract, Customer
from domain.ticket import NewTicket, Ticket, TicketAnswer
from domain.trust_unblock import UnblockAnswer


class WouldWrite(Failure):
    """The use case came to the point where it would have changed something."""

    def __init__(self, operation: Operation) -> None:
        super().__init__("shadow.would_write", operation)
        self.operation = operation


def read_only(erp: Erp) -> Erp:
    return msgspec.structs.replace(erp, unblocks=_ShadowUnblocks(), tickets=_ShadowTickets(erp.tickets))


class _ShadowUnblocks:
    async def unblock(self, contract: Contract) -> UnblockAnswer:
        raise WouldWrite(Operation.UNBLOCK)


class _ShadowTickets:
    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    async def open_tickets(self, customer: Customer) -> Sequence[Ticket]:
        return await self._tickets.open_tickets(customer)

    async def open(self, ticket: NewTicket) -> TicketAnswer:
        raise WouldWrite(Operation.TICKET)

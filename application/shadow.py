"""Shadow mode: an ERP that answers every question and refuses every change, and outages that nobody is told of."""

from collections.abc import Sequence

import msgspec

from application.failures import Failure
from application.outage_ports import ChangeOutage, Lapse, OutageRegistry
from application.ports import Erp, Operation, Tickets
from domain.customer import Contract, Customer
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId
from domain.ticket import NewTicket, Ticket, TicketAnswer
from domain.trust_unblock import UnblockAnswer


class WouldWrite(Failure):
    """The use case came to the point where it would have changed something."""

    def __init__(self, operation: Operation) -> None:
        super().__init__("shadow.would_write", operation)
        self.operation = operation


def read_only(erp: Erp) -> Erp:
    return msgspec.structs.replace(erp, unblocks=_ShadowUnblocks(), tickets=_ShadowTickets(erp.tickets))


def looked_at_only(registry: OutageRegistry) -> OutageRegistry:
    return _ShadowOutages(registry)


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


class _ShadowOutages:
    """Everybody would be told, and nothing of it is kept."""

    def __init__(self, registry: OutageRegistry) -> None:
        self._registry = registry
        self.standing = registry.standing
        self.just_ended = registry.just_ended
        self.recent = registry.recent
        self.get = registry.get
        self.told = registry.told

    async def change(
        self, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage
    ) -> DeclaredOutage | None:
        return await self._registry.get(installation_id, outage_id)

    async def tell(
        self, installation_id: InstallationId, chat_id: ChatId, outage: Outage, by: NotificationKey, *, closes: bool
    ) -> bool:
        return True

    async def lapsing(self) -> Sequence[Lapse]:
        return ()

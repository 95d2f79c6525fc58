"""A provider's world in plain dicts: the reference implementation of every ERP port, for tests and for reading.

Nothing in here is a mock: it keeps state and obeys the promises of `application.ports`, as the contract tests prove.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec

from application.failures import Failure
from application.ports import Erp, Operation
from domain.customer import Contract, ContractStatus, Customer
from domain.identifiers import ContractId, CustomerId, InvoiceId, ProtocolNumber
from domain.installation import ErpKind
from domain.invoice import Invoice
from domain.outage import Outage, Reported
from domain.tax_id import TaxId
from domain.ticket import NewTicket, Ticket, TicketAnswer, TicketOpen, TicketRefusedByErp
from domain.trust_unblock import UnblockAnswer, Unblocked, UnblockRefusal, UnblockRefused


class World:
    """What the ERP knows; tests seed it and read it back without going through the ports."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now
        self.customers: dict[TaxId, Customer] = {}
        self.invoices: dict[ContractId, list[Invoice]] = {}
        self.pdfs: dict[InvoiceId, bytes] = {}
        self.tickets: dict[CustomerId, list[Ticket]] = {}
        self.outages: list[Outage] = []
        self.accepts_tickets = True
        self.unblocks_left = 1
        self.writes: list[str] = []
        """what was written, in order: `unblock {contract}` and `ticket {customer}`"""
        self._failures: dict[str, deque[Failure | None]] = {}
        self._last_protocol = 1000

    def add(self, customer: Customer) -> None:
        self.customers[customer.tax_id] = customer

    def fail(self, operation: str, *failures: Failure | None) -> None:
        """The next calls of the operation raise these, one a call; None: that call goes well. `unblock!` and `open!`
        take effect before failing."""
        self._failures.setdefault(operation, deque()).extend(failures)

    def check(self, operation: str) -> None:
        waiting = self._failures.get(operation)
        failure = waiting.popleft() if waiting else None
        if failure is not None:
            raise failure

    def protocol(self) -> ProtocolNumber:
        self._last_protocol += 1
        return ProtocolNumber(str(self._last_protocol))

    def contract(self, contract_id: ContractId) -> Contract | None:
        everyone = (contract for customer in self.customers.values() for contract in customer.contracts)
        return next((contract for contract in everyone if contract.id == contract_id), None)

    def replace_contract(self, changed: Contract) -> None:
        for tax_id, customer in self.customers.items():
            contracts = tuple(changed if each.id == changed.id else each for each in customer.contracts)
            self.customers[tax_id] = msgspec.structs.replace(customer, contracts=contracts)


class MemoryCustomers:
    def __init__(self, world: World) -> None:
        self._world = world

    async def find(self, tax_id: TaxId) -> Customer | None:
        self._world.check("find")
        return self._world.customers.get(tax_id)


class MemoryBilling:
    def __init__(self, world: World) -> None:
        self._world = world

    async def open_invoices(self, customer: Customer, contract: Contract) -> Sequence[Invoice]:
        self._world.check("open_invoices")
        return tuple(self._world.invoices.get(contract.id, ()))

    async def pdf(self, invoice_id: InvoiceId) -> bytes | None:
        self._world.check("pdf")
        return self._world.pdfs.get(invoice_id)


class MemoryUnblocks:
    def __init__(self, world: World) -> None:
        self._world = world

    async def unblock(self, contract: Contract) -> UnblockAnswer:
        self._world.check("unblock")
        answer = self._decide(contract)
        self._world.check("unblock!")
        return answer

    def _decide(self, contract: Contract) -> UnblockAnswer:
        stored = self._world.contract(contract.id)
        if stored is None or stored.status is not ContractStatus.BLOCKED:
            return UnblockRefused(reason=UnblockRefusal.NOT_BLOCKED)
        used = stored.unblock_attempts or 0
        if used >= self._world.unblocks_left:
            return UnblockRefused(reason=UnblockRefusal.ALREADY_USED)
        self._world.writes.append(f"unblock {contract.id}")
        self._world.replace_contract(
            msgspec.structs.replace(stored, status=ContractStatus.ACTIVE, unblock_attempts=used + 1)
        )
        return Unblocked(protocol=self._world.protocol())


class MemoryTickets:
    def __init__(self, world: World) -> None:
        self._world = world

    async def open_tickets(self, customer: Customer) -> Sequence[Ticket]:
        self._world.check("open_tickets")
        return tuple(self._world.tickets.get(customer.id, ()))

    async def open(self, ticket: NewTicket) -> TicketAnswer:
        self._world.check("open")
        answer = self._open(ticket)
        self._world.check("open!")
        return answer

    def _open(self, ticket: NewTicket) -> TicketAnswer:
        if not self._world.accepts_tickets:
            return TicketRefusedByErp()
        protocol = self._world.protocol()
        self._world.writes.append(f"ticket {ticket.customer.id}")
        self._world.tickets.setdefault(ticket.customer.id, []).append(
            Ticket(protocol=protocol, opened_at=self._world.now, contract_id=ticket.contract_id)
        )
        return TicketOpen(protocol=protocol)


class MemoryOutages:
    def __init__(self, world: World) -> None:
        self._world = world

    async def affecting(self, customer: Customer) -> Reported:
        self._world.check("affecting")
        ids = {contract.id for contract in customer.contracts}
        known = (*customer.outages, *self._world.outages)
        reaching = {each.id: each for each in known if any(each.reaches(contract) for contract in ids)}
        return Reported(
            outages=tuple(reaching.values()),
            unaffected=frozenset(
                contract for contract in ids if not any(each.reaches(contract) for each in reaching.values())
            ),
            access_points={each.id: each.access_point for each in customer.contracts if each.access_point},
        )


def memory_erp(world: World, *, offers: frozenset[Operation] = frozenset(Operation)) -> Erp:
    return Erp(
        kind=ErpKind.VOALLE,
        offers=offers,
        customers=MemoryCustomers(world),
        billing=MemoryBilling(world),
        unblocks=MemoryUnblocks(world),
        tickets=MemoryTickets(world),
        outages=MemoryOutages(world),
    )

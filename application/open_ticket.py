"""A support ticket: opened once, unless one is open already or an outage explains the trouble."""

import asyncio
from collections.abc import Sequence

from application.announce_outage import AnnounceOutage
from application.check_outage import CheckOutage
from application.failures import Rejected
from application.identify_customer import identify
from application.ports import Clock, Entry, Erp, Ledger, Operation
from application.write_once import WriteOnce
from domain.customer import Customer, choose_contract, in_force
from domain.identifiers import ProtocolNumber
from domain.installation import Policies
from domain.notification import TicketRequested
from domain.outcome import (
    CustomerNotFound,
    NotOffered,
    TicketAlreadyOpen,
    TicketNotNeeded,
    TicketOpened,
    TicketRefused,
    WhyNoTicket,
)
from domain.ticket import NewTicket, Ticket, TicketAnswer, TicketOpen, clean_description, find_duplicate


class OpenTicket:
    def __init__(
        self,
        *,
        erp: Erp,
        clock: Clock,
        journal: Ledger,
        entry: Entry,
        check_outage: CheckOutage,
        announce: AnnounceOutage,
    ) -> None:
        self._erp = erp
        self._clock = clock
        self._check_outage = check_outage
        self._announce = announce
        self._write: WriteOnce[tuple[ProtocolNumber, ...], TicketAnswer] = WriteOnce(
            journal=journal, entry=entry, before=tuple[ProtocolNumber, ...], answer=TicketAnswer
        )

    async def __call__(
        self, request: TicketRequested, policies: Policies
    ) -> TicketOpened | TicketAlreadyOpen | TicketNotNeeded | TicketRefused | CustomerNotFound | NotOffered:
        if Operation.TICKET not in self._erp.offers:
            return NotOffered(operation=Operation.TICKET)
        customer = await identify(request, erp=self._erp, policy=policies.identity)
        if isinstance(customer, CustomerNotFound):
            return customer
        earlier = await self._write.earlier(read_back=lambda before: self._read_back(customer, before))
        if earlier is not None:
            return _conclude(earlier)
        description = clean_description(request.description, chat_id=request.chat.id)
        if not description:
            return TicketRefused(reason=WhyNoTicket.DESCRIPTION_MISSING)
        contract = choose_contract(customer.contracts, request.contract)
        contract_id = contract.id if contract else None
        meant = [contract] if contract else in_force(customer.contracts)
        outage, tickets = await asyncio.gather(self._check_outage(customer, meant), self._open_tickets(customer))
        if outage is not None:
            await self._announce.is_first(outage)  # asked for, so told; it need not be told again at the next contact
            return TicketNotNeeded(
                told=self._announce.words(outage),
                protocol=outage.protocol,
                back_at=self._announce.back_at(outage),
            )
        duplicate = find_duplicate(
            tickets, contract_id=contract_id, now=self._clock.now(), reuse_h=policies.ticket_reuse_h
        )
        if duplicate is not None:
            return TicketAlreadyOpen(protocol=duplicate.protocol)

        ticket = NewTicket(customer=customer, contract_id=contract_id, description=description, chat_id=request.chat.id)
        answer = await self._write(
            tuple(ticket.protocol for ticket in tickets),
            act=lambda: self._erp.tickets.open(ticket),
            read_back=lambda before: self._read_back(customer, before),
        )
        return _conclude(answer)

    async def _open_tickets(self, customer: Customer) -> Sequence[Ticket]:
        if Operation.OPEN_TICKETS not in self._erp.offers:
            return ()
        try:
            return await self._erp.tickets.open_tickets(customer)
        except Rejected:  # this ERP has no such list for us: the ticket is worth more than the check
            return ()

    async def _read_back(self, customer: Customer, before: tuple[ProtocolNumber, ...]) -> TicketAnswer | None:
        """A single ticket that was not there before is ours; none, or several, tell nothing."""
        fresh = {ticket.protocol for ticket in await self._open_tickets(customer)} - set(before)
        return TicketOpen(protocol=fresh.pop()) if len(fresh) == 1 else None


def _conclude(answer: TicketAnswer) -> TicketOpened | TicketRefused:
    if isinstance(answer, TicketOpen):
        return TicketOpened(protocol=answer.protocol)
    return TicketRefused(reason=WhyNoTicket.REFUSED_BY_ERP)

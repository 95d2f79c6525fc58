"""`route`: the one table from outcome to what happens in the chat. Pure and total.

Failures of the world never close a chat and always reach the auxiliary flow.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from domain.action import (
    CloseChat,
    LeaveNote,
    LeaveToAgent,
    Message,
    Remark,
    Route,
    Say,
    SayCode,
    SendPdf,
    StartFlow,
    Terminal,
)
from domain.customer import Contract
from domain.flow_variables import variables_of
from domain.identifiers import FlowId
from domain.installation import FlowKey, Installation
from domain.invoice import Offer
from domain.outcome import (
    BoletosIssued,
    ContractUnclear,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NoOpenBoleto,
    NotOffered,
    Outcome,
    Paused,
    Shadowed,
    TicketAlreadyOpen,
    TicketNotNeeded,
    TicketOpened,
    TicketRefused,
    UnblockDenied,
    UnblockGranted,
)


def route(outcome: Outcome, installation: Installation) -> Route:
    """What the customer sees, then exactly one terminal action."""
    planned = _plan(outcome, installation)
    if isinstance(planned.terminal, StartFlow):
        terminal = msgspec.structs.replace(planned.terminal, variables=variables_of(outcome))
        return Route(remarks=planned.remarks, terminal=terminal)
    return planned


def _plan(outcome: Outcome, installation: Installation) -> Route:
    match outcome:
        case CustomerFound(contracts=contracts, first_name=first_name):
            return _to(FlowKey.CUSTOMER_FOUND, installation, _contract_list(contracts, first_name))
        case CustomerInOutage(contracts=contracts, first_name=first_name, reached=reached):
            told = _in_outage(outcome)
            if installation.policies.outage_closes_chat and not reached:
                return Route(remarks=told, terminal=CloseChat())
            return _to(FlowKey.CUSTOMER_FOUND, installation, (*told, *_contract_list(contracts, first_name)))
        case CustomerNotFound():
            return _to(FlowKey.CUSTOMER_NOT_FOUND, installation)
        case ContractUnclear(contracts=contracts):
            return _to(FlowKey.CUSTOMER_FOUND, installation, _contract_list(contracts, ""))
        case BoletosIssued(offers=offers, more=more):
            return _to(FlowKey.BOLETOS_FOUND, installation, _boletos(offers, more))
        case NoOpenBoleto():
            return _to(FlowKey.BOLETOS_NONE, installation)
        case UnblockGranted():
            return _to(FlowKey.UNBLOCK_GRANTED, installation, _granted(outcome))
        case UnblockDenied(reason=reason):
            return _to(FlowKey.UNBLOCK_DENIED, installation, (_say(f"unblock.denied.{reason}"),))
        case TicketOpened(protocol=protocol):
            return _to(FlowKey.TICKET_OPENED, installation, (_say("ticket.opened", protocol=protocol),))
        case TicketAlreadyOpen(protocol=protocol):
            return _to(FlowKey.TICKET_REFUSED, installation, (_say("ticket.already_open", protocol=protocol),))
        case TicketNotNeeded(told=told):
            return _to(FlowKey.TICKET_REFUSED, installation, _tell(told))
        case TicketRefused(reason=reason):
            return _to(FlowKey.TICKET_REFUSED, installation, (_say(f"ticket.refused.{reason}"),))
        case Failed(write_in_doubt=in_doubt, told=told):
            notes = (LeaveNote(message=Message(key="note.write_in_doubt")),) if in_doubt else ()
            return _to(FlowKey.AUXILIARY, installation, (*_tell(told), *notes))
        case NotOffered() | Paused() | Shadowed():
            return _to(FlowKey.AUXILIARY, installation)
        case _:
            assert_never(outcome)


def to_auxiliary(installation: Installation) -> StartFlow:
    """Where a chat goes when its own flow can't be started."""
    return StartFlow(flow=FlowKey.AUXILIARY, flow_id=installation.flows.get(FlowKey.AUXILIARY))


def for_agent(planned: Route, outcome: Outcome) -> Route:
    """The same result for a chat that an agent has taken meanwhile: internal notes, and nothing is started.

    Remark i of the result stands for remark i of `planned`, so that what was done before stays known as done.
    """
    result = LeaveNote(message=Message(key=f"note.outcome.{tag_of(outcome)}"))
    return Route(remarks=(*map(_as_note, planned.remarks), result), terminal=LeaveToAgent())


def tag_of(outcome: Outcome) -> str:
    """The outcome's stable name: message key, log event, metric label."""
    return str(type(outcome).__struct_config__.tag)


def _to(flow: FlowKey, installation: Installation, remarks: Sequence[Remark] = ()) -> Route:
    return Route(remarks=tuple(remarks), terminal=_start(flow, installation.flows))


def _start(flow: FlowKey, flows: Mapping[FlowKey, FlowId]) -> Terminal:
    """A flow that nobody chose yet is replaced by the auxiliary one."""
    chosen = flow if flows.get(flow) else FlowKey.AUXILIARY
    return StartFlow(flow=chosen, flow_id=flows.get(chosen))


def _say(key: str, **values: str) -> Say:
    return Say(message=Message(key=key, values=values))


def _tell(told: str) -> tuple[Remark, ...]:
    return (_say("outage.told", text=told),) if told else ()


def _in_outage(outcome: CustomerInOutage) -> tuple[Remark, ...]:
    """What was not said before; with several contracts also which of them are reached, where not all are."""
    if outcome.again or not outcome.told or not outcome.reached:
        return () if outcome.again else _tell(outcome.told)
    key = "outage.reaches_one" if len(outcome.reached) == 1 else "outage.reaches"
    return (*_tell(outcome.told), _say(key, contracts=", ".join(outcome.reached)))


def _contract_list(contracts: Sequence[Contract], first_name: str) -> tuple[Remark, ...]:
    """A numbered list where there is a choice."""
    if len(contracts) < 2:
        return ()
    key = "contracts.greeting" if first_name else "contracts.list"
    return (Say(message=Message(key=key, values={"first_name": first_name}, lines=contract_lines(contracts))),)


def contract_lines(contracts: Sequence[Contract]) -> tuple[Message, ...]:
    """One line for each, numbered: number, plan and district; never an address."""
    return tuple(
        Message(
            key="contracts.line_about" if contract.plan or contract.district else "contracts.line",
            values={
                "position": str(position),
                "number": contract.number,
                "about": " – ".join(part for part in (contract.plan, contract.district) if part),
            },
        )
        for position, contract in enumerate(contracts, start=1)
    )


def _boletos(offers: Sequence[Offer], more: int) -> tuple[Remark, ...]:
    remarks = [remark for offer in offers for remark in _boleto(offer)]
    if any(offer.pix_code and offer.digitable_line for offer in offers):
        remarks.append(_say("boleto.use_one_only"))
    if more:
        remarks.append(_say("boleto.more" if more > 1 else "boleto.one_more", count=str(more)))
    return tuple(remarks)


def _boleto(offer: Offer) -> tuple[Remark, ...]:
    """One short text, then each code alone in its message, then the PDF or its link."""
    about = [Message(key="boleto.reference", values={"reference": offer.reference})] if offer.reference else []
    if offer.amount is not None:
        about.append(Message(key="boleto.amount", values={"amount": offer.amount.in_reais()}))
    if offer.due_on is not None:
        key = "boleto.was_due_on" if offer.overdue else "boleto.due_on"
        about.append(Message(key=key, values={"due_on": f"{offer.due_on:%d/%m/%Y}"}))
    if offer.payee:
        about.append(Message(key="boleto.payee", values={"payee": offer.payee}))
    codes = [code for code in (offer.pix_code, offer.digitable_line) if code]
    return (
        Say(message=Message(key=f"boleto.intro.{_ways(offer)}", lines=tuple(about))),
        *(SayCode(code=code) for code in codes),
        *([_pdf(offer)] if offer.document else []),
    )


def _pdf(offer: Offer) -> SendPdf:
    return SendPdf(
        invoice_id=offer.invoice_id,
        name=f"boleto-{offer.due_on:%Y-%m-%d}.pdf" if offer.due_on else "boleto.pdf",
        caption=Message(key="boleto.pdf"),
        otherwise=Message(key="boleto.link", values={"link": offer.link}) if offer.link else None,
        only_way=_ways(offer) == "document",
    )


def _ways(offer: Offer) -> str:
    match bool(offer.pix_code), bool(offer.digitable_line):
        case True, True:
            return "pix_and_line"
        case True, False:
            return "pix"
        case False, True:
            return "line"
        case _:
            return "document"


def _granted(outcome: UnblockGranted) -> tuple[Remark, ...]:
    details = []
    if outcome.protocol:
        details.append(Message(key="unblock.protocol", values={"protocol": outcome.protocol}))
    if outcome.until:
        details.append(Message(key="unblock.until", values={"until": f"{outcome.until:%d/%m/%Y}"}))
    return (Say(message=Message(key="unblock.granted", lines=tuple(details))),)


def _as_note(remark: Remark) -> Remark:
    match remark:
        case Say(message=message):
            return LeaveNote(message=message)
        case SayCode(code=code):
            return LeaveNote(message=Message(key="note.code", values={"code": code}))
        case SendPdf(otherwise=link):
            return LeaveNote(message=link or Message(key="note.no_link"))
        case LeaveNote():
            return remark
        case _:
            assert_never(remark)

"""What a flow may use as `{{name}}` after it was started with variables: flat text, in the words that admins read.

The names are a contract: providers' flows hang on them.
"""

from collections.abc import Sequence
from typing import assert_never

from domain.customer import Contract
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


def variables_of(outcome: Outcome) -> dict[str, str]:
    """Only what is known: a variable without a value is left out, because an empty one would be printed as such."""
    return {name: value for name, value in _named(outcome).items() if value}


def _named(outcome: Outcome) -> dict[str, str]:
    match outcome:
        case CustomerFound(first_name=first_name, contracts=contracts):
            return {"cliente_nome": first_name, **_contracts(contracts)}
        case CustomerInOutage(first_name=first_name, contracts=contracts):
            return {
                "cliente_nome": first_name,
                **_contracts(contracts),
                "protocolo": outcome.protocol or "",
                "resolution_time_hour": outcome.back_at,
            }
        case ContractUnclear(contracts=contracts):
            return _contracts(contracts)
        case BoletosIssued(offers=offers, more=more):
            numbered = (_boleto(position, offer) for position, offer in enumerate(offers, start=1))
            boletos = {name: value for boleto in numbered for name, value in boleto.items()}
            return {"boletos": str(len(offers) + more), **boletos}
        case UnblockDenied(reason=reason) | TicketRefused(reason=reason):
            return {"motivo": str(reason)}
        case UnblockGranted(protocol=protocol, until=until):
            return {"protocolo": protocol or "", "desbloqueio_ate": f"{until:%d/%m/%Y}" if until else ""}
        case TicketOpened(protocol=protocol):
            return {"protocolo": protocol}
        case TicketAlreadyOpen(protocol=protocol):
            return {"protocolo": protocol, "motivo": "already_open"}
        case TicketNotNeeded():
            return {
                "protocolo": outcome.protocol or "",
                "motivo": "outage",
                "resolution_time_hour": outcome.back_at,
            }
        case Failed(cause=cause):
            return {"motivo": cause}
        case NotOffered() | Paused() | Shadowed():
            return {"motivo": str(type(outcome).__struct_config__.tag)}
        case CustomerNotFound() | NoOpenBoleto():
            return {}
        case _:
            assert_never(outcome)


def _contracts(contracts: Sequence[Contract]) -> dict[str, str]:
    """`contratos` counts them; each number stands at its position in the list that the customer reads."""
    numbers = {f"contrato_{position}": contract.number for position, contract in enumerate(contracts, start=1)}
    return {"contratos": str(len(contracts)), **numbers}


def _boleto(position: int, offer: Offer) -> dict[str, str]:
    prefix = f"boleto_{position}_"
    return {
        f"{prefix}linha_digitavel": offer.digitable_line,
        f"{prefix}pix": offer.pix_code,
        f"{prefix}link": offer.link,
        f"{prefix}vencimento": f"{offer.due_on:%d/%m/%Y}" if offer.due_on else "",
        f"{prefix}valor": offer.amount.in_reais() if offer.amount else "",
    }

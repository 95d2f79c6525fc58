"""Trust unblock ("desbloqueio de confiança"): a temporary reconnection on a promise to pay."""

from datetime import date
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from domain.customer import Contract, ContractStatus
from domain.identifiers import ProtocolNumber


class UnblockRefusal(StrEnum):
    NOT_BLOCKED = "not_blocked"
    BLOCKED_BY_PROVIDER = "blocked_by_provider"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    ALREADY_USED = "already_used"
    REFUSED_BY_ERP = "refused_by_erp"
    """the ERP said no and gave no reason that we know"""


class Unblocked(Struct, frozen=True, kw_only=True, tag="unblocked"):
    protocol: ProtocolNumber | None = None
    until: date | None = None
    """last day of the reconnection, when the ERP tells; never computed by us"""


class UnblockRefused(Struct, frozen=True, kw_only=True, tag="unblock_refused"):
    reason: UnblockRefusal


UnblockAnswer = Unblocked | UnblockRefused


def refusal(contract: Contract) -> UnblockRefusal | None:
    """Why this contract is not even asked for; None: the ERP decides, which alone knows its limits and periods."""
    match contract.status:
        case ContractStatus.BLOCKED | ContractStatus.UNKNOWN:
            return None
        case ContractStatus.ACTIVE:
            return UnblockRefusal.NOT_BLOCKED
        case ContractStatus.BLOCKED_BY_PROVIDER:
            return UnblockRefusal.BLOCKED_BY_PROVIDER
        case ContractStatus.SUSPENDED:
            return UnblockRefusal.SUSPENDED
        case ContractStatus.CANCELLED:
            return UnblockRefusal.CANCELLED
        case _:
            assert_never(contract.status)


def took_effect(before: Contract, after: Contract) -> bool:
    """Whether an unblock is seen between two looks at a contract: its counter went up, or it is blocked no more."""
    if before.unblock_attempts is not None and after.unblock_attempts is not None:
        return after.unblock_attempts > before.unblock_attempts
    return before.status is ContractStatus.BLOCKED and after.status is ContractStatus.ACTIVE

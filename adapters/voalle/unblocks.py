"""Trust unblocks, asked for once over the PBX."""

from adapters.voalle.pbx import VoallePbx
from adapters.voalle.verdicts import reason_of, refusal
from adapters.voalle.wire import PROTOCOL, RETURN, Fields, not_understood
from application.failures import Rejected
from domain.customer import Contract
from domain.identifiers import ProtocolNumber
from domain.trust_unblock import UnblockAnswer, Unblocked, UnblockRefusal, UnblockRefused

_NOT_BLOCKED = ("nao possui contrato bloqueado", "nao esta bloquead", "nao bloquead", "nao se encontra bloquead")
_USED_UP = ("limite", "quantidade", "excedid", "ja utiliz", "ja realiz", "ja foi", "maximo", "esgotad")


class VoalleUnblocks:
    def __init__(self, *, pbx: VoallePbx) -> None:
        self._pbx = pbx

    async def unblock(self, contract: Contract) -> UnblockAnswer:
        return read_unblock(await self._pbx.unblock_contract(contract.id))


def read_unblock(answer: object) -> UnblockAnswer:
    """`{"return": true, "protocol": …}`, or `return: false`. Why it refuses is in no public source: known words of a
    message are understood, anything else is a refusal without a reason."""
    fields = Fields(answer) if isinstance(answer, dict) else not_understood("unblock", answer)
    match fields.flag(RETURN):
        case True:
            protocol = fields.ident(PROTOCOL)
            return Unblocked(protocol=ProtocolNumber(protocol) if protocol else None)
        case False:
            return UnblockRefused(reason=_why(reason_of(fields)))
        case None if refusal(answer) is not None:
            raise Rejected("erp.refused")
        case None:
            return not_understood("unblock", answer)


def _why(reason: str) -> UnblockRefusal:
    if any(words in reason for words in _NOT_BLOCKED):
        return UnblockRefusal.NOT_BLOCKED
    if any(words in reason for words in _USED_UP):
        return UnblockRefusal.ALREADY_USED
    return UnblockRefusal.REFUSED_BY_ERP

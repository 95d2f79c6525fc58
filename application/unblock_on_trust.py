"""Trust unblock of the chosen contract: granted or denied by the ERP, asked once."""

from application.identify_customer import identify
from application.ports import Entry, Erp, Ledger, Operation
from application.write_once import WriteOnce
from domain.customer import Contract, Customer, choose_contract, in_force
from domain.installation import Policies
from domain.notification import UnblockRequested
from domain.outcome import ContractUnclear, CustomerNotFound, NotOffered, UnblockDenied, UnblockGranted
from domain.trust_unblock import UnblockAnswer, Unblocked, UnblockRefusal, refusal, took_effect


class UnblockOnTrust:
    def __init__(self, *, erp: Erp, journal: Ledger, entry: Entry) -> None:
        self._erp = erp
        self._write: WriteOnce[Contract, UnblockAnswer] = WriteOnce(
            journal=journal, entry=entry, before=Contract, answer=UnblockAnswer
        )

    async def __call__(
        self, request: UnblockRequested, policies: Policies
    ) -> UnblockGranted | UnblockDenied | ContractUnclear | CustomerNotFound | NotOffered:
        if Operation.UNBLOCK not in self._erp.offers:
            return NotOffered(operation=Operation.UNBLOCK)
        customer = await identify(request, erp=self._erp, policy=policies.identity)
        if isinstance(customer, CustomerNotFound):
            return customer
        earlier = await self._write.earlier(read_back=lambda before: self._read_back(customer, before))
        if earlier is not None:
            return _conclude(earlier)
        if not customer.contracts:
            return UnblockDenied(reason=UnblockRefusal.NOT_BLOCKED)
        contract = choose_contract(customer.contracts, request.contract)
        if contract is None:
            return ContractUnclear(contracts=in_force(customer.contracts))
        refused = refusal(contract)
        if refused is not None:
            return UnblockDenied(reason=refused)

        answer = await self._write(
            contract,
            act=lambda: self._erp.unblocks.unblock(contract),
            read_back=lambda before: self._read_back(customer, before),
        )
        return _conclude(answer)

    async def _read_back(self, customer: Customer, before: Contract) -> UnblockAnswer | None:
        """Only a seen effect is an answer: an unblock that can't be seen may still be on its way."""
        now = await self._erp.customers.find(customer.tax_id)
        contracts = now.contracts if now else ()
        after = next((contract for contract in contracts if contract.id == before.id), None)
        return Unblocked() if after and took_effect(before, after) else None


def _conclude(answer: UnblockAnswer) -> UnblockGranted | UnblockDenied:
    if isinstance(answer, Unblocked):
        return UnblockGranted(protocol=answer.protocol, until=answer.until)
    return UnblockDenied(reason=answer.reason)

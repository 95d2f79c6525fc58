"""The reference implementation keeps what it asks of every vendor."""

from datetime import UTC, date, datetime

import pytest

from adapters.memory.world import World, memory_erp
from application.failures import InDoubt, Unavailable
from application.ports import Erp
from domain.customer import ContractStatus, Customer
from domain.identifiers import ContractId, CustomerId, InvoiceId, ProtocolNumber
from domain.invoice import Invoice
from domain.money import Money
from domain.outage import Outage
from domain.tax_id import Cpf, TaxId
from domain.ticket import Ticket
from tests.contracts.erp import ErpContract
from tests.domain.boletos import collection
from tests.domain.builders import contract

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = date(2026, 12, 21)
ROLES = {
    "ordinary": Cpf(digits="52998224725"),
    "two_contracts": Cpf(digits="12345678909"),
    "without_invoices": Cpf(digits="11144477735"),
    "blocked": Cpf(digits="93541134780"),
    "with_ticket": Cpf(digits="15350946056"),
    "in_outage": Cpf(digits="00000000191"),
}


class MemoryPerson:
    def __init__(self, world: World, tax_id: TaxId) -> None:
        self._world = world
        self.tax_id = tax_id

    @property
    def contracts(self) -> list[ContractId]:
        return [each.id for each in self._world.customers[self.tax_id].contracts]

    @property
    def invoices(self) -> dict[InvoiceId, Money]:
        owed = [invoice for each in self.contracts for invoice in self._world.invoices.get(each, ())]
        return {invoice.id: invoice.nominal for invoice in owed if invoice.nominal}

    @property
    def tickets(self) -> list[ProtocolNumber]:
        return [ticket.protocol for ticket in self._world.tickets.get(self._world.customers[self.tax_id].id, ())]

    @property
    def unblocks(self) -> int:
        return sum(write == f"unblock {each}" for each in self.contracts for write in self._world.writes)


class MemoryStage:
    nobody = Cpf(digits="39053344705")

    def __init__(self) -> None:
        self._world = World(now=NOW)
        self.erp: Erp = memory_erp(self._world)
        for number, (role, tax_id) in enumerate(ROLES.items(), start=1):
            ids = [f"{number}1", f"{number}2"] if role == "two_contracts" else [f"{number}1"]
            status = ContractStatus.BLOCKED if role == "blocked" else ContractStatus.ACTIVE
            contracts = tuple(contract(each, status=status, unblock_attempts=0) for each in ids)
            self._world.add(
                Customer(id=CustomerId(str(number)), name=f"PESSOA {role}", tax_id=tax_id, contracts=contracts)
            )
            if role != "without_invoices":
                for each in ids:
                    self._world.invoices[ContractId(each)] = [
                        Invoice(
                            id=InvoiceId(f"{each}9"),
                            due_on=DUE,
                            nominal=Money(9990),
                            digitable_line=collection(factor=1667, centavos=9990).line,
                        )
                    ]
                    self._world.pdfs[InvoiceId(f"{each}9")] = b"%PDF-1.7"
            if role == "with_ticket":
                self._world.tickets[CustomerId(str(number))] = [Ticket(protocol=ProtocolNumber("88"), opened_at=NOW)]
            if role == "in_outage":
                self._world.outages.append(Outage(id="o", contracts=frozenset(map(ContractId, ids))))

    def person(self, role: str) -> MemoryPerson:
        return MemoryPerson(self._world, ROLES[role])

    def goes_down(self) -> None:
        for operation in ("find", "unblock"):
            self._world.fail(operation, Unavailable("erp.unreachable"))

    def loses_answers_to_writes(self) -> None:
        for operation in ("unblock!", "open!"):
            self._world.fail(operation, InDoubt("erp.dropped"))


class TestMemoryErp(ErpContract):
    @pytest.fixture
    async def stage(self) -> MemoryStage:
        return MemoryStage()

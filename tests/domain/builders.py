"""Small makers of domain values: each test names only what it is about."""

from domain.customer import Contract, ContractStatus, Customer
from domain.identifiers import CompanyId, ContractId, CustomerId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation, Policies
from domain.tax_id import Cpf, TaxId

ANA = Cpf(digits="52998224725")
ALL_FLOWS = {flow: FlowId(str(number)) for number, flow in enumerate(FlowKey, start=11)}


def contract(
    id: str = "20743",  # noqa: A002
    *,
    number: str | None = None,
    status: ContractStatus = ContractStatus.ACTIVE,
    plan: str = "Plano 500 Mega",
    district: str = "Centro",
    customer_id: str = "12345",
    unblock_attempts: int | None = None,
) -> Contract:
    return Contract(
        id=ContractId(id),
        customer_id=CustomerId(customer_id),
        number=id if number is None else number,
        status=status,
        plan=plan,
        district=district,
        unblock_attempts=unblock_attempts,
    )


def customer(
    *contracts: Contract, tax_id: TaxId = ANA, name: str = "ANA MARIA DA SILVA", phones: tuple[str, ...] = ()
) -> Customer:
    return Customer(
        id=CustomerId("12345"), name=name, tax_id=tax_id, phones=phones, contracts=contracts or (contract(),)
    )


def installation(policies: Policies | None = None, flows: dict[FlowKey, FlowId] | None = None) -> Installation:
    return Installation(
        id=InstallationId("inst-1"),
        company_id=CompanyId("1001"),
        name="Provedor Exemplo",
        erp=ErpAccess(kind=ErpKind.VOALLE, url="https://erp.example", token=Secret(value="t0ken")),
        huggy_token=Secret(value="huggy"),
        flows=ALL_FLOWS if flows is None else flows,
        policies=policies or Policies(),
        webhook_key=Secret(value="wk"),
        flow_api_key=Secret(value="fk"),
    )

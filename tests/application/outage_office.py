"""An office in an outage: what the ERP tells, what people declared, and a registry that fails."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from adapters.memory.outages import MemoryOutages
from adapters.messages.catalog import read_catalog
from application.failures import Unavailable
from domain.action import Say
from domain.customer import Customer
from domain.identifiers import ContractId, InstallationId, ProtocolNumber
from domain.installation import Policies
from domain.outage import Outage, Reported
from domain.outage_scope import DeclaredOutage, OutageId, Reach, Scope, Source
from domain.tax_id import TaxId
from tests.application.office import NOON, Office
from tests.domain.builders import customer

TELLS = Policies(outage_message_enabled=True)
CLOSES = Policies(outage_message_enabled=True, outage_closes_chat=True)
AT_SIX = NOON + timedelta(hours=6)
RENDER = read_catalog().render
BY_POINT = Outage(
    id="access_point:1", contracts=frozenset({ContractId("20743")}), predicted_at=AT_SIX, access_point="OLT Centro"
)


def an_office(policies: Policies = TELLS, *people: Customer) -> Office:
    office = Office(policies)
    for person in people or (customer(),):
        office.world.add(person)
    return office


def declared(scope: Scope | None = None, ident: str = "o-1", **told: object) -> DeclaredOutage:
    outage = DeclaredOutage(
        id=OutageId(ident),
        source=Source.ADMIN,
        scope=scope or Scope(reach=Reach.ALL),
        predicted_at=AT_SIX,
        protocol=ProtocolNumber("77"),
        started_at=NOON,
        expires_at=NOON + timedelta(hours=12),
    )
    return replace(outage, **told)


async def declare(office: Office, *outages: DeclaredOutage) -> None:
    for outage in outages:
        await office.outages.change(office.installation.id, outage.id, lambda _, outage=outage: outage)  # type: ignore[misc]


async def standing(office: Office) -> list[DeclaredOutage]:
    return list(await office.outages.standing(office.installation.id))


def said(office: Office) -> list[str]:
    return [RENDER(action.message) for action in office.heard if isinstance(action, Say)]


class Hanging:
    async def affecting(self, customer: Customer) -> Reported:
        await asyncio.Event().wait()
        raise AssertionError


class Slow:
    """Knows the customer after so many seconds on the office's clock."""

    def __init__(self, office: Office, seconds: float) -> None:
        self._office = office
        self._seconds = seconds

    async def find(self, tax_id: TaxId) -> Customer | None:
        self._office.clock.advance(self._seconds)
        return self._office.world.customers.get(tax_id)


class Broken(MemoryOutages):
    """A registry whose database is away."""

    async def standing(self, installation_id: InstallationId) -> list[DeclaredOutage]:
        raise Unavailable("storage.failed")

    just_ended = standing

    async def change(self, *_: object) -> DeclaredOutage | None:
        raise Unavailable("storage.failed")

    async def tell(self, *_: object, closes: bool) -> bool:
        raise Unavailable("storage.failed")


def with_registry(office: Office, registry: MemoryOutages) -> Office:
    office.outages = registry
    office.conclude._outages = registry
    return office

"""Voalle keeps what every ERP promises, by its PBX API alone and by both, against its simulator over real HTTP."""

import ssl
from collections.abc import AsyncGenerator
from datetime import date, datetime

import pytest

from adapters.fence.local import LocalFence
from adapters.memory.clock import SetClock
from adapters.voalle.build import voalle_erp
from adapters.web.client import open_http
from application.ports import Erp
from domain.identifiers import ContractId, InvoiceId, ProtocolNumber, Secret
from domain.installation import ErpAccess, ErpKind, Policies
from domain.money import Money
from domain.tax_id import Cpf, TaxId
from entrypoints.sandbox.city import ZONE, City, start_city
from entrypoints.sandbox.records import Person
from tests.contracts.erp import ErpContract

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)
ROLES = {
    "ordinary": "ana",
    "two_contracts": "bruno",
    "without_invoices": "davi",
    "blocked": "carla",
    "with_ticket": "helena",
    "in_outage": "gabriel",
}


class CityPerson:
    def __init__(self, person: Person, *, marked: str) -> None:
        """`marked`: what stands before the id of an invoice."""
        self._person = person
        self._marked = marked

    @property
    def tax_id(self) -> TaxId:
        return Cpf(digits=self._person.tax_id)

    @property
    def contracts(self) -> list[ContractId]:
        return [ContractId(str(contract.id)) for contract in self._person.contracts]

    @property
    def invoices(self) -> dict[InvoiceId, Money]:
        titles = [title for contract in self._person.contracts for title in contract.titles]
        return {InvoiceId(f"{self._marked}{title.id}"): Money.from_reais(title.value) for title in titles}

    @property
    def tickets(self) -> list[ProtocolNumber]:
        return [ProtocolNumber(ticket.protocol) for ticket in self._person.tickets]

    @property
    def unblocks(self) -> int:
        return sum(contract.unblock_attempts for contract in self._person.contracts)


class CityStage:
    nobody = Cpf(digits="39053344705")

    def __init__(self, city: City, erp: Erp, *, invoices_marked: str) -> None:
        self._city = city
        self._invoices_marked = invoices_marked
        self.erp = erp

    def person(self, role: str) -> CityPerson:
        return CityPerson(self._city.people[ROLES[role]], marked=self._invoices_marked)

    def goes_down(self) -> None:
        self._city.faults.set("erp", "down")

    def loses_answers_to_writes(self) -> None:
        self._city.faults.set("erp", "drop_after_write")


class VoalleContract(ErpContract):
    third_party: bool

    @pytest.fixture
    async def stage(self) -> AsyncGenerator[CityStage]:
        async with start_city(TODAY, clock=lambda: NOW) as city:
            http = open_http(tls=ssl.create_default_context(), max_connections=8)
            erp = voalle_erp(
                access(city, third_party=self.third_party),
                Policies(),
                http,
                SetClock(NOW),
                fences=lambda _: LocalFence(concurrency=4, per_minute=None),
                private_hosts=hosts(city),
            )
            try:
                yield CityStage(city, erp, invoices_marked="" if self.third_party else "pbx:")
            finally:
                await http.aclose()


class TestVoalleByPbxAlone(VoalleContract):
    third_party = False


class TestVoalleByBothApis(VoalleContract):
    third_party = True


def access(city: City, *, third_party: bool) -> ErpAccess:
    voalle, integrator = city.voalle, city.voalle.integrator
    credentials = {
        "auth_url": voalle.auth_url,
        "api_url": voalle.api_url,
        "client_id": integrator.client_id,
        "client_secret": integrator.client_secret,
        "syndata": integrator.syndata,
    }
    return ErpAccess(
        kind=ErpKind.VOALLE,
        url=voalle.url,
        token=Secret(value=voalle.token),
        pbx=voalle.pbx,
        settings=credentials if third_party else {},
    )


def hosts(city: City) -> frozenset[str]:
    urls = (city.voalle.url, city.voalle.auth_url, city.voalle.api_url)
    return frozenset(url.partition("://")[2] for url in urls)

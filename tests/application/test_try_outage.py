"""Whether a customer would be told of an outage, and of which."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from application.declare_outage import Declaration, DeclareOutages
from application.failures import Unavailable
from application.try_outage import OutageTrial, TryOutage
from domain.customer import Customer
from domain.installation import Policies
from domain.outage import Outage
from domain.outage_scope import OutageId, Reach, Scope
from domain.outcome import WhyNotFound
from domain.tax_id import TaxId
from tests.application.office import CPF, NOON, Office
from tests.domain.builders import contract, customer


def office(*people: Customer, policies: Policies | None = None) -> Office:
    made = Office(policies)
    for each in people:
        made.world.add(each)
    return made


async def attempt(made: Office, document: str = CPF) -> OutageTrial:
    attempted = TryOutage(erps=made._erp_of, outages=made.outages, clock=made.clock)
    return await attempted(document, made.installation)


async def declare(made: Office, reach: Reach, names: Sequence[str] = ()) -> None:
    desk = DeclareOutages(registry=made.outages, clock=made.clock, installation=made.installation)
    scope = Scope(reach=reach, names=tuple(names))
    await desk.open(OutageId("o-1"), Declaration(scope=scope, predicted_at=NOON + timedelta(hours=2)))


async def test_a_declared_outage_is_told_by_its_name_in_the_words_of_the_customer() -> None:
    made = office(customer())
    await declare(made, Reach.ALL)
    trial = await attempt(made)
    assert trial.declared is not None
    assert trial.declared.id == "o-1"
    assert "Previsão de retorno: 14h." in trial.words
    assert await made.outages.told(made.installation.id) == {}


async def test_an_outage_elsewhere_is_none_of_theirs() -> None:
    made = office(customer(contract("20743", district="Centro")))
    await declare(made, Reach.DISTRICT, ["Vila Nova"])
    assert await attempt(made) == OutageTrial(contracts=(contract("20743", district="Centro"),))


async def test_an_outage_that_the_erp_tells_just_now_is_told_and_not_kept() -> None:
    made = office(customer())
    made.world.outages.append(Outage(id="erp-1"))
    trial = await attempt(made)
    assert trial.outage is not None
    assert trial.declared is None
    assert await made.outages.standing(made.installation.id) == []


@pytest.mark.parametrize(
    ("document", "why"),
    [(CPF, WhyNotFound.NOT_IN_ERP), ("", WhyNotFound.DOCUMENT_MISSING), ("123", WhyNotFound.DOCUMENT_INVALID)],
)
async def test_who_is_not_found_is_told_why(document: str, why: WhyNotFound) -> None:
    assert await attempt(office(), document) == OutageTrial(why_not_found=why)


async def test_the_phone_does_not_matter_to_the_providers_people() -> None:
    made = office(replace(customer(), phones=()), policies=Policies(identity="document_and_phone"))  # type: ignore[arg-type]
    assert (await attempt(made)).why_not_found is None


async def test_an_erp_that_hangs_is_given_up_in_time() -> None:
    made = office(customer(), policies=Policies(reply_deadline_s=0.04))

    class Hangs:
        async def find(self, tax_id: TaxId) -> Customer | None:
            await asyncio.Event().wait()
            raise AssertionError

    made.erp = replace(made.erp, customers=Hangs())
    with pytest.raises(Unavailable, match="deadline"):
        await attempt(made)

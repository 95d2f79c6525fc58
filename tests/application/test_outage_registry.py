"""What the ERP tells goes into the registry of outages, and out of it again."""

from datetime import timedelta

from msgspec.structs import replace

from application.failures import Unavailable
from application.outage_ports import Told
from domain.identifiers import ChatId, InstallationId, ProtocolNumber
from domain.notification import ChatRef
from domain.outage import Outage
from domain.outage_news import RECORDS_MAX
from domain.outage_scope import DeclaredOutage, Reach, Scope, Source
from domain.outcome import (
    CustomerFound,
    CustomerInOutage,
)
from tests.application.office import NOON, lookup
from tests.application.outage_office import (
    AT_SIX,
    BY_POINT,
    TELLS,
    an_office,
    declare,
    declared,
    standing,
)
from tests.domain.builders import contract, customer


async def test_what_the_erp_tells_is_seen_by_people_and_told_to_the_next_customer_while_the_erp_fails() -> None:
    neighbour = replace(contract("20801"), access_point="OLT Centro")
    office = an_office(TELLS, customer(neighbour))
    office.world.outages.append(replace(BY_POINT, contracts=None, protocol=ProtocolNumber("77")))
    await office.receive(lookup())
    (record,) = await standing(office)
    assert record.source is Source.ERP
    assert record.scope == Scope(reach=Reach.ACCESS_POINT, names=("OLT Centro",))
    assert await office.outages.told(office.installation.id) == {record.id: Told(chats=1)}

    office.world.fail("affecting", Unavailable("erp.timeout"))
    await office.accept(lookup(key="n-2", chat=ChatRef(id=ChatId("55502"))))
    await office.work(ChatId("55502"))
    outcome = office.notebook.finished_with[-1]
    assert isinstance(outcome, CustomerInOutage)
    assert outcome.protocol == "77"


async def test_an_outage_that_goes_on_is_not_written_again_and_a_changed_prediction_is() -> None:
    office = an_office()
    office.world.outages.append(BY_POINT)
    await office.receive(lookup())
    (first,) = await standing(office)
    office.clock.advance(60)
    await office.receive(lookup(key="n-2"))
    assert await standing(office) == [first]

    office.world.outages[0] = replace(BY_POINT, predicted_at=AT_SIX + timedelta(hours=1))
    await office.receive(lookup(key="n-3"))
    (changed,) = await standing(office)
    assert (changed.id, changed.predicted_at) == (first.id, AT_SIX + timedelta(hours=1))


async def test_what_ended_between_the_look_and_the_change_is_not_brought_back() -> None:
    office = an_office()
    office.world.outages.append(BY_POINT)
    await office.receive(lookup())
    (record,) = await standing(office)
    office.clock.advance(3600)
    seen = office.outages.standing

    async def and_then_it_ends(installation_id: InstallationId) -> list[DeclaredOutage]:
        found = list(await seen(installation_id))
        await declare(office, replace(record, ended_at=NOON, ended_by=Source.ADMIN))
        return found

    office.outages.standing = and_then_it_ends  # type: ignore[method-assign]
    await office.receive(lookup(key="n-2"))
    kept = await office.outages.get(office.installation.id, record.id)
    assert kept is not None
    assert kept.ended_by is Source.ADMIN


async def test_what_the_erp_says_is_over_ends() -> None:
    office = an_office(TELLS, customer(replace(contract(), access_point="OLT Centro")))
    office.world.outages.append(BY_POINT)
    await office.receive(lookup())
    office.world.outages.clear()
    assert isinstance(await office.receive(lookup(key="n-2")), CustomerFound)
    assert await standing(office) == []


async def test_what_the_erp_told_is_not_told_to_one_whom_it_says_to_be_well() -> None:
    """Two pieces of equipment under one outage, and one of them works again."""
    office = an_office(TELLS, customer(replace(contract(), access_point="OLT Centro")))
    both = Scope(reach=Reach.ACCESS_POINT, names=("OLT Centro", "OLT Sul"))
    await declare(office, declared(both, source=Source.ERP, reported_as="x"))
    assert isinstance(await office.receive(lookup()), CustomerFound)
    (left,) = await standing(office)
    assert left.scope.names == ("OLT Sul",)


async def test_what_was_taken_away_meanwhile_is_not_brought_back_by_its_end() -> None:
    office = an_office(TELLS, customer(replace(contract(), access_point="OLT Centro")))
    record = declared(Scope(reach=Reach.ACCESS_POINT, names=("OLT Centro",)), source=Source.ERP)
    await declare(office, record)

    async def still(installation_id: InstallationId) -> list[DeclaredOutage]:
        office.outages.remove(office.installation.id)
        return [record]

    office.outages.standing = still  # type: ignore[method-assign]
    assert isinstance(await office.receive(lookup()), CustomerFound)
    assert await office.outages.get(office.installation.id, record.id) is None


async def test_what_people_closed_is_not_told_for_an_hour_though_the_erp_goes_on_telling_it() -> None:
    office = an_office()
    office.world.outages.append(BY_POINT)
    await office.receive(lookup())
    (record,) = await standing(office)
    await declare(office, replace(record, ended_at=office.clock.now(), ended_by=Source.ADMIN))
    assert isinstance(await office.receive(lookup(key="n-2")), CustomerFound)
    assert await standing(office) == []

    office.clock.advance(3600)
    assert isinstance(await office.receive(lookup(key="n-3")), CustomerInOutage)
    assert len(await standing(office)) == 1


async def test_an_erp_with_a_protocol_and_an_hour_for_every_customer_does_not_flood_the_registry() -> None:
    office = an_office()
    for number in range(RECORDS_MAX):
        await declare(office, declared(ident=f"o-{number}", source=Source.ERP, reported_as=f"protocol:{number}"))
    office.world.outages.append(Outage(id="protocol:999", predicted_at=NOON + timedelta(hours=1)))
    assert isinstance(await office.receive(lookup()), CustomerInOutage)
    assert len(await standing(office)) == RECORDS_MAX

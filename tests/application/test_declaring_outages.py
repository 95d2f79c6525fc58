from datetime import timedelta

import pytest
from msgspec.structs import replace

from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.outages import MemoryOutages
from application import declare_outage
from application.declare_outage import Correction, Declaration, DeclareOutages, WhyNot
from application.outage_ports import ChangeOutage
from application.watch_outages import WatchOutages
from domain.identifiers import InstallationId, ProtocolNumber
from domain.installation import Policies
from domain.notice import Notice
from domain.outage_scope import DeclaredOutage, OutageId, Reach, Scope, Source
from tests.application.office import NOON
from tests.domain.builders import installation

ALL = Scope(reach=Reach.ALL)
CITY = Scope(reach=Reach.CITY, names=("Contagem",))
ID = OutageId("o-1")
TWELVE_HOURS = timedelta(hours=12)


class Office:
    def __init__(self) -> None:
        self.clock = SetClock(NOON)
        self.registry = MemoryOutages(clock=self.clock)
        self.installation = installation(Policies(outage_expires_h=12))
        self.declare = DeclareOutages(registry=self.registry, clock=self.clock, installation=self.installation)

    async def open(self, **said: object) -> DeclaredOutage:
        opened = await self.declare.open(ID, Declaration(**{"scope": ALL, **said}))  # type: ignore[arg-type]
        assert isinstance(opened, DeclaredOutage)
        return opened

    async def put(self, outage: DeclaredOutage) -> None:
        await self.registry.change(self.installation.id, outage.id, lambda _: outage)

    async def stands(self) -> list[DeclaredOutage]:
        return list(await self.registry.standing(self.installation.id))


@pytest.fixture
def office() -> Office:
    return Office()


async def test_what_is_opened_stands_from_now_until_the_policy_says(office: Office) -> None:
    opened = await office.open(cause="energia", protocol=ProtocolNumber("77"))
    assert (opened.started_at, opened.expires_at) == (NOON, NOON + TWELVE_HOURS)
    assert (opened.cause, opened.protocol, opened.source) == ("energia", "77", Source.ADMIN)
    assert await office.stands() == [opened]


async def test_it_does_not_expire_before_its_prediction_unless_it_is_said_so(office: Office) -> None:
    tomorrow = NOON + timedelta(days=1)
    assert (await office.open(predicted_at=tomorrow)).expires_at == tomorrow + timedelta(hours=1)
    soon = NOON + timedelta(hours=1)
    assert (await office.open(predicted_at=tomorrow, expires_at=soon)).expires_at == soon


async def test_opened_again_under_the_same_id_it_is_told_anew_and_began_when_it_began(office: Office) -> None:
    await office.open()
    office.clock.advance(60)
    again = await office.open(scope=CITY)
    assert await office.stands() == [again]
    assert (again.started_at, again.scope) == (NOON, CITY)


async def test_so_many_stand_or_have_just_ended_and_no_more_but_each_can_be_told_anew(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declare_outage, "AT_ONCE_MAX", 2)
    await office.open()
    await office.declare.open(OutageId("o-2"), Declaration(scope=ALL))
    await office.declare.close(OutageId("o-2"))
    another = Declaration(scope=CITY)
    assert await office.declare.open(OutageId("o-3"), another) is WhyNot.TOO_MANY
    assert (await office.open(scope=CITY)).scope == CITY
    office.clock.advance(3600)
    assert isinstance(await office.declare.open(OutageId("o-3"), another), DeclaredOutage)


async def test_an_id_that_was_closed_is_not_opened_again(office: Office) -> None:
    await office.open()
    await office.declare.close(ID)
    assert await office.declare.open(ID, Declaration(scope=ALL)) is WhyNot.ENDED


async def test_a_correction_changes_what_it_says_and_nothing_else_and_the_outage_goes_on(office: Office) -> None:
    opened = await office.open(cause="energia", protocol=ProtocolNumber("77"), predicted_at=NOON + TWELVE_HOURS)
    office.clock.advance(3600)
    corrected = await office.declare.correct(ID, Correction(predicted_at=None))
    assert corrected == replace(opened, predicted_at=None, expires_at=NOON + timedelta(hours=13))
    said = Correction(scope=CITY, cause="", protocol=None, expires_at=NOON + timedelta(hours=2))
    corrected = await office.declare.correct(ID, said)
    assert corrected == replace(
        opened, predicted_at=None, scope=CITY, cause="", protocol=None, expires_at=NOON + timedelta(hours=2)
    )


async def test_an_outage_that_has_expired_is_told_again_once_somebody_says_that_it_goes_on(office: Office) -> None:
    await office.open()
    office.clock.advance(13 * 3600)
    assert await office.stands() == []
    assert isinstance(await office.declare.correct(ID, Correction()), DeclaredOutage)
    assert len(await office.stands()) == 1


async def test_a_closed_outage_stands_no_more_and_stays_closed_as_it_was(office: Office) -> None:
    opened = await office.open()
    closed = await office.declare.close(ID, source=Source.API)
    assert closed == replace(opened, ended_at=NOON, ended_by=Source.API)
    assert await office.stands() == []
    office.clock.advance(60)
    assert await office.declare.close(ID) == closed
    assert await office.declare.correct(ID, Correction(cause="x")) is WhyNot.ENDED


async def test_what_there_is_not_can_be_neither_corrected_nor_closed(office: Office) -> None:
    assert await office.declare.correct(ID, Correction()) is WhyNot.UNKNOWN
    assert await office.declare.close(ID) is WhyNot.UNKNOWN


async def test_what_the_erp_tells_can_be_closed_and_not_corrected(office: Office) -> None:
    opened = await office.open()
    await office.put(replace(opened, source=Source.ERP))
    assert await office.declare.correct(ID, Correction(cause="x")) is WhyNot.TOLD_BY_ERP
    closed = await office.declare.close(ID)
    assert isinstance(closed, DeclaredOutage)
    assert closed.ended_by is Source.ADMIN


async def test_for_an_installation_that_is_gone_nothing_is_opened(office: Office) -> None:
    class Gone(MemoryOutages):
        async def change(
            self, installation_id: InstallationId, outage_id: OutageId, change: ChangeOutage
        ) -> DeclaredOutage | None:
            return None

    declare = DeclareOutages(registry=Gone(clock=office.clock), clock=office.clock, installation=office.installation)
    assert await declare.open(ID, Declaration(scope=ALL)) is WhyNot.UNKNOWN


async def test_people_are_asked_before_it_expires_and_told_afterwards_each_once(office: Office) -> None:
    installations = MemoryInstallations()
    told: list[tuple[InstallationId, str]] = []

    async def tell(installation_id: InstallationId, notice: Notice) -> bool:
        told.append((installation_id, notice.cause))
        return True

    watch = WatchOutages(registry=office.registry, installations=installations, tell=tell)
    await office.open()
    office.clock.advance(11.6 * 3600)
    await watch()
    assert told == [], "nobody is told about an installation that is gone"

    await installations.save(office.installation)
    await office.open(scope=CITY)
    for hours in (0, 11.6, 0.1, 1, 1):
        office.clock.advance(hours * 3600)
        await watch()
    assert told == [(office.installation.id, "outage.expiring"), (office.installation.id, "outage.expired")]

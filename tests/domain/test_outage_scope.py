from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.customer import Contract
from domain.identifiers import ContractId, ProtocolNumber
from domain.outage import Outage
from domain.outage_scope import (
    NO_COMMON_PROTOCOL,
    DeclaredOutage,
    OutageId,
    Reach,
    Scope,
    Source,
    reached,
    reaching_all,
    version_of,
)
from tests.domain.builders import contract

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
HERE = replace(contract("20743", number="0020743", district="Vila Nova"), city="São José", access_point="OLT Centro")
NOWHERE = Contract(id=ContractId("9"), customer_id=HERE.customer_id, number="0009")


def declared(reach: Reach, *names: str) -> DeclaredOutage:
    return DeclaredOutage(
        id=OutageId("o-1"),
        source=Source.ADMIN,
        scope=Scope(reach=reach, names=names),
        started_at=NOON,
        expires_at=NOON + timedelta(hours=12),
    )


@pytest.mark.parametrize(
    "outage",
    [
        declared(Reach.ALL),
        declared(Reach.CITY, "Outra", " sao  jose"),
        declared(Reach.CITY, "São\u00a0Jo\u200bsé"),
        declared(Reach.DISTRICT, "VILA NOVA"),
        declared(Reach.ACCESS_POINT, "olt centro"),
        declared(Reach.CONTRACTS, "20743"),
        declared(Reach.CONTRACTS, "0020743"),
        declared(Reach.CONTRACTS, "00020743"),
    ],
)
def test_an_outage_reaches_the_contracts_of_its_place_however_it_is_written(outage: DeclaredOutage) -> None:
    elsewhere = [NOWHERE.id] if outage.scope.reach is Reach.ALL else []
    assert reached(outage, [HERE, NOWHERE]) == Outage(id="o-1", contracts=frozenset([HERE.id, *elsewhere]))


@pytest.mark.parametrize("name", ["777", "20743", "0020743"])
def test_a_contract_is_named_by_its_id_or_by_its_number(name: str) -> None:
    one = replace(HERE, id=ContractId("777"))
    assert reached(declared(Reach.CONTRACTS, name), [one, NOWHERE]) == Outage(id="o-1", contracts=frozenset([one.id]))


@pytest.mark.parametrize(
    "outage",
    [
        declared(Reach.CITY, "São"),
        declared(Reach.CITY, ""),
        declared(Reach.DISTRICT, "Vila Nova II", "Nova"),
        declared(Reach.ACCESS_POINT, "OLT Centro 2"),
        declared(Reach.CONTRACTS, "2074", "743"),
    ],
)
def test_part_of_a_name_is_another_name_and_no_place_is_no_place_at_all(outage: DeclaredOutage) -> None:
    blank = replace(NOWHERE, city=" ", district=" ", access_point=" ")
    assert reached(outage, [HERE, NOWHERE, blank]) is None


def test_the_words_under_which_outages_are_kept_stay_as_they_are() -> None:
    assert {*Source} == {"admin", "api", "erp"}
    assert {*Reach} == {"all", "city", "district", "access_point", "contracts"}


def test_only_an_outage_of_the_whole_network_explains_anybody_at_all() -> None:
    told = reaching_all(replace(declared(Reach.ALL), cause="energia", protocol=NO_COMMON_PROTOCOL))
    assert told == Outage(id="o-1", cause="energia")
    assert reaching_all(declared(Reach.CITY, "São José")) is None


def test_the_version_changes_with_the_predicted_moment_and_with_nothing_else() -> None:
    outage = Outage(id="o-1", predicted_at=NOON)
    elsewhere = replace(outage, predicted_at=NOON.astimezone(ZoneInfo("America/Rio_Branco")))
    assert version_of(outage) == version_of(elsewhere) == version_of(replace(outage, cause="energia"))
    later = replace(outage, predicted_at=NOON + timedelta(minutes=1))
    assert len({version_of(outage), version_of(later), version_of(replace(outage, predicted_at=None))}) == 3


def test_people_are_asked_half_an_hour_before_it_expires_or_in_its_last_quarter() -> None:
    outage = replace(declared(Reach.ALL), protocol=ProtocolNumber("1"))
    assert outage.asks_at == NOON + timedelta(hours=11.5)
    assert replace(outage, expires_at=NOON + timedelta(hours=1)).asks_at == NOON + timedelta(minutes=45)

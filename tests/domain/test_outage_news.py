from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.identifiers import ContractId, ProtocolNumber
from domain.outage import Outage
from domain.outage_news import (
    AT_MOST_EVERY,
    HELD_BACK_FOR,
    NAMES_MAX,
    SEEN_AGAIN_AFTER,
    WRITTEN_WITHIN,
    first_seen,
    is_held_back,
    known_as,
    over_for,
    seen_again,
)
from domain.outage_scope import NO_COMMON_PROTOCOL, DeclaredOutage, OutageId, Reach, Scope, Source
from tests.domain.builders import contract

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
AT_SIX = NOON + timedelta(hours=6)
ONE, TWO = ContractId("1"), ContractId("2")
BY_POINT = Outage(id="access_point:1", predicted_at=AT_SIX, protocol=ProtocolNumber("77"), access_point="OLT Centro")
BY_RECORD = Outage(id="protocol:77", predicted_at=AT_SIX, protocol=ProtocolNumber("77"))
DECLARED = DeclaredOutage(
    id=OutageId("o-1"), source=Source.ADMIN, scope=Scope(reach=Reach.ALL), started_at=NOON, expires_at=AT_SIX
)


def seen(outage: Outage, *contracts: ContractId, at: datetime = NOON) -> DeclaredOutage:
    return first_seen(outage, contracts or (ONE,), now=at, expires_h=12)


def again(known: DeclaredOutage, outage: Outage, after: timedelta, *contracts: ContractId) -> DeclaredOutage | None:
    return seen_again(known, outage, contracts or (ONE,), now=NOON + after, expires_h=12)


def test_what_the_erp_names_by_equipment_reaches_all_behind_it_and_else_those_it_was_told_of() -> None:
    by_point, by_record = seen(BY_POINT), seen(BY_RECORD, TWO, ONE)
    assert by_point.scope == Scope(reach=Reach.ACCESS_POINT, names=("OLT Centro",))
    assert by_record.scope == Scope(reach=Reach.CONTRACTS, names=("1", "2"))
    assert (by_point.source, by_point.protocol, by_point.predicted_at) == (Source.ERP, "77", AT_SIX)
    assert by_point.expires_at == NOON + timedelta(hours=12)


def test_two_who_see_the_same_within_a_minute_give_it_one_id_and_an_hour_later_it_is_another() -> None:
    assert seen(BY_POINT).id == seen(replace(BY_POINT, id="x"), TWO, at=NOON + timedelta(seconds=59)).id
    assert seen(BY_POINT).id != seen(BY_POINT, at=NOON + timedelta(hours=1)).id
    assert seen(BY_POINT).id != seen(replace(BY_POINT, access_point="OLT Sul")).id


def test_an_outage_is_known_again_by_its_name_or_its_equipment() -> None:
    known = seen(BY_POINT)
    assert known_as(BY_POINT, [DECLARED, known]) == known
    assert known_as(replace(BY_POINT, id="other", access_point="olt  CENTRO"), [DECLARED, known]) == known
    assert known_as(replace(BY_POINT, id="other", access_point="OLT Sul"), [DECLARED, known]) is None
    assert known_as(replace(BY_RECORD, id="other"), [DECLARED, known]) is None


def test_without_equipment_what_ends_at_the_same_moment_is_one_outage_whatever_its_protocol() -> None:
    known = seen(BY_RECORD)
    assert known_as(replace(BY_RECORD, id="protocol:78"), [DECLARED, known]) == known
    assert known_as(replace(BY_RECORD, id="protocol:78", predicted_at=None), [DECLARED, known]) is None
    assert known_as(replace(BY_RECORD, predicted_at=None), [DECLARED, known]) == known


def test_seen_again_at_once_it_is_not_worth_writing_and_after_a_while_it_goes_on() -> None:
    known = seen(BY_POINT)
    assert again(known, BY_POINT, timedelta(minutes=14)) is None
    renewed = again(known, BY_POINT, SEEN_AGAIN_AFTER)
    assert renewed == replace(known, expires_at=known.expires_at + SEEN_AGAIN_AFTER)


def test_a_changed_prediction_is_news_but_not_more_often_than_needed() -> None:
    known, later = seen(BY_POINT), replace(BY_POINT, predicted_at=AT_SIX + timedelta(hours=2), cause="fibra")
    assert again(known, later, AT_MOST_EVERY - timedelta(seconds=1)) is None
    told = again(known, later, AT_MOST_EVERY)
    assert told is not None
    assert (told.predicted_at, told.cause) == (later.predicted_at, "fibra")
    assert again(told, replace(BY_POINT, predicted_at=None), timedelta(hours=1)) == replace(
        told, predicted_at=None, expires_at=NOON + timedelta(hours=13)
    )


def test_after_the_company_lets_outages_expire_sooner_news_is_written_as_soon_as_ever() -> None:
    known, later = seen(BY_POINT), replace(BY_POINT, predicted_at=AT_SIX + timedelta(hours=2))
    at = NOON + timedelta(minutes=5)
    told = seen_again(known, later, (ONE,), now=at, expires_h=4)
    assert told == replace(known, predicted_at=later.predicted_at, expires_at=at + timedelta(hours=4))
    assert seen_again(told, BY_POINT, (ONE,), now=at + AT_MOST_EVERY, expires_h=4) is not None


def test_a_sooner_end_is_written_once_without_other_news() -> None:
    known = seen(BY_POINT)
    told = seen_again(known, BY_POINT, (ONE,), now=NOON, expires_h=4)
    assert told == replace(known, expires_at=NOON + timedelta(hours=4))
    assert seen_again(told, BY_POINT, (ONE,), now=NOON, expires_h=4) is None


def test_what_a_later_look_told_is_not_undone_by_one_that_took_long_to_be_written() -> None:
    known = seen(BY_POINT, at=NOON + WRITTEN_WITHIN)
    assert again(known, replace(BY_POINT, predicted_at=None), timedelta(seconds=1)) is None


def test_more_equipment_is_news_and_one_more_contract_is_kept_along_with_other_news() -> None:
    several = again(seen(BY_POINT), replace(BY_POINT, access_point="OLT Sul"), AT_MOST_EVERY)
    assert several is not None
    assert several.scope.names == ("OLT Centro", "OLT Sul")
    known = seen(BY_RECORD)
    assert again(known, BY_RECORD, AT_MOST_EVERY, TWO) is None
    told = again(known, BY_RECORD, SEEN_AGAIN_AFTER, TWO)
    assert told is not None
    assert told.scope.names == ("1", "2")


def test_what_is_kept_of_one_outage_is_bounded() -> None:
    many = [ContractId(str(number)) for number in range(NAMES_MAX)]
    told = again(seen(BY_RECORD), BY_RECORD, SEEN_AGAIN_AFTER, *many)
    assert told is not None
    assert len(told.scope.names) == NAMES_MAX


def test_a_protocol_that_differs_from_customer_to_customer_is_none_of_the_outage_and_stays_so() -> None:
    known = replace(seen(BY_RECORD), protocol=None)
    first = again(known, BY_RECORD, AT_MOST_EVERY)
    assert first is not None
    assert first.protocol == "77"
    second = again(first, replace(BY_RECORD, protocol=ProtocolNumber("78")), 2 * AT_MOST_EVERY)
    assert second is not None
    assert second.protocol == NO_COMMON_PROTOCOL
    assert again(second, replace(BY_RECORD, protocol=ProtocolNumber("79")), 3 * AT_MOST_EVERY) is None
    assert again(first, replace(BY_RECORD, protocol=None), 3 * AT_MOST_EVERY) is None


def test_equipment_that_works_again_is_reached_no_more_and_the_last_one_ends_it() -> None:
    known = replace(seen(BY_POINT), scope=Scope(reach=Reach.ACCESS_POINT, names=("OLT Centro", "OLT Sul")))
    centro, sul = (replace(contract(), access_point=name) for name in ("olt centro", "OLT Sul"))
    less = over_for(known, [centro], now=AT_SIX)
    assert less == replace(known, scope=Scope(reach=Reach.ACCESS_POINT, names=("OLT Sul",)))
    assert over_for(less, [centro], now=AT_SIX) is None
    assert over_for(less, [sul], now=AT_SIX) == replace(less, ended_at=AT_SIX, ended_by=Source.ERP)


def test_a_contract_that_is_well_is_reached_no_more() -> None:
    known = seen(BY_RECORD, ONE, TWO)
    less = over_for(known, [contract("1"), contract("9")], now=AT_SIX)
    assert less is not None
    assert (less.scope.names, less.ended_at) == (("2",), None)
    ended = over_for(less, [contract("2")], now=AT_SIX)
    assert ended is not None
    assert ended.ended_at == AT_SIX
    assert over_for(known, [], now=AT_SIX) is None


def test_what_people_declared_only_people_end() -> None:
    assert over_for(DECLARED, [contract("1")], now=AT_SIX) is None


@pytest.mark.parametrize(
    ("closed", "after", "held"),
    [
        (replace(seen(BY_POINT), ended_at=NOON, ended_by=Source.ADMIN), timedelta(minutes=59), True),
        (replace(seen(BY_POINT), ended_at=NOON, ended_by=Source.API), timedelta(minutes=59), True),
        (replace(seen(BY_POINT), ended_at=NOON, ended_by=Source.ADMIN), HELD_BACK_FOR, False),
        (replace(seen(BY_POINT), ended_at=NOON, ended_by=Source.ERP), timedelta(0), False),
        (replace(seen(BY_POINT), ended_at=NOON, ended_by=Source.ADMIN, predicted_at=None), timedelta(0), False),
        (seen(BY_POINT), timedelta(0), False),
    ],
)
def test_the_erp_is_not_believed_for_an_hour_about_what_people_closed_unless_it_predicts_anew(
    closed: DeclaredOutage, after: timedelta, held: bool
) -> None:
    assert is_held_back(closed, BY_POINT, now=NOON + after) is held

import asyncio
import gc
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from adapters.voalle.outage_signs import merged, predicted_at
from application.failures import Rejected, Unintelligible
from application.ports import Outages
from domain.customer import ContractStatus, Customer
from domain.identifiers import ContractId, ProtocolNumber
from domain.installation import Policies
from domain.outage import Outage, spoken_prediction
from tests.adapters.voalle.scripted import (
    API,
    CONTRACTS,
    CPF,
    PERSON,
    THIRD_PARTY,
    VALIDATE,
    ScriptedErp,
    contract,
    customer,
    enveloped,
    recorded,
    recording,
    says,
)

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=SAO_PAULO)
AT_FIVE = datetime(2026, 11, 23, 17, 0, tzinfo=SAO_PAULO)
SIGN = {"authentication_problems": 1, "resolution_time": 5, "resolution_time_hour": "17", "protocol": 987}


def client(ident: int = 12345, contracts: tuple[int, ...] = (20743,)) -> dict[str, object]:
    rows = [{"id": number} for number in contracts]
    return {"client_id": ident, "client_tx_id": CPF.formatted, "contracts_info": rows}


async def find(answer: object) -> Customer:
    erp = ScriptedErp()
    erp.on(VALIDATE, says(answer))
    found = await erp.build().customers.find(CPF)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "answer",
    [
        {"clients": [client()], **SIGN},
        {"clients": [client()], "data": SIGN},
        {"clients": [{**client(), **SIGN}]},
        {"data": {"clients": [client()], **SIGN}},
    ],
)
async def test_an_outage_told_with_the_record_reaches_all_contracts(answer: object) -> None:
    found = await find(answer)
    assert found.outages == (Outage(id="protocol:987", predicted_at=AT_FIVE, protocol=ProtocolNumber("987")),)


async def test_an_outage_told_with_a_contract_reaches_that_contract_alone() -> None:
    rows = [{"id": 1}, {"id": 2, **SIGN}]
    found = await find({"clients": [{**client(), "contracts_info": rows}]})
    assert [outage.contracts for outage in found.outages] == [frozenset({"2"})]


async def test_every_contract_is_looked_at_and_the_same_outage_is_one() -> None:
    rows = [{"id": 1}, {"id": 2, **SIGN}, {"id": 3, **SIGN, "resolution_time": 6, "resolution_time_hour": "18"}]
    found = await find({"clients": [{**client(), "contracts_info": rows}]})
    (outage,) = found.outages
    assert outage.contracts == frozenset({"2", "3"})
    assert outage.predicted_at == AT_FIVE + timedelta(hours=1)


async def test_an_outage_of_one_of_two_records_reaches_the_contracts_of_that_record() -> None:
    found = await find({"clients": [{**client(1, (10, 11)), **SIGN}, client(2, (20,))]})
    assert [outage.contracts for outage in found.outages] == [frozenset({"10", "11"})]


@pytest.mark.parametrize("problems", [0, False, "0", None, "no"])
async def test_no_problems_are_no_outage_whatever_else_is_said(problems: object) -> None:
    found = await find({"clients": [client()], **SIGN, "authentication_problems": problems})
    assert found.outages == ()


@pytest.mark.parametrize("problems", [1, True, "1", 12, "true"])
async def test_problems_are_counted_or_flagged(problems: object) -> None:
    found = await find({"clients": [client()], **SIGN, "authentication_problems": problems})
    assert len(found.outages) == 1


async def test_the_recorded_answer_of_a_provider_is_read_at_its_place() -> None:
    told = recording("matrix_outage")
    assert isinstance(told, dict)
    found = await find({"clients": [client()], **told})
    (outage,) = found.outages
    assert (outage.protocol, outage.contracts) == (None, None)
    assert outage.predicted_at == AT_FIVE + timedelta(hours=1)


@pytest.mark.parametrize("figures", [{"resolution_time": 5}, {"resolution_time_hour": "17"}, {"resolutionTime": "5"}])
async def test_either_figure_alone_is_a_prediction(figures: dict[str, object]) -> None:
    found = await find({"clients": [client()], "authentication_problems": 1, **figures})
    assert [outage.predicted_at for outage in found.outages] == [AT_FIVE]


async def test_an_outage_without_a_protocol_has_one_name_for_all_customers() -> None:
    one = await find({"clients": [client()], "authentication_problems": 1})
    other = await find({"clients": [client(9, (1,))], "authentication_problems": 1, "resolution_time": 2})
    assert one.outages[0].id == other.outages[0].id
    assert one.outages[0].predicted_at is None


@pytest.mark.parametrize(
    ("now", "hours", "hour", "expected"),
    [
        ("12:00", 5, "17", "23 17:00"),
        ("12:10", 2, "13", "23 13:00"),
        ("12:10", 2, "14:05", "23 14:05"),
        ("12:10", 2, "14h", "23 14:00"),
        ("22:30", 3, "1", "24 01:00"),
        ("22:30", 3, "01", "24 01:00"),
        ("12:00", 30, "18", "24 18:00"),
        ("12:40", None, "12", "24 12:00"),
        ("12:40", None, "13", "23 13:00"),
        ("12:40", 2, "", "23 14:00"),
        ("12:40", 2, "99", "23 14:00"),
        ("22:30", 1, "0", "24 00:00"),
        ("12:00", 0, "", None),
        ("12:00", 1, "12", None),
        ("12:00", 5, "19", "23 19:00"),
        ("12:00", 5, "20", None),
        ("12:10", None, "14:59", "23 14:59"),
        ("12:10", 2, "14:60", "23 14:00"),
        ("12:10", None, "14:60", None),
        ("12:10", None, "23", "23 23:00"),
        ("12:10", None, "24", None),
        ("12:40", 1, "9", None),
        ("12:40", 1, "12", None),
        ("12:40", 0, "", None),
        ("12:00", 5, "09", None),
        ("12:00", None, "", None),
        ("12:00", None, "soon", None),
        ("12:00", -1, "", None),
    ],
)
def test_the_prediction_is_the_hour_that_both_figures_mean(
    now: str, hours: int | None, hour: str, expected: str | None
) -> None:
    moment = datetime.fromisoformat(f"2026-11-23T{now}").replace(tzinfo=SAO_PAULO)
    predicted = predicted_at(hours, hour, moment)
    assert (None if predicted is None else f"{predicted:%d %H:%M}") == expected


def test_a_prediction_is_told_to_the_minute_whenever_it_is_asked_for() -> None:
    assert predicted_at(5, "17", NOON.replace(second=59, microsecond=7)) == AT_FIVE
    assert predicted_at(5, "", NOON.replace(second=59, microsecond=7)) == AT_FIVE


@given(minute=st.integers(0, 1439), ahead=st.integers(61, 2880))
def test_a_prediction_an_hour_ahead_or_more_is_found_within_the_hour(minute: int, ahead: int) -> None:
    now = NOON.replace(hour=0) + timedelta(minutes=minute)
    truth = now + timedelta(minutes=ahead)
    predicted = predicted_at(-(-ahead // 60), f"{truth:%H}", now)
    assert predicted == truth.replace(minute=0)


def point(**fields: object) -> dict[str, object]:
    return {"title": "OLT CENTRO", "inMaintenance": False, "maintenance": None, "active": True, **fields}


def access_point(number: str) -> str:
    return f"{API}/getaccesspointstatusbycontract/{number}"


async def test_an_access_point_that_works_is_no_outage() -> None:
    erp = ScriptedErp()
    erp.on(access_point("20743"), recorded("access_point_up"))
    assert (await erp.build_both().outages.affecting(customer())).outages == ()


@pytest.mark.parametrize("fields", [{"inMaintenance": True}, {"active": False}])
async def test_an_access_point_in_maintenance_or_down_is_an_outage_of_its_contract(fields: dict[str, object]) -> None:
    erp = ScriptedErp()
    erp.on(access_point("20743"), enveloped(point(**fields)))
    (outage,) = (await erp.build_both().outages.affecting(customer())).outages
    assert outage.contracts == frozenset({"20743"})
    assert (outage.predicted_at, outage.protocol) == (None, None)


@pytest.mark.parametrize(
    ("state", "down"),
    [({"inMaintenance": True}, 1), ({"inMaintenance": False}, 0), ({"active": False}, 1), ({"active": True}, 0)],
)
async def test_an_access_point_that_tells_only_one_of_its_states_is_understood(
    state: dict[str, bool], down: int
) -> None:
    erp = ScriptedErp()
    erp.on(access_point("20743"), enveloped({"title": "OLT CENTRO", **state}))
    assert len((await erp.build_both().outages.affecting(customer())).outages) == down


async def test_two_contracts_behind_one_access_point_are_one_outage() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), recorded("access_point_down"))
    erp.on(access_point("2"), recorded("access_point_down"))
    erp.on(access_point("3"), enveloped(point(title="OLT SUL", active=False)))
    found = await erp.build_both().outages.affecting(customer(contract("1"), contract("2"), contract("3")))
    assert [outage.contracts for outage in found.outages] == [frozenset({"1", "2"}), frozenset({"3"})]


async def test_what_the_maintenance_tells_is_kept_as_it_was_told() -> None:
    erp = ScriptedErp()
    ahead = {"finalDate": "2026-11-23T17:00:00", "protocol": 987}
    past = {"finalDate": "2026-11-23T11:00:00", "protocol": 986}
    erp.on(access_point("1"), enveloped(point(inMaintenance=True, maintenance=ahead)))
    erp.on(
        access_point("2"), enveloped([point(title="OLT SUL"), point(title="OLT NORTE", active=False, maintenance=past)])
    )
    first, second = (await erp.build_both().outages.affecting(customer(contract("1"), contract("2")))).outages
    assert (first.protocol, first.predicted_at) == ("987", AT_FIVE)
    assert (second.protocol, second.predicted_at) == ("986", datetime(2026, 11, 23, 11, tzinfo=SAO_PAULO))


MANAUS = ZoneInfo("America/Manaus")


async def test_a_provider_west_of_brasilia_tells_the_hours_that_the_erp_writes_an_hour_earlier() -> None:
    erp, policies = ScriptedErp(), Policies(timezone="America/Manaus")
    erp.on(VALIDATE, says({"clients": [{**client(), **SIGN, "resolution_time": 3, "resolution_time_hour": "15"}]}))
    erp.on(access_point("2"), enveloped(point(active=False, maintenance={"finalDate": "2026-11-23T15:00:00"})))
    ports = erp.build(THIRD_PARTY, policies)
    by_pbx = await erp.build(policies=policies).customers.find(CPF)
    by_equipment = await ports.outages.affecting(customer(contract("2")))
    assert by_pbx is not None
    for outage in (*by_pbx.outages, *by_equipment.outages):
        assert spoken_prediction(outage.predicted_at, now=erp.clock.now(), zone=MANAUS) == "14h"


@given(
    st.integers(0, 60 * 24 * 400),
    st.none() | st.integers(0, 48),
    st.integers(0, 23),
    st.sampled_from(["America/Manaus", "America/Rio_Branco", "America/Noronha", "UTC"]),
)
def test_a_prediction_is_the_same_moment_wherever_it_is_asked_for(
    minutes: int, hours: int | None, hour: int, zone: str
) -> None:
    here = NOON + timedelta(minutes=minutes)
    assert predicted_at(hours, str(hour), here.astimezone(ZoneInfo(zone))) == predicted_at(hours, str(hour), here)


async def test_cancelled_contracts_are_not_asked_for() -> None:
    erp = ScriptedErp()
    await erp.build_both().outages.affecting(customer(contract("1", ContractStatus.CANCELLED)))
    assert erp.requests == []


@pytest.mark.parametrize(
    "reply", [httpx.Response(503), says({"success": False, "messages": "", "response": None}, 404), enveloped(None)]
)
async def test_what_the_record_told_stands_when_the_access_point_tells_nothing(reply: httpx.Response) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [{**client(), **SIGN}]}))
    erp.on(access_point("20743"), reply)
    found = await erp.build().customers.find(CPF)
    assert found is not None
    assert (await erp.build_both().outages.affecting(found)).outages == found.outages


@pytest.mark.parametrize("answer", [{"title": "OLT CENTRO"}, {}, "OLT CENTRO", ["OLT CENTRO"], [{}]])
async def test_an_access_point_in_another_shape_is_not_understood(answer: object) -> None:
    erp = ScriptedErp()
    erp.on(access_point("20743"), enveloped(answer))
    with pytest.raises(Unintelligible):
        await erp.build_both().outages.affecting(customer())


BAD_ANSWERS = {
    "refused": httpx.Response(403),
    "not understood": enveloped({"title": "OLT CENTRO"}),
    "away": httpx.Response(503),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_what_fails_for_one_contract_hides_no_outage_of_another(bad: str) -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), BAD_ANSWERS[bad])
    erp.on(access_point("2"), enveloped(point(active=False)))
    erp.on(access_point("3"), enveloped(point(title="OLT SUL")))
    with capture_logs() as logs:
        found = await erp.build_both().outages.affecting(told_by_pbx("1", "2", "3"))
    lasting = [] if bad == "away" else [("erp.source_failed", "third_party")]
    assert [(log["event"], log["source"]) for log in logs] == lasting
    assert [outage.contracts for outage in found.outages] == [frozenset({"2"})]
    assert found.unaffected == {"3"}


async def test_where_every_contract_failed_the_failure_that_lasts_is_told() -> None:
    for bad, failure in (("refused", Rejected), ("not understood", Unintelligible)):
        erp = ScriptedErp()
        erp.on(access_point("1"), BAD_ANSWERS["away"])
        erp.on(access_point("2"), BAD_ANSWERS[bad])
        with pytest.raises(failure):
            await erp.build_both().outages.affecting(told_by_pbx("1", "2"))


# --- what is remembered of access points ----------------------------------------------------------------------


class HangingPoint:
    """Does not answer until it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.answers.wait()
        return recorded("access_point_up")


DOWN = enveloped(point(inMaintenance=True))


async def told(outages: Outages, *numbers: str) -> list[set[str]]:
    """Which contracts each outage reaches."""
    found = await outages.affecting(told_by_pbx(*numbers))
    return [set(outage.contracts or ()) for outage in found.outages]


def told_by_pbx(*numbers: str) -> Customer:
    return replace(customer(*(contract(number) for number in numbers)), tells_outages=True)


async def test_one_look_at_an_access_point_holds_for_a_minute_for_all_behind_it() -> None:
    erp = ScriptedErp()
    for number in ("1", "2"):
        erp.on(access_point(number), recorded("access_point_up"), DOWN)
    outages = erp.build_both().outages
    assert await told(outages, "1") == await told(outages, "2") == []
    erp.clock.advance(3600)
    assert await told(outages, "1") == [{"1"}]
    erp.clock.advance(29)
    assert await told(outages, "2") == [{"2"}]
    for _ in range(50):
        await asyncio.sleep(0)
    assert (erp.count(access_point("1")), erp.count(access_point("2"))) == (2, 1)


async def test_a_state_of_half_a_minute_is_told_and_looked_after_once_behind_the_answer() -> None:
    erp, hanging = ScriptedErp(), HangingPoint()
    erp.on(access_point("1"), DOWN, hanging)
    outages = erp.build_both().outages
    await told(outages, "1")
    erp.clock.advance(31)
    async with asyncio.timeout(1):
        assert await told(outages, "1") == await told(outages, "1") == [{"1"}]
    await hanging.asked.wait()
    hanging.answers.set()
    for _ in range(50):
        await asyncio.sleep(0)
    assert await told(outages, "1") == []
    assert erp.count(access_point("1")) == 2


@pytest.mark.parametrize("reply", [httpx.Response(503), httpx.ConnectError("gone")])
async def test_while_the_erp_fails_what_was_known_within_a_quarter_of_an_hour_is_told(
    reply: httpx.Response | Exception,
) -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), DOWN, reply)
    outages = erp.build_both().outages
    await told(outages, "1")
    erp.clock.advance(15 * 60)
    assert await told(outages, "1") == [{"1"}]
    erp.clock.advance(1)
    assert await told(outages, "1") == []


async def test_a_refusal_is_not_taken_for_the_erp_being_away() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), DOWN, httpx.Response(403))
    outages = erp.build_both().outages
    await told(outages, "1")
    erp.clock.advance(61)
    with pytest.raises(Rejected):
        await told(outages, "1")


async def test_only_what_was_asked_just_now_is_said_to_be_well() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), recorded("access_point_up"))
    outages = erp.build_both().outages
    assert (await outages.affecting(told_by_pbx("1"))).unaffected == {"1"}
    assert (await outages.affecting(customer(contract("1")))).unaffected == frozenset()
    erp.clock.advance(10)
    assert (await outages.affecting(told_by_pbx("1"))).unaffected == frozenset()
    erp.on(access_point("2"), httpx.Response(503))
    assert (await outages.affecting(told_by_pbx("2"))).unaffected == frozenset()
    erp.on(access_point("3"), enveloped(None))
    assert (await outages.affecting(told_by_pbx("3"))).unaffected == frozenset()


async def test_the_equipment_is_named_with_the_contract_from_then_on() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client()]}))
    erp.on(access_point("20743"), recorded("access_point_up"))
    ports = erp.build_both()
    known = await ports.outages.affecting(customer())
    assert known.access_points == {"20743": "OLT CENTRO"}
    found = await ports.customers.find(CPF)
    assert found is not None
    assert [each.access_point for each in found.contracts] == ["OLT CENTRO"]


async def test_after_a_week_it_is_asked_anew_what_serves_a_contract() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), recorded("access_point_up"), enveloped(point(title="OLT SUL", active=False)))
    erp.on(access_point("2"), recorded("access_point_up"))
    outages = erp.build_both().outages
    await told(outages, "1")
    erp.clock.advance(7 * 24 * 3600 + 1)
    assert (await outages.affecting(told_by_pbx("2"))).access_points == {"2": "OLT CENTRO"}
    assert await told(outages, "1") == [{"1"}]


async def test_contracts_behind_no_equipment_are_looked_after_each_for_itself() -> None:
    erp = ScriptedErp()
    for number in ("1", "2"):
        erp.on(access_point(number), enveloped(None), DOWN)
    outages = erp.build_both().outages
    assert await told(outages, "1", "2") == []
    erp.clock.advance(61)
    assert await told(outages, "1", "2") == [{"1", "2"}]


async def test_equipment_without_a_name_is_nobody_elses() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), enveloped(point(title="", active=False)))
    erp.on(access_point("2"), enveloped(point(title="")))
    outages = erp.build_both().outages
    assert await told(outages, "1", "2") == [{"1"}]
    erp.on(access_point("3"), enveloped(point(title="", active=False)))
    assert await told(outages, "1", "2", "3") == [{"1"}, {"3"}]


async def test_a_state_is_looked_after_as_often_as_it_grows_old() -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), DOWN, DOWN, recorded("access_point_up"))
    outages = erp.build_both().outages
    assert await told(outages, "1") == [{"1"}]
    for found in ([{"1"}], []):
        erp.clock.advance(61)
        assert await told(outages, "1") == found
    assert erp.count(access_point("1")) == 3


async def test_one_look_again_holds_for_all_behind_the_same_equipment() -> None:
    erp = ScriptedErp()
    for number in ("1", "2"):
        erp.on(access_point(number), recorded("access_point_up"), DOWN)
    outages = erp.build_both().outages
    await told(outages, "1", "2")
    erp.clock.advance(61)
    await told(outages, "1", "2")
    assert erp.count(access_point("1")) + erp.count(access_point("2")) == 3


async def test_a_look_behind_the_answer_that_fails_is_met_by_the_next_one_and_complains_to_nobody() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    erp = ScriptedErp()
    erp.on(access_point("1"), DOWN, httpx.Response(403))
    outages = erp.build_both().outages
    await told(outages, "1")
    erp.clock.advance(31)
    assert await told(outages, "1") == [{"1"}]
    for _ in range(50):
        await asyncio.sleep(0)
    assert erp.count(access_point("1")) == 2
    gc.collect()
    assert complaints == []
    erp.clock.advance(30)
    with pytest.raises(Rejected):
        await told(outages, "1")


async def test_of_very_many_contracts_twenty_are_asked_for() -> None:
    erp = ScriptedErp()
    numbers = [str(number) for number in range(1, 22)]
    for number in numbers:
        erp.on(access_point(number), recorded("access_point_up"))
    found = await erp.build_both().outages.affecting(told_by_pbx(*numbers))
    assert found.unaffected == set(numbers[:20])


@pytest.mark.parametrize("name", ["finalDate", "endDate", "prediction", "predictedDate", "previsão"])
async def test_the_end_of_a_maintenance_is_read_under_each_name_that_is_known(name: str) -> None:
    erp = ScriptedErp()
    erp.on(access_point("1"), enveloped(point(inMaintenance=True, maintenance={name: "2026-11-23T17:00:00"})))
    (outage,) = (await erp.build_both().outages.affecting(customer(contract("1")))).outages
    assert outage.predicted_at == AT_FIVE


async def test_what_the_record_and_the_access_point_tell_under_one_protocol_is_one_outage() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [{**client(), **SIGN}]}))
    erp.on(access_point("20743"), enveloped(point(inMaintenance=True, maintenance={"protocol": "987"})))
    ports = erp.build_both()
    found = await ports.customers.find(CPF)
    assert found is not None
    (outage,) = (await ports.outages.affecting(found)).outages
    assert (outage.access_point, outage.protocol, outage.predicted_at) == ("OLT CENTRO", "987", AT_FIVE)
    assert outage.contracts is None


async def test_city_and_neighbourhood_of_the_person_hold_for_a_single_contract() -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, says({"clients": [client()]}))
    erp.on(PERSON, recorded("person_by_txid"))
    erp.on(CONTRACTS, recorded("contracts_paged"))
    found = await erp.build_both().customers.find(CPF)
    assert found is not None
    home = recording("person_by_txid")["response"]["mainAddress"]  # type: ignore[index]
    assert [(each.city, each.district) for each in found.contracts] == [(home["city"], home["neighborhood"])]


@pytest.mark.parametrize("protocols", [(None, "2026000123"), ("2026000123", None)])
def test_an_outage_seen_twice_has_the_protocol_that_it_had_at_one_of_the_two_looks(
    protocols: tuple[ProtocolNumber | None, ...],
) -> None:
    seen = [
        Outage(
            id="access_point:1", contracts=frozenset({ContractId(str(number))}), protocol=protocol, access_point="OLT"
        )
        for number, protocol in enumerate(protocols)
    ]
    (outage,) = merged(seen)
    assert outage.protocol == "2026000123"

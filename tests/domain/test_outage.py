from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.identifiers import ContractId, ProtocolNumber
from domain.outage import Outage, affecting, spoken_prediction, tell

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
RIO_BRANCO = ZoneInfo("America/Rio_Branco")
LATE_EVENING = datetime(2026, 11, 23, 23, 50, tzinfo=SAO_PAULO)


def at(day: int, hour: int, minute: int = 0, zone: ZoneInfo = SAO_PAULO) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


@pytest.mark.parametrize(
    ("predicted_at", "now", "zone", "said"),
    [
        (at(23, 18), at(23, 15), SAO_PAULO, "18h"),
        (at(23, 18, 30), at(23, 15), SAO_PAULO, "18h30"),
        (at(23, 10), at(23, 8), SAO_PAULO, "10h"),
        (at(24, 0, 30), LATE_EVENING, SAO_PAULO, "amanhã (24/11), às 00h30"),
        (at(24, 0, 30), LATE_EVENING, RIO_BRANCO, "22h30"),
        (at(26, 14), at(23, 15), SAO_PAULO, "26/11, às 14h"),
        (at(23, 14), at(23, 15), SAO_PAULO, "nova previsão em análise"),
        (at(23, 15), at(23, 15), SAO_PAULO, "nova previsão em análise"),
        (None, at(23, 15), SAO_PAULO, "ainda sem previsão"),
    ],
)
def test_a_prediction_is_told_in_the_zone_of_the_installation_and_never_as_a_broken_promise(
    predicted_at: datetime | None, now: datetime, zone: ZoneInfo, said: str
) -> None:
    assert spoken_prediction(predicted_at, now=now, zone=zone) == said


def test_both_variables_are_filled_in_with_or_without_spaces() -> None:
    outage = Outage(id="o1", predicted_at=at(23, 18), protocol=ProtocolNumber("2026-77"))
    told = tell("Volta às {{resolution_time_hour}}. Protocolo {{ protocol }}.", outage, now=at(23, 15), zone=SAO_PAULO)
    assert told == "Volta às 18h. Protocolo 2026-77."


def test_a_sentence_about_a_protocol_that_nobody_gave_is_left_out() -> None:
    outage = Outage(id="o1", predicted_at=at(23, 18))
    told = tell(
        "Há uma falha. Previsão: {{resolution_time_hour}}. Protocolo: {{protocol}}.",
        outage,
        now=at(23, 15),
        zone=SAO_PAULO,
    )
    assert told == "Há uma falha. Previsão: 18h."


def test_what_a_protocol_holds_is_never_read_as_a_template() -> None:
    outage = Outage(id="o1", protocol=ProtocolNumber(r"\1{{resolution_time_hour}}"))
    assert r"\1" in tell("{{protocol}}", outage, now=at(23, 15), zone=SAO_PAULO)


def test_only_outages_that_reach_a_contract_explain_it_and_each_counts_once() -> None:
    here = Outage(id="here", contracts=frozenset({ContractId("1")}), predicted_at=at(23, 20))
    there = Outage(id="there", contracts=frozenset({ContractId("2")}))
    everywhere = Outage(id="everywhere", predicted_at=datetime(2026, 11, 23, 21, tzinfo=UTC))
    assert affecting([there, everywhere, here, here], [ContractId("1")]) == (everywhere, here)
    assert affecting([there], [ContractId("1")]) == ()

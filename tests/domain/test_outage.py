from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import ContractId, ProtocolNumber
from domain.installation import DEFAULT_OUTAGE_MESSAGE
from domain.outage import Outage, affecting, spoken_prediction, tell

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
RIO_BRANCO = ZoneInfo("America/Rio_Branco")
LATE_EVENING = datetime(2026, 11, 23, 23, 50, tzinfo=SAO_PAULO)
NOW = datetime(2026, 11, 23, 15, tzinfo=SAO_PAULO)
AFTER_MIDNIGHT = datetime(2026, 11, 24, 0, 5, tzinfo=SAO_PAULO)


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
        (at(24, 0, 30), AFTER_MIDNIGHT, SAO_PAULO, "00h30"),
        (at(24, 0, 30), AFTER_MIDNIGHT, RIO_BRANCO, "22h30"),
        (at(24, 0, 30, RIO_BRANCO), at(23, 23, 50, RIO_BRANCO), RIO_BRANCO, "amanhã (24/11), às 00h30"),
        (at(24, 0), LATE_EVENING, SAO_PAULO, "amanhã (24/11), às 00h"),
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
    assert tell("Protocolo: {{protocol}}. Há uma falha.", outage, now=NOW, zone=SAO_PAULO) == "Há uma falha."


def test_what_a_protocol_holds_is_never_read_as_a_template() -> None:
    outage = Outage(id="o1", protocol=ProtocolNumber(r"\1{{resolution_time_hour}}"))
    assert r"\1" in tell("{{protocol}}", outage, now=at(23, 15), zone=SAO_PAULO)


@pytest.mark.parametrize("cause", ["rompimento de fibra", " rompimento de fibra. "])
def test_the_cause_is_told_in_the_providers_words(cause: str) -> None:
    told = tell("Há uma falha: {{ cause }}.", Outage(id="o1", cause=cause), now=NOW, zone=SAO_PAULO)
    assert told == "Há uma falha: rompimento de fibra."


def test_a_sentence_about_a_cause_that_nobody_told_is_left_out() -> None:
    said = tell(DEFAULT_OUTAGE_MESSAGE, Outage(id="o1"), now=NOW, zone=SAO_PAULO)
    assert said.endswith("já está trabalhando nela. Previsão de retorno: ainda sem previsão.")
    whole = Outage(id="o1", cause="queda de energia", protocol=ProtocolNumber("77"), predicted_at=at(23, 18))
    said = tell(DEFAULT_OUTAGE_MESSAGE, whole, now=NOW, zone=SAO_PAULO)
    assert said.endswith("Motivo: queda de energia. Previsão de retorno: 18h. Protocolo: 77.")


@given(text=st.text(max_size=40))
def test_no_value_is_ever_read_as_a_template(text: str) -> None:
    outage = Outage(id="o1", protocol=ProtocolNumber(f"x{text}"), cause="{{protocol}} {{resolution_time_hour}} x")
    told = tell("A{{protocol}}B{{cause}}C", outage, now=NOW, zone=SAO_PAULO)
    assert told == f"Ax{text}B{outage.cause}C"


def test_a_prediction_that_has_passed_comes_after_one_that_has_not() -> None:
    past, later, unknown = (
        Outage(id="a", predicted_at=at(23, 14)),
        Outage(id="b", predicted_at=at(23, 18)),
        Outage(id="c"),
    )
    assert affecting([unknown, past, later], [], now=NOW) == (later, past, unknown)
    just_now = Outage(id="d", predicted_at=NOW)
    assert affecting([just_now, later], [], now=NOW) == (later, just_now)


def test_outages_expected_to_end_at_the_same_moment_are_told_in_the_same_order_however_they_come() -> None:
    one, other = Outage(id="a", predicted_at=at(23, 18)), Outage(id="b", predicted_at=at(23, 18))
    assert affecting([one, other], [], now=NOW) == affecting([other, one], [], now=NOW)


def test_only_outages_that_reach_a_contract_explain_it_and_each_counts_once() -> None:
    here = Outage(id="here", contracts=frozenset({ContractId("1")}), predicted_at=at(23, 20))
    there = Outage(id="there", contracts=frozenset({ContractId("2")}))
    everywhere = Outage(id="everywhere", predicted_at=datetime(2026, 11, 23, 21, tzinfo=UTC))
    assert affecting([there, everywhere, here, here], [ContractId("1")], now=NOW) == (everywhere, here)
    assert affecting([there], [ContractId("1")], now=NOW) == ()

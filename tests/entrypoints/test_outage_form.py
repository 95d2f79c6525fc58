from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from application.declare_outage import Correction
from application.outage_ports import Told
from domain.identifiers import ProtocolNumber
from domain.outage_scope import NO_COMMON_PROTOCOL, DeclaredOutage, OutageId, Reach, Scope, Source
from entrypoints.outage_form import (
    OutageForm,
    WrongOutage,
    outage_facts,
    outage_line,
    read_correction,
    read_declaration,
    read_moment,
    read_scope,
    write_scope,
)

ZONE = ZoneInfo("America/Sao_Paulo")
RIO_BRANCO = ZoneInfo("America/Rio_Branco")
NOON = datetime(2026, 11, 23, 12, tzinfo=ZONE)
LATE = datetime(2026, 11, 23, 23, 50, tzinfo=ZONE)
OUTAGE = DeclaredOutage(
    id=OutageId("o-1"),
    source=Source.ADMIN,
    scope=Scope(reach=Reach.CITY, names=("Contagem", "Betim")),
    cause="energia",
    predicted_at=datetime(2026, 11, 23, 18, 30, tzinfo=ZONE),
    protocol=ProtocolNumber("77"),
    started_at=NOON,
    expires_at=datetime(2026, 11, 24, tzinfo=ZONE),
)


@pytest.mark.parametrize(
    ("written", "reach", "names"),
    [
        ("all", Reach.ALL, ()),
        (" Todos ", Reach.ALL, ()),
        ("city=Contagem", Reach.CITY, ("Contagem",)),
        ("cidade = Contagem ,  Betim, Contagem,", Reach.CITY, ("Contagem", "Betim")),
        ("bairro=Vila  Nova", Reach.DISTRICT, ("Vila Nova",)),
        ("access-point=OLT 1", Reach.ACCESS_POINT, ("OLT 1",)),
        ("access_point=OLT=1", Reach.ACCESS_POINT, ("OLT=1",)),
        ("contracts=1,2", Reach.CONTRACTS, ("1", "2")),
    ],
)
def test_a_scope_is_understood_as_people_and_systems_write_it(
    written: str, reach: Reach, names: tuple[str, ...]
) -> None:
    assert read_scope(written) == Scope(reach=reach, names=names)


@pytest.mark.parametrize("written", ["", "everything", "city", "city=", "city= , ", "all=1", "contracts"])
def test_another_scope_is_answered_with_those_there_are(written: str) -> None:
    with pytest.raises(WrongOutage, match=r"scope: use all, city=Nome, .* contracts=1,2"):
        read_scope(written)


@pytest.mark.parametrize("written", ["city=" + "x" * 121, "contracts=" + ",".join(map(str, range(501)))])
def test_a_scope_has_its_bounds(written: str) -> None:
    with pytest.raises(WrongOutage, match="no máximo 500 nomes"):
        read_scope(written)


names = st.lists(st.text(st.characters(codec="ascii", exclude_characters=","), min_size=1), min_size=1, max_size=5)


@given(reach=st.sampled_from([reach for reach in Reach if reach is not Reach.ALL]), names=names)
def test_a_scope_is_read_back_as_it_was_written(reach: Reach, names: list[str]) -> None:
    try:
        scope = read_scope(f"{reach.replace('_', '-')}={','.join(names)}")
    except WrongOutage:
        return
    assert read_scope(write_scope(scope)) == scope


@pytest.mark.parametrize(
    ("written", "now", "moment"),
    [
        ("18:30", NOON, "2026-11-23T18:30-03:00"),
        ("18h30", NOON, "2026-11-23T18:30-03:00"),
        ("18h", NOON, "2026-11-23T18:00-03:00"),
        ("00:30", LATE, "2026-11-24T00:30-03:00"),
        ("24/11 02:00", NOON, "2026-11-24T02:00-03:00"),
        ("24/11 às 2h", NOON, "2026-11-24T02:00-03:00"),
        ("24/11/2026, 02:00", NOON, "2026-11-24T02:00-03:00"),
        ("01/01 02:00", datetime(2026, 12, 31, 20, tzinfo=ZONE), "2027-01-01T02:00-03:00"),
        ("2026-11-24T02:00", NOON, "2026-11-24T02:00-03:00"),
        ("2026-11-24T02:00Z", NOON, "2026-11-23T23:00-03:00"),
        ("2026-11-23 18:30:15-05:00", NOON, "2026-11-23T20:30:15-03:00"),
    ],
)
def test_a_moment_is_understood_as_people_and_systems_write_it(written: str, now: datetime, moment: str) -> None:
    assert read_moment("predicted", written, now=now, zone=ZONE) == datetime.fromisoformat(moment)


def test_an_hour_is_one_of_the_installations_zone() -> None:
    at = read_moment("predicted", "22:30", now=LATE, zone=RIO_BRANCO)
    assert at == datetime(2026, 11, 24, 0, 30, tzinfo=ZONE)


@pytest.mark.parametrize("written", ["", "-", " sem previsão "])
def test_no_moment_is_a_word_too(written: str) -> None:
    assert read_moment("predicted", written, now=NOON, zone=ZONE) is None


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("soon", 'use "18:30"'),
        ("25:00", 'use "18:30"'),
        ("18:75", 'use "18:30"'),
        ("31/02 10:00", 'use "18:30"'),
        ("99999-01-01", 'use "18:30"'),
        ("11:59", "já passou hoje; se for amanhã, escreva 24/11 11:59"),
        ("23/11 11:59", "já passou; informe um horário à frente"),
        ("2026-11-23T11:59", "já passou"),
        ("0001-01-01T00:00+14:00", "uma data ISO"),
        ("9999-12-31T23:59-14:00", "uma data ISO"),
        ("2027-11-23T11:59", "no máximo 30 dias"),
    ],
)
def test_a_moment_that_can_not_be_meant_is_answered_with_what_to_write(written: str, advice: str) -> None:
    with pytest.raises(WrongOutage, match=advice) as wrong:
        read_moment("predicted", written, now=NOON, zone=ZONE)
    assert str(wrong.value).startswith("predicted: ")
    assert wrong.value.field == "predicted"


@given(written=st.text(max_size=30))
def test_whatever_is_written_it_is_a_moment_ahead_or_an_advice(written: str) -> None:
    try:
        moment = read_moment("predicted", written, now=NOON, zone=ZONE)
    except WrongOutage:
        return
    assert moment is None or NOON < moment <= NOON + timedelta(days=30)


def test_texts_become_one_line_and_never_hold_a_variable() -> None:
    form = OutageForm(scope="all", cause=" rompimento\n de fibra ", protocol=" 2026-77 ")
    declared = read_declaration(form, now=NOON, zone=ZONE)
    assert (declared.cause, declared.protocol) == ("rompimento de fibra", "2026-77")
    for wrong in (OutageForm(scope="all", cause="{{protocol}}"), OutageForm(scope="all", protocol="x" * 61)):
        with pytest.raises(WrongOutage):
            read_declaration(wrong, now=NOON, zone=ZONE)


def test_an_outage_says_what_it_reaches() -> None:
    with pytest.raises(WrongOutage, match="diga o que a falha atinge"):
        read_declaration(OutageForm(), now=NOON, zone=ZONE)


def test_what_is_not_written_stays_and_what_is_empty_is_taken_away() -> None:
    assert read_correction(OutageForm(), now=NOON, zone=ZONE) == Correction()
    emptied = read_correction(OutageForm(predicted="", cause="", protocol=""), now=NOON, zone=ZONE)
    assert emptied == Correction(predicted_at=None, cause="", protocol=None)
    assert emptied.scope is UNSET
    said = read_correction(OutageForm(scope="all", expires="18:30"), now=NOON, zone=ZONE)
    assert said == Correction(scope=Scope(reach=Reach.ALL), expires_at=datetime(2026, 11, 23, 18, 30, tzinfo=ZONE))


def test_an_outage_is_shown_in_the_installations_zone_and_can_be_written_as_it_is_shown() -> None:
    facts = outage_facts(OUTAGE, Told(chats=3, closed=1), now=NOON, zone=RIO_BRANCO)
    assert facts == {
        "id": "o-1",
        "state": "open",
        "source": "admin",
        "scope": "city=Contagem,Betim",
        "cause": "energia",
        "predicted_at": "2026-11-23T16:30:00-05:00",
        "protocol": "77",
        "started_at": "2026-11-23T10:00:00-05:00",
        "expires_at": "2026-11-23T22:00:00-05:00",
        "ended_at": None,
        "chats_told": 3,
        "chats_closed": 1,
    }
    none_in_common = outage_facts(replace(OUTAGE, protocol=NO_COMMON_PROTOCOL), Told(), now=NOON, zone=ZONE)
    assert none_in_common["protocol"] is None


@pytest.mark.parametrize(
    ("outage", "words"),
    [
        (OUTAGE, "aberta · nas cidades Contagem e Betim · desde 23/11 às 12h00 · previsão: 18h30 · protocolo 77"),
        (replace(OUTAGE, ended_at=NOON), "encerrada · nas cidades Contagem e Betim · desde 23/11 às 12h00 · protocolo"),
        (replace(OUTAGE, expires_at=NOON), "vencida · "),
        (replace(OUTAGE, source=Source.ERP, protocol=None), "informada pelo ERP · avisos: 3"),
    ],
)
def test_an_outage_is_one_line_for_people(outage: DeclaredOutage, words: str) -> None:
    assert words in outage_line(outage, Told(chats=3), now=NOON, zone=ZONE)

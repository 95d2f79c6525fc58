from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.outage_scope import DeclaredOutage, OutageId, Reach, Scope, Source
from domain.outage_words import news_of_lapse, said_scope

ZONE = ZoneInfo("America/Sao_Paulo")
OUTAGE = DeclaredOutage(
    id=OutageId("o-1"),
    source=Source.ADMIN,
    scope=Scope(reach=Reach.CONTRACTS, names=("20743", "20801")),
    cause="Dona Zulmira, rua das Acácias",
    started_at=datetime(2026, 11, 23, 22, tzinfo=ZONE),
    expires_at=datetime(2026, 11, 24, 10, tzinfo=ZONE),
)


@pytest.mark.parametrize(
    ("reach", "names", "said"),
    [
        (Reach.ALL, (), "em toda a rede"),
        (Reach.CITY, ("Contagem",), "na cidade Contagem"),
        (Reach.CITY, ("Contagem", "Betim"), "nas cidades Contagem e Betim"),
        (Reach.DISTRICT, ("A", "B", "C"), "nos bairros A, B e C"),
        (Reach.ACCESS_POINT, ("OLT 1",), "no ponto de acesso OLT 1"),
        (Reach.ACCESS_POINT, tuple("ABCDEFG"), "nos pontos de acesso A, B, C, D, E e mais 2"),
        (Reach.CONTRACTS, ("1",), "em 1 contrato"),
        (Reach.CONTRACTS, ("1", "2"), "em 2 contratos"),
        (Reach.CITY, (), "nas cidades "),
    ],
)
def test_what_an_outage_reaches_is_said_in_few_words(reach: Reach, names: tuple[str, ...], said: str) -> None:
    assert said_scope(Scope(reach=reach, names=names)) == said


@pytest.mark.parametrize("expired", [False, True])
def test_people_are_asked_with_the_hours_of_their_zone_and_without_naming_anybody(expired: bool) -> None:
    news = news_of_lapse(OUTAGE, expired=expired, zone=ZoneInfo("America/Rio_Branco"))
    text = "\n".join((news.subject, *news.paragraphs))
    assert "em 2 contratos, aberta em 23/11 às 20h00" in text
    assert "24/11 às 08h00" in text
    assert not any(word in text for word in ("20743", "Zulmira", "Acácias"))


def test_the_question_and_the_news_are_told_apart() -> None:
    asked, told = (news_of_lapse(OUTAGE, expired=expired, zone=ZONE) for expired in (False, True))
    assert (asked.cause, told.cause) == ("outage.expiring", "outage.expired")
    assert asked.subject.endswith("?")
    later = replace(OUTAGE, expires_at=OUTAGE.expires_at + timedelta(days=1))
    assert news_of_lapse(later, expired=False, zone=ZONE) != asked

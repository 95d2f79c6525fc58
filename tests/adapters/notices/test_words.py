from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.notices.words import OUTCOMES, SUBJECT_MAX, letters
from domain.causes import ADVICE
from domain.installation import Policies
from domain.notice import Digest, News, NoticeKind, PastProblem, ProblemNotice
from domain.outcome import Outcome
from tests.domain.builders import installation

HERE = replace(installation(), email=" avisos@provedor.example ")
write = letters("https://ponte.example")
TIMEOUT = ProblemNotice(
    kind=NoticeKind.PROBLEM,
    cause="erp.timeout",
    occurrences=1500,
    first_at=datetime(2026, 11, 23, 15, tzinfo=UTC),
    last_at=datetime(2026, 11, 23, 15, 4, tzinfo=UTC),
)
DAY = Digest(day=date(2026, 11, 22), outcomes={}, unfinished=0, problems=())


def test_a_problem_says_whose_what_since_when_how_often_what_to_do_and_where() -> None:
    letter = write(TIMEOUT, HERE)

    assert letter.recipient == "avisos@provedor.example"
    assert letter.subject == "Provedor Exemplo: o ERP demorou demais para responder"
    for part in (
        "O ERP demorou demais para responder.",
        "Desde: 23/11/2026 às 12:00",
        "Última vez: 23/11/2026 às 12:04",
        "Ocorrências até agora: 1.500",
        f"O que fazer: {ADVICE['erp.timeout'].what_to_do}",
        "https://ponte.example/i/inst-1/problemas",
    ):
        assert part in letter.text


def test_that_it_goes_on_and_that_it_is_over_are_told_apart() -> None:
    still = write(replace(TIMEOUT, kind=NoticeKind.STILL), HERE)
    over = write(replace(TIMEOUT, kind=NoticeKind.OVER), HERE)

    assert "continua" in still.subject
    assert "resolvido" in over.subject
    assert "O que fazer" not in over.text
    assert "Ocorrências: 1.500" in over.text


def test_times_are_those_of_the_provider() -> None:
    there = replace(HERE, policies=Policies(timezone="America/Rio_Branco"))

    assert "Desde: 23/11/2026 às 10:00" in write(TIMEOUT, there).text


def test_the_digest_counts_by_outcome_and_names_the_problems() -> None:
    letter = write(
        replace(
            DAY,
            outcomes={"failed": 3, "boleto.issued": 1200, "new.one": 1, "paused": 2},
            unfinished=2,
            problems=(
                PastProblem(cause="erp.timeout", occurrences=3, goes_on=True),
                PastProblem(cause="huggy.timeout", occurrences=1, goes_on=False),
            ),
        ),
        HERE,
    )

    assert letter.subject == "Provedor Exemplo: o dia 22/11/2026 no Ponte"
    lines = letter.text.splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        "- Boletos enviados: 1.200",
        "- Recebidos durante uma pausa: 2",
        "- Falhas, com o flow auxiliar: 3",
        "- Outros: 1",
        "- Ainda sem conclusão: 2",
        "- O ERP demorou demais para responder (3 vezes; continua)",
        "- A Huggy demorou demais para responder (1 vez; resolvido)",
    ]


def test_a_quiet_day_is_told_too() -> None:
    letter = write(DAY, HERE)

    assert "Nenhum pedido chegou nesse dia." in letter.text
    assert "Nenhum problema." in letter.text


def test_every_outcome_has_a_name_in_the_digest() -> None:
    assert {each.__struct_config__.tag for each in Outcome.__args__} <= OUTCOMES.keys()


def test_other_news_come_in_their_own_words_with_their_own_page() -> None:
    news = News(cause="outage.still", subject="A falha continua?", paragraphs=("Um.", "Dois."), page="falhas")
    letter = write(news, HERE)

    assert letter.subject == "Provedor Exemplo: A falha continua?"
    assert "Um.\n\nDois." in letter.text
    assert "/i/inst-1/falhas" in letter.text


@pytest.mark.parametrize(
    ("name", "begins"), [("", "empresa 1001: "), ("A\r\nBcc: x@y.example\x00", "A Bcc: x@y.example")]
)
def test_a_subject_is_one_line_whatever_the_name(name: str, begins: str) -> None:
    assert write(TIMEOUT, replace(HERE, name=name)).subject.startswith(begins)


@given(name=st.text(), cause=st.text(), count=st.integers(0, 10**9), kind=st.sampled_from(list(NoticeKind)[:3]))
def test_any_notice_can_be_written_in_a_subject_of_one_line(
    name: str, cause: str, count: int, kind: NoticeKind
) -> None:
    letter = write(replace(TIMEOUT, cause=cause, occurrences=count, kind=kind), replace(HERE, name=name))

    assert letter.subject.isprintable()
    assert len(letter.subject) <= SUBJECT_MAX
    assert letter.text


@given(st.from_regex(r"[a-z]+\.ana_souza_52998224725_[a-z]*", fullmatch=True))
def test_a_cause_itself_is_never_quoted(cause: str) -> None:
    for kind in (NoticeKind.PROBLEM, NoticeKind.STILL, NoticeKind.OVER):
        letter = write(replace(TIMEOUT, cause=cause, kind=kind), HERE)
        assert "52998224725" not in letter.subject + letter.text

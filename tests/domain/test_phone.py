"""Telephone numbers: one line written in many ways, and lines that only look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.phone import national_digits, same_line
from tests.domain.recorded import VECTORS

AREAS = [str(area) for area in range(11, 100) if national_digits(f"{area}33334444") is not None]
SUBSCRIBERS = st.from_regex(r"9[0-9]{8}|[2-9][0-9]{7}", fullmatch=True)
LINES = st.tuples(st.sampled_from(AREAS), SUBSCRIBERS)


@pytest.mark.parametrize(("one", "other", "same"), VECTORS["phone_same_identity"])
def test_published_pairs_are_told_apart(one: str, other: str, same: bool) -> None:
    assert same_line(one, other) is same
    assert same_line(other, one) is same


@given(
    LINES,
    st.sampled_from(
        ["{}{}", "+55{}{}", "55{}{}", "(0{}) {}", "+55 ({}) {}", "015 {} {}", "\u202a+55 {}\u2011{}\u202c"]
    ),
)
def test_one_line_written_differently_is_one_line(line: tuple[str, str], written: str) -> None:
    plain = "".join(line)
    assert national_digits(written.format(*line)) == plain
    assert same_line(plain, written.format(*line))


@given(st.sampled_from(AREAS), st.from_regex(r"[6-9][0-9]{7}", fullmatch=True))
def test_the_ninth_digit_before_an_older_mobile_is_ignored(area: str, older: str) -> None:
    assert same_line(f"+55 {area} 9{older}", f"55{area}{older}")


@given(st.sampled_from(AREAS), st.from_regex(r"[2-5][0-9]{7}", fullmatch=True))
def test_a_mobile_is_not_the_landline_with_its_last_eight_digits(area: str, landline: str) -> None:
    assert not same_line(f"{area}9{landline}", f"{area}{landline}")


@given(LINES, LINES)
def test_lines_with_other_last_digits_or_area_are_different(one: tuple[str, str], other: tuple[str, str]) -> None:
    if (one[0], one[1][-8:]) != (other[0], other[1][-8:]):
        assert not same_line("".join(one), "".join(other))


@given(st.text(), st.text())
def test_the_comparison_is_symmetric_and_never_raises(one: str, other: str) -> None:
    assert same_line(one, other) is same_line(other, one)


def test_there_are_67_area_codes() -> None:
    assert len(AREAS) == 67


def test_area_55_is_not_taken_for_the_country_code() -> None:
    assert national_digits("+55 98765-4321") is None
    assert national_digits("(55) 98765-4321") == "55987654321"
    assert national_digits("+55 55 98765-4321") == "55987654321"
    assert national_digits("55 3222-1234") == "5532221234"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "BR.1502576394655843",
        "1502576394655843",
        "não informado",
        "98765-4321",
        "20 98765-4321",
        "00 98765-4321",
        "11 18765-4321",
        "0800 529 9822",
        "4004-1234",
        "190",
        "+1 415 555 2671",
        "+351 912 345 678",
        "+11 98765-4321",
        "11 98765-4321 ou 11 3222-1234",
        "119876543２１0",
    ],
)
def test_what_is_no_brazilian_line_equals_nothing_not_even_itself(text: str) -> None:
    assert national_digits(text) is None
    assert not same_line(text, text)


def test_digits_of_any_script_are_digits() -> None:
    assert same_line("１１ ９８７６５－４３２１", "11987654321")

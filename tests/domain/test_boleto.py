"""Boletos: read what banks print, refuse what is not one."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.boleto import Boleto, BoletoFault, parse_boleto
from domain.money import Money
from tests.domain.boletos import (
    Printed,
    collection,
    collections,
    digits,
    luhn,
    printed_boletos,
    punctuated,
    utilities,
    utility,
    utility_modulo_11,
)
from tests.domain.recorded import VECTORS

TODAY = date(2026, 11, 23)


def read(text: str) -> Boleto:
    boleto = parse_boleto(text)
    assert isinstance(boleto, Boleto), boleto
    return boleto


@pytest.mark.parametrize("vector", [v for v in VECTORS["boleto"] if v["valid"]], ids=lambda v: v["input"][:20])
def test_published_boletos_are_read_as_published(vector: dict[str, str]) -> None:
    boleto = read(vector["input"])
    due_on = date.fromisoformat(vector["due"]) if "due" in vector else None
    assert boleto.bank == vector.get("bank")
    assert boleto.amount == (Money.from_reais(Decimal(vector["value"])) if Decimal(vector["value"]) else None)
    assert boleto.due_on(due_on or TODAY) == due_on
    assert boleto.is_collection is ("bank" in vector)
    assert boleto.barcode[1:3] == vector["seg"] + vector["vid"] if "seg" in vector else boleto.barcode[3] == "9"


@pytest.mark.parametrize("vector", [v for v in VECTORS["boleto"] if not v["valid"]], ids=lambda v: v["input"][:20])
def test_published_wrong_boletos_are_refused(vector: dict[str, str]) -> None:
    assert isinstance(parse_boleto(vector["input"]), BoletoFault)


def test_the_published_examples_of_check_digits_hold_for_the_generator() -> None:
    assert (luhn("01230067896"), utility_modulo_11("01230067896")) == ("3", "0")


@given(printed_boletos())
def test_line_and_barcode_are_one_boleto_and_give_back_what_went_in(printed: Printed) -> None:
    boleto = read(printed.line)
    assert boleto == read(printed.barcode) == read(punctuated(printed.line))
    assert (boleto.digitable_line, boleto.barcode) == (printed.line, printed.barcode)
    assert boleto.amount == (Money(printed.centavos) if printed.centavos else None)


@given(printed_boletos())
def test_what_is_read_can_be_read_again(printed: Printed) -> None:
    boleto = read(printed.line)
    assert read(boleto.digitable_line) == read(boleto.barcode) == boleto


@given(collections(), st.integers(0, 31), st.integers(1, 9))
def test_one_wrong_digit_in_the_first_three_fields_is_always_noticed(printed: Printed, at: int, step: int) -> None:
    assert isinstance(parse_boleto(with_digit_moved(printed.line, at, step)), BoletoFault)


@given(
    utilities().filter(lambda printed: printed.barcode[2] in "67"),
    st.integers(0, 47).filter(lambda at: at != 2),
    st.integers(1, 9),
)
def test_one_wrong_digit_in_a_utility_line_with_modulo_10_is_always_noticed(
    printed: Printed, at: int, step: int
) -> None:
    assert isinstance(parse_boleto(with_digit_moved(printed.line, at, step)), BoletoFault)


def test_a_wrong_amount_can_pass_every_check_digit() -> None:
    right = read("75693100764795456217001555268646117760048933299")
    wrong = read("75693100764795456217001555268646117760048963299")
    assert (right.amount, wrong.amount) == (Money(48933299), Money(48963299))


@given(st.dates(date(2000, 7, 3), date(2049, 10, 13)), st.integers(-4000, 4000))
def test_a_due_date_is_found_from_any_day_within_eleven_years_of_it(due_on: date, distance: int) -> None:
    days = (due_on - date(1997, 10, 7)).days
    factor = days if days <= 9999 else 1000 + (due_on - date(2025, 2, 22)).days
    assert read(collection(factor=factor).line).due_on(due_on + timedelta(days=distance)) == due_on


@pytest.mark.parametrize(
    ("factor", "near", "due_on"),
    [
        (1000, date(2000, 7, 1), date(2000, 7, 3)),
        (9999, date(2025, 2, 1), date(2025, 2, 21)),
        (1000, date(2025, 2, 1), date(2025, 2, 22)),
        (9999, TODAY + timedelta(days=8000), date(2049, 10, 13)),
        (1667, date(2002, 1, 1), date(2002, 5, 1)),
        (1667, TODAY, date(2026, 12, 21)),
    ],
)
def test_the_due_factor_means_the_date_nearest_to_the_day_asked_for(factor: int, near: date, due_on: date) -> None:
    assert read(collection(factor=factor).line).due_on(near) == due_on


@pytest.mark.parametrize("near", [date.min, date.max])
def test_the_ends_of_the_calendar_are_days_like_any_other(near: date) -> None:
    assert read(collection(factor=1000).line).due_on(near) in {date(2000, 7, 3), date(2025, 2, 22)}


def test_factor_zero_is_no_due_date() -> None:
    boleto = read("75691.23453 67890.123457 67890.123457 8 00000000005000")
    assert boleto.due_on(TODAY) is None
    assert boleto.amount == Money(5000)


def test_a_zero_amount_is_left_open() -> None:
    assert read(collection(centavos=0).line).amount is None
    assert read(utility(value=0).line).amount is None


@pytest.mark.parametrize("kind", [7, 9])
def test_a_quantity_is_not_money(kind: int) -> None:
    assert read(utility(kind=kind, value=9990).line).amount is None


def test_a_utility_boleto_has_no_bank_and_no_due_date() -> None:
    boleto = read(utility().line)
    assert (boleto.bank, boleto.is_collection, boleto.decodable) == (None, False, True)
    assert boleto.due_on(TODAY) is None


@given(factor=st.integers(0, 9999), centavos=st.integers(0, 10**10 - 1), free=digits(25))
def test_amount_and_date_of_an_institution_without_a_clearing_code_are_not_decoded(
    factor: int, centavos: int, free: str
) -> None:
    boleto = read(collection(bank="988", factor=factor, centavos=centavos, free=free).line)
    assert (boleto.bank, boleto.decodable, boleto.amount, boleto.due_on(TODAY)) == ("988", False, None, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", BoletoFault.LENGTH),
        (collection().line[1:], BoletoFault.LENGTH),
        (collection().line + "0", BoletoFault.LAYOUT),
        ("8" + collection().line[1:], BoletoFault.LAYOUT),
        (utility().line[:-1], BoletoFault.LAYOUT),
        (collection().line.replace("3419", "3418", 1), BoletoFault.LAYOUT),
        (collection(factor=999).line, BoletoFault.LAYOUT),
        (collection(factor=1).barcode, BoletoFault.LAYOUT),
        (utility(kind=2).line, BoletoFault.LAYOUT),
        (utility(kind=5).barcode, BoletoFault.LAYOUT),
        ("linha " + collection().line, BoletoFault.CHARACTERS),
        (collection().line + "\n", BoletoFault.CHARACTERS),
        (collection().line.replace("1", "１"), BoletoFault.CHARACTERS),
        (collection().line.replace("1", "²"), BoletoFault.CHARACTERS),
        ("35261112345678000195550010000012341000012345", BoletoFault.LAYOUT),
    ],
)
def test_what_is_no_boleto_is_refused_with_its_reason(text: str, fault: BoletoFault) -> None:
    assert parse_boleto(text) is fault


@given(printed_boletos(), st.integers(1, 9))
def test_a_wrong_general_check_digit_is_refused(printed: Printed, step: int) -> None:
    at = 3 if printed.barcode.startswith("8") else 4
    assert parse_boleto(with_digit_moved(printed.barcode, at, step)) is BoletoFault.CHECK_DIGITS


@given(utilities(), st.sampled_from([11, 23, 35, 47]), st.integers(1, 9))
def test_a_wrong_check_digit_of_a_block_is_refused(printed: Printed, at: int, step: int) -> None:
    assert parse_boleto(with_digit_moved(printed.line, at, step)) is BoletoFault.CHECK_DIGITS


@given(st.text() | st.text("0123456789 .-", min_size=44, max_size=60))
def test_any_text_is_answered_and_never_raises(text: str) -> None:
    assert isinstance(parse_boleto(text), Boleto | BoletoFault)


def test_a_boleto_shows_no_more_than_its_bank_in_a_log() -> None:
    assert repr(read(collection().line)) == "Boleto(bank='341')"


def with_digit_moved(text: str, at: int, step: int) -> str:
    return text[:at] + str((int(text[at]) + step) % 10) + text[at + 1 :]

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.voalle.wire import (
    Fields,
    as_day,
    as_flag,
    as_moment,
    as_money,
    decode,
    path_part,
    rows,
    shape,
    written_id,
)
from application.failures import Rejected, Unintelligible
from domain.money import Money


@pytest.mark.parametrize(
    ("value", "centavos"),
    [
        (99, 9900),
        (Decimal("99.9"), 9990),
        (Decimal("0.1"), 10),
        (Decimal("101.235"), 10124),
        ("99.90", 9990),
        ("99,90", 9990),
        ("99,9", 9990),
        ("1.234,56", 123456),
        ("1234,56", 123456),
        ("R$ 1.234,56", 123456),
        ("100", 10000),
        (0, 0),
    ],
)
def test_amounts_are_read_by_one_rule(value: object, centavos: int) -> None:
    assert as_money(value) == Money(centavos)


@pytest.mark.parametrize("value", [None, ""])
def test_no_amount_is_no_amount(value: object) -> None:
    assert as_money(value) is None


@pytest.mark.parametrize(
    "value",
    ["1.234", "1,234.56", "12.34.56", "abc", "-5", "٩٩", -1, True, [], {}, Decimal("1E+999999"), Decimal("1E+15")],
)
def test_an_amount_that_could_be_two_things_is_not_understood(value: object) -> None:
    with pytest.raises(Unintelligible):
        as_money(value)


@given(st.integers(0, 10**12))
def test_an_amount_survives_every_way_to_write_it(centavos: int) -> None:
    money = Money(centavos)
    assert as_money(Decimal(centavos) / 100) == money
    assert as_money(f"{centavos // 100}.{centavos % 100:02d}") == money
    assert as_money(money.in_reais()) == money


@pytest.mark.parametrize(
    "value", ["2026-08-10", "2026-08-10T00:00:00", "2026-08-10T00:00:00.000Z", "10/08/2026", "10/08/2026 00:00"]
)
def test_a_due_date_is_the_day_as_written(value: str) -> None:
    assert as_day(value) == date(2026, 8, 10)


@pytest.mark.parametrize("value", [None, "", "0000-00-00", "1900-01-01T00:00:00", "0000-00-00 00:00:00"])
def test_the_dates_that_mean_none_are_none(value: object) -> None:
    assert as_day(value) is None


@pytest.mark.parametrize("value", ["2026-13-01", "31/02/2026", "08/2026", "tomorrow", 20260810, "2026-08-10x"])
def test_a_date_in_another_form_is_not_understood(value: object) -> None:
    with pytest.raises(Unintelligible):
        as_day(value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-20T09:30:00", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00.123", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("2026-11-20 09:30", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("20/11/2026 09:30:00", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20", None),
        ("2026-11-20T25:00:00", None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_brasilia_time(value: object, moment: datetime | None) -> None:
    assert as_moment(value) == moment


@pytest.mark.parametrize(("value", "flag"), [(True, True), (1, True), ("true", True), ("1", True), (" True ", True)])
def test_yes_has_several_spellings(value: object, flag: bool) -> None:
    assert as_flag(value) is flag


@pytest.mark.parametrize(("value", "flag"), [(False, False), (0, False), ("false", False), (2, None), ("", None)])
def test_no_has_several_spellings_and_other_values_are_neither(value: object, flag: bool | None) -> None:
    assert as_flag(value) is flag


def test_a_field_counts_in_any_spelling_and_empty_text_is_no_value() -> None:
    fields = Fields({"typefulLine": "", "linha_digitável": "237"})
    assert fields.text(("typeful_line", "linha_digitavel")) == "237"


@pytest.mark.parametrize(("value", "ident"), [(20743, "20743"), ("0020743", "0020743"), (" 7 ", "7"), (0, "0")])
def test_ids_come_as_number_or_text(value: object, ident: str) -> None:
    assert Fields({"id": value}).ident(("id",)) == ident


@pytest.mark.parametrize("value", [None, "", True, [], {}, Decimal("1.5"), "9" * 65, 10**70])
def test_what_is_no_id_is_none(value: object) -> None:
    assert Fields({"id": value}).ident(("id",)) is None


@pytest.mark.parametrize(
    "answer",
    [
        [{"id": 1}],
        {"data": [{"id": 1}]},
        {"response": {"data": [{"id": 1}]}},
        {"data": {"id": 1}},
        {"id": 1},
        {"0": {"id": 1}},
        {"status": "OK", "id": None, "data": [{"id": 1}]},
    ],
)
def test_rows_are_found_wherever_the_answer_keeps_them(answer: object) -> None:
    found = rows(answer, what="x", under=("data", "response"), item=("id",))
    assert [row.text(("id",)) for row in found] == ["1"]


@pytest.mark.parametrize("answer", [None, [], {"data": []}, {"data": None}, {"response": {"data": []}}])
def test_null_and_an_empty_list_are_no_rows(answer: object) -> None:
    assert rows(answer, what="x", under=("data", "response"), item=("id",)) == []


@pytest.mark.parametrize("answer", [{}, "", "no", 0, {"data": "none"}, [1], [{"other": 1}], {"total": 0}])
def test_anything_else_is_not_understood(answer: object) -> None:
    with pytest.raises(Unintelligible) as caught:
        rows(answer, what="x", under=("data", "response"), item=("id",))
    assert caught.value.cause == "erp.unknown_x"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "erp.empty_answer"),
        (b" \n ", "erp.empty_answer"),
        (b"<html>", "erp.not_json"),
        (b'{"a":', "erp.not_json"),
        (b'{"a": "\xe9"}', "erp.not_json"),
        (b"[" * 100_000, "erp.not_json"),
    ],
)
def test_what_is_no_json_is_told_apart(body: bytes, cause: str) -> None:
    with pytest.raises(Unintelligible) as caught:
        decode(body)
    assert caught.value.cause == cause


def test_white_space_and_a_byte_order_mark_do_not_count_and_amounts_are_exact() -> None:
    assert decode(b'\xef\xbb\xbf\r\n {"value": 0.1} \n') == {"value": Decimal("0.1")}


def test_a_shape_shows_names_and_kinds_and_no_value() -> None:
    answer = {"client_name": "FULANO", "529.982.247-25": {"phone": "11987654321"}, "ids": [20743], "ANA MARIA": None}
    told = shape(answer)
    assert told == "{client_name: str, ?: {phone: str}, ids: [int] of 1, ?: NoneType}"
    assert "FULANO" not in repr(Fields(answer))


def test_of_a_shape_four_levels_are_shown() -> None:
    assert shape([[[[[[1]]]]]]) == "[[[[list] of 1] of 1] of 1] of 1"
    assert shape({"a": {"a": {"a": {"a": {"a": 1}}}}}) == "{a: {a: {a: {a: dict}}}}"


def test_an_id_never_leaves_its_place_in_a_path() -> None:
    assert path_part("a/../b c") == "a%2F..%2Fb%20c"
    for climbing in ("", ".", ".."):
        with pytest.raises(Rejected):
            path_part(climbing)


def test_an_id_is_written_as_the_erp_writes_it() -> None:
    assert [written_id("123"), written_id("0123"), written_id("a1")] == [123, "0123", "a1"]

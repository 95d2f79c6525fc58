"""Pix codes: read what banks issue, refuse what a wallet would refuse, change nothing."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.pix import PixCode, PixFault, parse_pix, read_pix_host, read_pix_key
from tests.domain.pix_codes import Issued, field, issued_pix_codes, sealed
from tests.domain.recorded import VECTORS

PIX_ACCOUNT = field("26", field("00", "br.gov.bcb.pix") + field("01", "a@b.com"))
REAIS_IN_BRAZIL = field("53", "986") + field("58", "BR")
SIMPLE = field("00", "01") + PIX_ACCOUNT + REAIS_IN_BRAZIL


def read(text: str) -> PixCode:
    code = parse_pix(text)
    assert isinstance(code, PixCode), code
    return code


@pytest.mark.parametrize("vector", [v for v in VECTORS["pix"] if v["valid"]], ids=lambda v: v["note"])
def test_published_codes_are_read_and_kept_as_they_are(vector: dict[str, str]) -> None:
    assert read(vector["input"]).text == vector["input"]


@pytest.mark.parametrize("vector", [v for v in VECTORS["pix"] if not v["valid"]], ids=lambda v: v["note"])
def test_codes_that_were_altered_on_the_way_are_refused(vector: dict[str, str]) -> None:
    assert isinstance(parse_pix(vector["input"]), PixFault)


def test_a_static_code_tells_its_key_and_payee() -> None:
    code = read(VECTORS["pix"][0]["input"])
    assert (code.key, code.url_host, code.amount) == ("123e4567-e12b-12d1-a456-426655440000", None, None)
    assert (code.payee, code.reference, code.recurring) == ("Fulano de Tal", "***", False)


def test_a_dynamic_code_tells_its_host() -> None:
    code = read(VECTORS["pix"][1]["input"])
    assert (code.key, code.url_host, code.recurring) == (None, "pix.example.com", False)


@given(issued_pix_codes())
def test_a_code_gives_back_what_went_in(issued: Issued) -> None:
    code = read(issued.text)
    assert code.text == issued.text
    assert (code.key, code.amount, code.payee, code.reference) == (
        issued.key,
        issued.amount,
        issued.payee,
        issued.reference,
    )
    assert code.url_host == (issued.url.split("/")[0] if issued.url else None)
    assert code.recurring is (issued.recurrence_url is not None)


@given(issued_pix_codes(), st.data())
def test_one_changed_character_is_always_refused(issued: Issued, data: st.DataObject) -> None:
    text = issued.text
    at = data.draw(st.integers(0, len(text) - 1))
    # The case of the checksum itself means nothing.
    as_good = {text[at].upper(), text[at].lower()} if at >= len(text) - 4 else {text[at]}
    other = data.draw(st.characters().filter(lambda character: character not in as_good))
    assert isinstance(parse_pix(text[:at] + other + text[at + 1 :]), PixFault)


@given(issued_pix_codes(), st.data())
def test_one_lost_or_added_character_is_always_refused(issued: Issued, data: st.DataObject) -> None:
    text = issued.text
    at = data.draw(st.integers(0, len(text) - 1))
    added = data.draw(st.sampled_from(string.printable))
    assert isinstance(parse_pix(text[:at] + text[at + 1 :]), PixFault)
    assert isinstance(parse_pix(text[:at] + added + text[at:]), PixFault) or (at == 0 and added in "\r\n")


@given(issued_pix_codes(), st.text("\r\n", max_size=3), st.text("\r\n", max_size=3))
def test_line_ends_around_a_code_are_no_part_of_it(issued: Issued, before: str, after: str) -> None:
    assert parse_pix(before + issued.text + after) == read(issued.text)


@given(issued_pix_codes())
def test_a_checksum_in_small_letters_is_accepted_and_forwarded_as_it_is(issued: Issued) -> None:
    text = issued.text[:-4] + issued.text[-4:].lower()
    assert read(text).text == text


def test_the_name_of_the_arrangement_may_be_in_any_case() -> None:
    account = field("26", field("00", "BR.GOV.BCB.PIX") + field("01", "a@b.com"))
    assert read(sealed(field("00", "01") + account + REAIS_IN_BRAZIL)).key == "a@b.com"


def test_the_host_is_told_in_lower_case() -> None:
    assert read(Issued(url="Pix.Example.com/qr/1").text).url_host == "pix.example.com"


def test_the_account_may_stand_beside_another_arrangement() -> None:
    other = field("27", field("00", "com.example") + field("01", "x")) + field("28", "no template")
    assert read(sealed(field("00", "01") + PIX_ACCOUNT + other + REAIS_IN_BRAZIL)).key == "a@b.com"


@pytest.mark.parametrize(("identifier", "is_one"), [("25", False), ("26", True), ("51", True), ("52", False)])
def test_an_account_stands_where_accounts_stand_and_nowhere_else(identifier: str, is_one: bool) -> None:
    account = field(identifier, field("00", "br.gov.bcb.pix") + field("01", "a@b.com"))
    code = parse_pix(sealed(field("00", "01") + account + REAIS_IN_BRAZIL))
    assert code is PixFault.ARRANGEMENT if not is_one else isinstance(code, PixCode)


def test_name_and_reference_may_be_absent() -> None:
    code = read(sealed(SIMPLE))
    assert (code.payee, code.reference) == ("", "")


def test_spaces_in_a_name_are_kept() -> None:
    assert read(Issued(key="a@b.com", payee="PROVEDOR  LTDA ").text).payee == "PROVEDOR  LTDA "


def test_a_code_that_only_authorises_recurring_debits_has_no_destination_of_its_own() -> None:
    code = read(Issued(recurrence_url="pix.example.com/rec/1").text)
    assert (code.key, code.url_host, code.recurring) == (None, None, True)


@pytest.mark.parametrize(
    ("written", "amount"), [("99.90", 9990), ("99.9", 9990), ("99", 9900), ("9999999999.99", 999999999999)]
)
def test_an_amount_has_at_most_two_decimals(written: str, amount: int) -> None:
    assert read(sealed(SIMPLE + field("54", written))).amount == Money(amount)


@pytest.mark.parametrize("written", ["", "99,90", "99.", ".90", "99.900", "-1.00", "1e3", "1.234.56", "99999999999.99"])
def test_an_amount_in_any_other_form_is_refused(written: str) -> None:
    assert parse_pix(sealed(SIMPLE + field("54", written))) is PixFault.AMOUNT


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PixFault.STRUCTURE),
        ("00", PixFault.STRUCTURE),
        ("000201", PixFault.STRUCTURE),
        ("0" * 513, PixFault.LENGTH),
        (sealed(SIMPLE + field("59", "JOSÉ")), PixFault.CHARACTERS),
        (sealed(SIMPLE + field("59", "A\tB")), PixFault.CHARACTERS),
        (sealed(field("00", "02") + PIX_ACCOUNT + REAIS_IN_BRAZIL), PixFault.STRUCTURE),
        (sealed(PIX_ACCOUNT + field("00", "01") + REAIS_IN_BRAZIL), PixFault.STRUCTURE),
        (sealed(SIMPLE + field("59", "A") + field("59", "B")), PixFault.STRUCTURE),
        (sealed(SIMPLE + "AB01X"), PixFault.STRUCTURE),
        (sealed(SIMPLE) + field("64", "X"), PixFault.STRUCTURE),
        (sealed(SIMPLE + field("62", "05")), PixFault.STRUCTURE),
        (sealed(SIMPLE)[:-4] + "ZZZZ", PixFault.CHECKSUM),
        (SIMPLE + "6303ABC", PixFault.CHECKSUM),
        (sealed(field("00", "01") + PIX_ACCOUNT + field("58", "BR")), PixFault.CURRENCY),
        (sealed(field("00", "01") + PIX_ACCOUNT + field("53", "840") + field("58", "BR")), PixFault.CURRENCY),
        (sealed(field("00", "01") + PIX_ACCOUNT + field("53", "986") + field("58", "US")), PixFault.COUNTRY),
        (sealed(field("00", "01") + PIX_ACCOUNT + field("53", "986")), PixFault.COUNTRY),
        (sealed(field("00", "01") + REAIS_IN_BRAZIL), PixFault.ARRANGEMENT),
        (sealed(field("00", "01") + field("26", field("00", "com.example")) + REAIS_IN_BRAZIL), PixFault.ARRANGEMENT),
        (sealed(field("00", "01") + field("26", "broken") + REAIS_IN_BRAZIL), PixFault.ARRANGEMENT),
        (sealed(field("00", "01") + PIX_ACCOUNT + "27" + PIX_ACCOUNT[2:] + REAIS_IN_BRAZIL), PixFault.ARRANGEMENT),
        (Issued().text, PixFault.DESTINATION),
        (Issued(key="").text, PixFault.DESTINATION),
        (Issued(key="a@b.com", url="pix.example.com/1").text, PixFault.DESTINATION),
        (Issued(url="").text, PixFault.DESTINATION),
        (Issued(url="localhost/1").text, PixFault.DESTINATION),
        (Issued(url="https://pix.example.com/1").text, PixFault.DESTINATION),
        (Issued(url="pix.example.com@evil.example/1").text, PixFault.DESTINATION),
        (Issued(url="pix.example.com\\.evil.example/1").text, PixFault.DESTINATION),
    ],
)
def test_what_is_no_trustworthy_code_is_refused_with_its_reason(text: str, fault: PixFault) -> None:
    assert parse_pix(text) is fault


def test_the_longest_code_allowed_is_read() -> None:
    filled = SIMPLE + "".join(field(str(identifier), "x" * 99) for identifier in (64, 65, 66, 67))
    room = 512 - len(filled) - len("6304ABCD") - 4
    assert len(sealed(filled + field("68", "x" * room))) == 512
    assert read(sealed(filled + field("68", "x" * room))).key == "a@b.com"
    assert parse_pix(sealed(filled + field("68", "x" * (room + 1)))) is PixFault.LENGTH


@given(st.text() | st.text("0123456789", min_size=4).map(lambda tail: "000201" + tail))
def test_any_text_is_answered_and_never_raises(text: str) -> None:
    assert isinstance(parse_pix(text), PixCode | PixFault)


def test_a_code_shows_neither_key_nor_payee_in_a_log() -> None:
    assert repr(read(Issued(key="a@b.com").text)) == "PixCode(url_host=None, recurring=False)"


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("123e4567-E12B-12d1-a456-426655440000", "123e4567-e12b-12d1-a456-426655440000"),
        (" Financeiro@Provedor.com.br ", "financeiro@provedor.com.br"),
        ("+55 (11) 98765-4321", "+5511987654321"),
        ("529.982.247-25", "52998224725"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("banco do brasil", None),
        ("529.982.247-26", None),
        ("529.982.247-25 e 168.995.350-09", None),
        ("+1 202 555 0100", None),
        ("@", None),
        ("", None),
    ],
)
def test_a_key_of_any_kind_is_read_as_codes_carry_it(typed: str, key: str | None) -> None:
    assert read_pix_key(typed) == key


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("PIX.Banco.com.br", "pix.banco.com.br"),
        ("https://pix.banco.com.br", None),
        ("pix.banco.com.br/v2", None),
        ("isto não é um host!!", None),
        ("banco", None),
    ],
)
def test_a_host_is_read_as_codes_tell_it(typed: str, host: str | None) -> None:
    assert read_pix_host(typed) == host


@given(st.text())
def test_no_text_is_too_odd_to_be_asked_whether_it_is_a_key_or_a_host(text: str) -> None:
    key, host = read_pix_key(text), read_pix_host(text)
    assert key is None or read_pix_key(key) == key
    assert host is None or read_pix_host(host) == host

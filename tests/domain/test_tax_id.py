"""CPF and CNPJ: checked like the registry does, found in what people really type."""

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj as stdnum_cnpj
from stdnum.br import cpf as stdnum_cpf

from domain.tax_id import Cnpj, Cpf, DocumentFault, TaxId, find_tax_ids, read_document
from tests.domain.recorded import VECTORS

CPF = Cpf(digits="52998224725")
CNPJ = Cnpj(characters="12ABC34501DE35")
CHARACTERS = string.digits + string.ascii_uppercase
MOBILE_AND_CPF = Cpf(digits="11900000083")


def with_check_digits(number: str) -> str:
    """By python-stdnum, the oracle."""
    if len(number) == 12:
        return number + stdnum_cnpj.calc_check_digits(number)
    return number + stdnum_cpf._calc_check_digits(number)


def cpfs() -> st.SearchStrategy[Cpf]:
    numbers = st.text(string.digits, min_size=9, max_size=9).filter(lambda number: len(set(number)) > 1)
    return numbers.map(lambda number: Cpf(digits=with_check_digits(number)))


def cnpjs() -> st.SearchStrategy[Cnpj]:
    numbers = st.text(CHARACTERS, min_size=12, max_size=12).filter(lambda number: number != "0" * 12)
    return numbers.map(lambda number: Cnpj(characters=with_check_digits(number)))


def tax_ids() -> st.SearchStrategy[TaxId]:
    return cpfs() | cnpjs()


def is_cpf(text: str) -> bool:
    try:
        Cpf(digits=text)
    except ValueError:
        return False
    return True


def is_cnpj(text: str) -> bool:
    try:
        Cnpj(characters=text)
    except ValueError:
        return False
    return True


# --- the values -------------------------------------------------------------------------------------------------


@given(
    st.text(string.digits, min_size=11, max_size=11)
    | st.text(string.digits, min_size=9, max_size=9).map(with_check_digits)
    | st.sampled_from(string.digits).map(lambda digit: digit * 11)
)
def test_a_cpf_is_what_the_oracle_takes_for_one_except_eleven_equal_digits(digits: str) -> None:
    # python-stdnum accepts 111.111.111-11 and its like.
    assert is_cpf(digits) is (stdnum_cpf.is_valid(digits) and len(set(digits)) > 1)


@given(
    st.text(CHARACTERS, min_size=14, max_size=14)
    | st.text(CHARACTERS, min_size=12, max_size=12).map(with_check_digits)
    | st.sampled_from(CHARACTERS).map(lambda character: character * 14)
)
def test_a_cnpj_is_what_the_oracle_takes_for_one(characters: str) -> None:
    assert is_cnpj(characters) is stdnum_cnpj.is_valid(characters)


@given(tax_ids())
def test_the_formatted_text_is_the_oracles(document: TaxId) -> None:
    oracle = stdnum_cpf if isinstance(document, Cpf) else stdnum_cnpj
    assert document.formatted == oracle.format(document.plain)


@given(tax_ids(), st.sampled_from([-2, -1]), st.integers(1, 9))
def test_one_wrong_check_digit_is_never_a_document(document: TaxId, at: int, step: int) -> None:
    characters = list(document.plain)
    characters[at] = str((int(characters[at]) + step) % 10)
    assert find_tax_ids("".join(characters)) == ()


@pytest.mark.parametrize(
    "text", ["", "5299822472", "529.982.247-25", "５２９９８２２４７２５", "5299822472²", "52998224725\n"]
)
def test_a_cpf_is_made_of_eleven_ascii_digits_only(text: str) -> None:
    assert not is_cpf(text)


@pytest.mark.parametrize(
    "text", ["", "12abc34501de35", "12.ABC.345/01DE-35", "12ABC34501DE3", "12ABC34501DEZ5", "0" * 14]
)
def test_a_cnpj_is_made_of_capitals_and_ascii_digits_only(text: str) -> None:
    assert not is_cnpj(text)


@pytest.mark.parametrize("wrong", ["52998224724", "99999999999"])
def test_a_refused_document_is_not_in_the_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a valid CPF") as cpf:
        Cpf(digits=wrong)
    with pytest.raises(ValueError, match="not a valid CNPJ") as cnpj:
        Cnpj(characters=wrong)
    assert wrong not in f"{cpf.value!r}{cnpj.value!r}"


def test_documents_are_written_formatted_and_masked() -> None:
    assert (CPF.plain, CPF.formatted, CPF.masked) == ("52998224725", "529.982.247-25", "***.***.***-25")
    assert (CNPJ.plain, CNPJ.formatted, CNPJ.masked) == ("12ABC34501DE35", "12.ABC.345/01DE-35", "**.***.***/****-35")


def test_documents_are_masked_in_a_log() -> None:
    assert f"{CPF!r} {CNPJ}" == "Cpf(masked='***.***.***-25') Cnpj(masked='**.***.***/****-35')"


@given(tax_ids())
def test_documents_survive_storage(document: TaxId) -> None:
    assert msgspec.json.decode(msgspec.json.encode(document), type=Cpf | Cnpj) == document


def test_a_stored_document_that_is_not_valid_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="not a valid CPF"):
        msgspec.json.decode(b'{"type":"cpf","digits":"52998224724"}', type=Cpf | Cnpj)


# --- found in a text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["cpf"] + VECTORS["cnpj"], ids=lambda v: v["input"])
def test_published_documents_are_read_or_refused_as_published(vector: dict[str, str]) -> None:
    document = read_document(vector["input"])
    if vector["valid"]:
        assert isinstance(document, Cpf | Cnpj)
        assert document.plain == "".join(c for c in vector["input"].upper() if c in CHARACTERS)
    else:
        assert document is DocumentFault.INVALID


@pytest.mark.parametrize("vector", VECTORS["free_text"], ids=lambda v: v["input"])
def test_documents_are_found_in_what_people_type(vector: dict[str, list[list[str]]]) -> None:
    found = [[type(document).__name__.upper(), document.plain] for document in find_tax_ids(str(vector["input"]))]
    assert found == vector["found"]


@given(
    tax_ids(),
    st.booleans(),
    st.sampled_from(["{}", "é o {} obrigado", "cpf:{}", "CNPJ{}", "*{}*", "_{}_", "\ufeff {}\n", "{}!"]),
)
def test_a_document_is_found_bare_or_formatted_wherever_it_stands(document: TaxId, formatted: bool, text: str) -> None:
    assert find_tax_ids(text.format(document.formatted if formatted else document.plain)) == (document,)


@pytest.mark.parametrize(
    "text",
    [
        "5️⃣2️⃣9️⃣9️⃣8️⃣2️⃣2️⃣4️⃣7️⃣2️⃣5️⃣",
        "٥٢٩٩٨٢٢٤٧٢٥",
        "529\u200b982\u200b247\u200b25",
        "529.982.247\u201125",
        "529\u00a0982\u00a0247\u00a025",
        "529. 982. 247 - 25",
        "529982247-25",
        "529.982.247/25",
        "meu CPF529.982.247-25",
        "11 98765-4321 529 982 247 25",
    ],
)
def test_a_cpf_is_found_in_every_script_and_punctuation(text: str) -> None:
    assert find_tax_ids(text) == (CPF,)


@pytest.mark.parametrize(
    "text",
    [
        "1.529.982.247-25",
        "7529982247250",
        "529.982.247-25.1",
        "52998224725A",
        "é52998224725",
        "e\u030152998224725",
        "ΐ52998224725",
        "R$ 529.982.247,25",
        "529982247",
        "(11) 90000-0083",
        "34191.10121 34567.880058 71234.570001 6 16670000012345",
    ],
)
def test_a_piece_of_something_else_is_no_document(text: str) -> None:
    assert find_tax_ids(text) == ()


def test_each_document_is_told_once_in_order_of_appearance() -> None:
    text = f"cnpj {CNPJ.formatted}, cpf {CPF.plain} ({CPF.formatted}) {CNPJ.plain.lower()}"
    assert find_tax_ids(text) == (CNPJ, CPF)


@pytest.mark.parametrize(
    "text",
    [
        "cpf 52998224725 celular 11900000083",
        "celular 11900000083 cpf do titular: 52998224725",
        "11900000083 / 529.982.247-25",
        "11900000083 529 982 247 25",
    ],
)
def test_a_mobile_number_loses_against_a_document_that_was_meant(text: str) -> None:
    assert find_tax_ids(text) == (CPF,)


def test_a_mobile_number_beside_a_bare_document_leaves_the_choice_open() -> None:
    assert find_tax_ids("52998224725 11900000083") == (CPF, MOBILE_AND_CPF)
    assert find_tax_ids("cpf em 2026 52998224725, 11900000083") == (CPF, MOBILE_AND_CPF)
    assert find_tax_ids("52998224725 conta da CPFL 11900000083") == (CPF, MOBILE_AND_CPF)


def test_a_mobile_number_that_was_meant_as_a_document_stays() -> None:
    assert find_tax_ids("529.982.247-25 e 119.000.000-83") == (CPF, MOBILE_AND_CPF)
    assert find_tax_ids("meu cpf é 11900000083") == (MOBILE_AND_CPF,)
    assert find_tax_ids("11900000083") == (MOBILE_AND_CPF,)


def test_prose_is_no_document_but_the_same_characters_in_one_word_or_masked_are() -> None:
    assert find_tax_ids("oi que dia hoje 10") == ()
    assert find_tax_ids("OIQUEDIAHOJE10") == find_tax_ids("oi.que.dia/hoje-10") == (Cnpj(characters="OIQUEDIAHOJE10"),)
    assert find_tax_ids("12 abc 345 01de 35") == (CNPJ,)


@given(st.text() | st.text("0123456789 .-/CPFNJ", max_size=60))
def test_any_text_is_answered_and_never_raises(text: str) -> None:
    found = find_tax_ids(text)
    assert len(set(found)) == len(found)
    document = read_document(text)
    assert found == () or document == (found[0] if len(found) == 1 else DocumentFault.SEVERAL) or "{{" in text


# --- read as an answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u00a0", "{{cpf}}", "cpf {{contato.cpf}}", "｛｛cpf｝｝"])
def test_nothing_typed_or_a_variable_never_filled_is_missing(text: str) -> None:
    assert read_document(text) is DocumentFault.MISSING


@pytest.mark.parametrize("text", ["191", "52998224724", "não sei", "111.111.111-11", "00000000000", "{cpf}", "📷"])
def test_what_is_no_document_is_invalid(text: str) -> None:
    assert read_document(text) is DocumentFault.INVALID


def test_two_documents_are_several_and_none_is_picked() -> None:
    assert read_document(f"{CPF.formatted} ou {CNPJ.formatted}") is DocumentFault.SEVERAL


@given(st.integers(1, 2), st.data(), st.booleans())
def test_leading_zeros_that_got_lost_are_put_back(lost: int, data: st.DataObject, formatted: bool) -> None:
    length = data.draw(st.sampled_from([9, 12])) - lost
    number = "0" * lost + data.draw(st.text("123456789", min_size=length, max_size=length))
    plain = with_check_digits(number)
    document: TaxId = Cpf(digits=plain) if len(plain) == 11 else Cnpj(characters=plain)
    typed = document.formatted[lost:].lstrip(".") if formatted else document.plain[lost:]
    assert read_document(f" {typed}\n") == document


@given(
    st.text(string.digits, min_size=1, max_size=14)
    | st.text(string.digits, min_size=9, max_size=9).map(lambda number: with_check_digits(number).lstrip("0"))
    | st.text(string.digits, min_size=12, max_size=12).map(lambda number: with_check_digits(number).lstrip("0"))
)
def test_digits_are_only_ever_completed_with_at_most_two_zeros(typed: str) -> None:
    document = read_document(typed)
    if not isinstance(document, DocumentFault):
        assert document.plain in {typed, f"0{typed}", f"00{typed}"}


@pytest.mark.parametrize("text", ["0000191", "cpf 191", "cpf 19119119", "00 0000-0191"])
def test_fewer_digits_or_another_shape_are_not_completed(text: str) -> None:
    assert read_document(text) is DocumentFault.INVALID


def test_digits_among_other_words_are_not_completed() -> None:
    short = Cpf(digits=with_check_digits("012345678")).plain[1:]
    assert isinstance(read_document(short), Cpf)
    assert read_document(f"meu cpf {short}") is DocumentFault.INVALID

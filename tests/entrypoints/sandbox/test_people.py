"""Who lives in the city, checked with the domain's own arithmetic: the sandbox wrote its own."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.boleto import Boleto, BoletoFault, parse_boleto
from domain.pix import PixCode, PixFault, parse_pix
from domain.tax_id import DocumentFault, read_document
from entrypoints.sandbox import codes
from entrypoints.sandbox.city import ZONE
from entrypoints.sandbox.people import inhabitants
from entrypoints.sandbox.records import Person, Status, Title

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)
PEOPLE = {person.key: person for person in inhabitants(TODAY, NOW)}
CORRUPT_LINE, CORRUPT_PIX = {"igor", "julia"}, {"julia"}


def _titles(person: Person) -> list[Title]:
    return [title for contract in person.contracts for title in contract.titles]


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_everyone_has_a_valid_document(person: Person) -> None:
    document = read_document(person.tax_id)
    assert not isinstance(document, DocumentFault)
    assert document.plain == person.tax_id
    assert read_document(person.printed_tax_id) == document


def test_documents_phones_and_ids_are_of_one_person_each() -> None:
    contracts = [contract for person in PEOPLE.values() for contract in person.contracts]
    for values in (
        [person.tax_id for person in PEOPLE.values()],
        [person.phone for person in PEOPLE.values()],
        [contract.id for contract in contracts],
        [contract.number for contract in contracts],
    ):
        assert len(values) == len(set(values))


def test_the_company_has_letters_in_its_document() -> None:
    assert PEOPLE["padaria"].printed_tax_id == "12.ABC.345/01DE-35"


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_lines_are_valid_and_carry_amount_and_due_date_unless_the_story_says_otherwise(person: Person) -> None:
    for title in _titles(person):
        boleto = parse_boleto(title.digitable_line)
        if person.key in CORRUPT_LINE:
            assert isinstance(boleto, BoletoFault)
            continue
        assert isinstance(boleto, Boleto)
        assert parse_boleto(title.barcode) == boleto
        assert boleto.due_on(TODAY) == title.due_on
        assert boleto.amount is not None
        assert boleto.amount.centavos == title.value * 100


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_pix_codes_are_valid_unless_the_story_says_otherwise(person: Person) -> None:
    for title in _titles(person):
        pix = parse_pix(title.pix_code)
        if person.key in CORRUPT_PIX:
            assert isinstance(pix, PixFault)
            continue
        assert isinstance(pix, PixCode)
        assert pix.amount is None or pix.amount.centavos == title.value * 100
        assert (pix.amount is None) == (title.due_on < TODAY)


def test_the_stories_are_what_they_say() -> None:
    assert len(PEOPLE["ana"].contracts) == 1
    assert len({(c.plan, c.district) for c in PEOPLE["bruno"].contracts}) == 2
    assert [c.status for c in PEOPLE["carla"].contracts] == [Status.BLOCKED_FOR_DEBT]
    assert [c.status for c in PEOPLE["eduardo"].contracts] == [Status.CANCELLED]
    assert _titles(PEOPLE["davi"]) == []
    assert [title.due_on < TODAY for title in _titles(PEOPLE["fernanda"])] == [True] * 4
    assert len(PEOPLE["helena"].tickets) == 1
    outage = PEOPLE["gabriel"].contracts[0].maintenance
    assert outage is not None
    assert NOW < outage.predicted_at < NOW + timedelta(hours=5)
    assert outage.protocol


def test_what_is_overdue_costs_more_than_the_boleto_says() -> None:
    assert all(title.final_value > title.value for title in _titles(PEOPLE["fernanda"]))


@given(
    due_on=st.dates(date(2000, 7, 3), date(2049, 10, 13)),
    centavos=st.integers(1, 99_999_999),
    free=st.integers(0, 10**25 - 1),
)
def test_every_boleto_that_is_made_reads_back(due_on: date, centavos: int, free: int) -> None:
    bar = codes.barcode(due_on=due_on, amount=Decimal(centavos) / 100, free=free)
    boleto = parse_boleto(codes.digitable_line(bar))
    assert isinstance(boleto, Boleto)
    assert parse_boleto(bar) == boleto
    assert boleto.due_on(due_on) == due_on
    assert boleto.amount is not None
    assert boleto.amount.centavos == centavos


@pytest.mark.parametrize(
    ("bar", "line"),
    [
        ("34196166700000123451101234567880057123457000", "34191101213456788005871234570001616670000012345"),
        ("00193373700000001000500940144816060680935031", "00190500954014481606906809350314337370000000100"),
    ],
)
def test_published_barcodes_give_their_published_lines(bar: str, line: str) -> None:
    assert codes.digitable_line(bar) == line


@pytest.mark.parametrize(
    ("day", "factor"), [(date(2025, 2, 21), 9999), (date(2025, 2, 22), 1000), (date(2026, 11, 23), 1639)]
)
def test_the_due_date_factor_rolls_over(day: date, factor: int) -> None:
    assert codes.factor(day) == factor


def test_the_pdf_is_a_whole_one() -> None:
    pdf = codes.pdf("Linha (1)", "R$ 99,90")
    assert pdf.startswith(b"%PDF-1.4\n")
    assert pdf.endswith(b"%%EOF\n")
    table = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert pdf[table:].startswith(b"xref\n0 6\n")
    for number in range(1, 6):
        offset = int(pdf[table:].split(b"\n")[2 + number].split(b" ")[0])
        assert pdf[offset:].startswith(b"%d 0 obj\n" % number)

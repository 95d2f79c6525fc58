"""The gate: no code reaches a customer that the ERP's own record does not vouch for."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import InvoiceId
from domain.installation import Policies
from domain.invoice import Invoice, Offers, due_dates, offer
from domain.money import Money
from tests.domain.boletos import Printed, collection, printed_boletos, utility
from tests.domain.pix_codes import Issued

TODAY = date(2026, 11, 23)
DUE = date(2026, 12, 21)
GOOD = collection(factor=1667, centavos=9990)
"""due on DUE, R$ 99,90, bank 341"""
OURS = collection(bank="001", factor=1667, centavos=9990)
"""as GOOD, bank 001"""


def invoice(id: str = "1", **changes: Any) -> Invoice:  # noqa: A002
    values: dict[str, Any] = {"id": InvoiceId(id), "due_on": DUE, "nominal": Money(9990)}
    return Invoice(**(values | changes))


def through(*invoices: Invoice, policies: Policies | None = None, **options: Any) -> Offers:
    settings: dict[str, Any] = {"erp_host": "erp.example", "today": TODAY, "next_banking_days": {}}
    return offer(invoices, policies=policies or Policies(), **(settings | options))


def test_a_code_that_agrees_with_the_erp_goes_out_as_digits_only() -> None:
    spaced = f"{GOOD.line[:5]}.{GOOD.line[5:]} "
    offers = through(invoice(digitable_line=spaced, barcode=GOOD.barcode, payee="Provedor"))
    (shown,) = offers.shown
    assert shown.digitable_line == GOOD.line
    assert (shown.amount, shown.payee, offers.faults) == (Money(9990), "Provedor", ())


def test_a_barcode_alone_goes_out_as_the_line_that_banks_take() -> None:
    (shown,) = through(invoice(barcode=GOOD.barcode)).shown
    assert shown.digitable_line == GOOD.line


@pytest.mark.parametrize(
    ("changes", "policies", "fault"),
    [
        ({"digitable_line": GOOD.line, "nominal": Money(9991)}, Policies(), "boleto.amount_differs"),
        ({"digitable_line": GOOD.line, "due_on": date(2026, 12, 20)}, Policies(), "boleto.due_date_differs"),
        ({"digitable_line": GOOD.line}, Policies(boleto_banks=("001",)), "boleto.bank_not_allowed"),
        ({"digitable_line": collection(factor=1667, centavos=0).line}, Policies(), "boleto.amount_open"),
        ({"digitable_line": GOOD.line, "barcode": collection(factor=1667, free="2" * 25).barcode}, Policies(), "boleto.barcode_differs"),
        ({"digitable_line": GOOD.line[1:]}, Policies(), "boleto.length"),
        ({"digitable_line": collection(bank="988", centavos=9990).line}, Policies(), "boleto.not_comparable"),
        ({"digitable_line": utility(value=1).line}, Policies(), "boleto.amount_differs"),
        ({"pix_code": Issued(url="pix.example/1", amount=Money(1)).text}, Policies(), "pix.amount_differs"),
        ({"pix_code": Issued(url="pix.example/1").text}, Policies(pix_hosts=("bank.example",)), "pix.host_not_allowed"),
        ({"pix_code": Issued(key="thief").text}, Policies(pix_keys=("ours",)), "pix.key_not_allowed"),
        ({"pix_code": Issued(url="pix.example/1", recurrence_url="pix.example/rec").text}, Policies(), "pix.authorises_recurring_debit"),
        ({"pix_code": Issued(key="ours").text.replace("***", "")}, Policies(), "pix."),
    ],
)  # fmt: skip
def test_a_code_that_the_record_does_not_vouch_for_is_withheld(
    changes: dict[str, Any], policies: Policies, fault: str
) -> None:
    offers = through(invoice(**changes), policies=policies)
    assert offers.shown == ()
    (withheld,) = offers.withheld
    assert withheld.faults[0].startswith(fault)
    assert offers.faults == withheld.faults


@pytest.mark.parametrize(
    ("changes", "policies"),
    [
        ({"digitable_line": GOOD.line, "nominal": Money(9000), "payable": Money(9990)}, Policies()),
        ({"digitable_line": GOOD.line, "nominal": None}, Policies(boleto_banks=("341",))),
        ({"digitable_line": collection(factor=0).line}, Policies()),
        ({"digitable_line": collection(factor=1667, centavos=0).line}, Policies(boleto_open_amount=True)),
        ({"digitable_line": collection(bank="988", factor=1234, centavos=1).line}, Policies(boleto_banks=("988",))),
        ({"digitable_line": utility(value=9990).line}, Policies(boleto_banks=("341",))),
        ({"digitable_line": utility(kind=7, value=5).line}, Policies()),
        ({"pix_code": Issued(url="pix.example/1").text}, Policies(pix_hosts=("pix.example",))),
        ({"pix_code": Issued(key="ours", amount=Money(9990)).text}, Policies(pix_keys=("ours",))),
        ({"pix_code": Issued(key="Us@Isp.example", amount=Money(9990)).text}, Policies(pix_keys=("us@isp.example",))),
        ({"digitable_line": GOOD.line, "due_on": None}, Policies()),
    ],
)
def test_a_code_that_the_record_vouches_for_is_shown(changes: dict[str, Any], policies: Policies) -> None:
    assert len(through(invoice(**changes), policies=policies).shown) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"digitable_line": GOOD.line},
        {"digitable_line": OURS.line, "pix_code": Issued(url="elsewhere.example/1").text},
        {"digitable_line": OURS.line, "pix_code": Issued(key="thief").text},
    ],
    ids=["another bank", "another host", "another key"],
)
def test_a_code_that_points_to_other_money_takes_every_other_way_to_pay_with_it(changes: dict[str, Any]) -> None:
    policies = Policies(boleto_banks=("001",), pix_hosts=("pix.example",), pix_keys=("ours",))
    whole = {"pix_code": Issued(url="pix.example/1").text, "link": "https://erp.example/b"}
    assert through(invoice(**(whole | changes)), policies=policies, can_fetch_pdf=True).shown == ()


def test_one_good_code_is_enough_to_show_an_invoice_and_the_other_fault_is_told() -> None:
    offers = through(invoice(digitable_line=GOOD.line[:-1] + "9", pix_code=Issued(url="pix.example/1").text))
    (shown,) = offers.shown
    assert (shown.digitable_line, bool(shown.pix_code)) == ("", True)
    assert len(offers.faults) == 1


def test_the_payee_of_a_pix_code_is_told_where_the_erp_tells_none_and_the_code_is_sent() -> None:
    sent, held_back = (Issued(key="ours", amount=amount, payee="FULANO").text for amount in (Money(9990), Money(1)))
    (shown,) = through(invoice(digitable_line=GOOD.line, pix_code=sent)).shown
    assert shown.payee == "FULANO"
    (shown,) = through(invoice(digitable_line=GOOD.line, pix_code=sent, payee="Provedor")).shown
    assert shown.payee == "Provedor"
    (shown,) = through(invoice(digitable_line=GOOD.line, pix_code=held_back)).shown
    assert shown.payee == ""


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("https://anywhere.example/b/1", True),
        ("http://erp.example/b/1", True),
        ("http://elsewhere.example/b/1", False),
        ("https://user:pass@erp.example/b", False),
        ("https://erp.example/a b", False),
        ("javascript:alert(1)", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_only_a_link_that_a_phone_can_open_safely_is_sent(link: str, sent: bool) -> None:
    assert bool(through(invoice(link=link)).shown) == sent


def test_an_invoice_without_codes_is_shown_where_the_erp_makes_a_pdf_of_it() -> None:
    assert len(through(invoice(), can_fetch_pdf=True).shown) == 1
    for offers in (through(invoice()), through(invoice(printable=False), can_fetch_pdf=True)):
        assert offers.withheld[0].faults == ("invoice.no_way_to_pay",)


@given(st.sampled_from([{"digitable_line": GOOD.line}, {"pix_code": "broken"}, {}]), st.none() | st.just(Money(9990)))
def test_an_invoice_of_which_nothing_is_left_to_pay_is_neither_shown_nor_a_fault(
    codes: dict[str, Any], nominal: Money | None
) -> None:
    paid = invoice(**codes, nominal=nominal, payable=Money(0), link="https://erp.example/b")
    owed = invoice("2", digitable_line=GOOD.line)
    offers = through(paid, owed, can_fetch_pdf=True)
    assert [shown.invoice_id for shown in offers.shown] == ["2"]
    assert (offers.withheld, offers.faults) == ((), ())


def test_the_oldest_come_first_those_without_a_date_last_and_the_rest_is_counted() -> None:
    dates = [("late", date(2026, 10, 10)), ("none", None), ("new", date(2026, 12, 1)), ("mid", date(2026, 11, 1))]
    offers = through(*(invoice(id, due_on=due, link="https://erp.example/b") for id, due in dates))  # noqa: A001
    assert [shown.invoice_id for shown in offers.shown] == ["late", "mid", "new"]
    assert offers.more == 1


@pytest.mark.parametrize(("limit", "shown"), [(0, 1), (1, 1), (2, 2)])
def test_as_many_invoices_are_shown_as_the_provider_wants_but_one_at_least(limit: int, shown: int) -> None:
    offers = through(
        *(invoice(str(number), link="https://erp.example/b") for number in range(3)),
        policies=Policies(invoices_max=limit),
    )
    assert (len(offers.shown), offers.more) == (shown, 3 - shown)


def test_an_invoice_is_overdue_only_after_the_next_banking_day() -> None:
    saturday, monday = date(2026, 11, 21), date(2026, 11, 23)
    held = invoice(due_on=saturday, link="https://erp.example/b")
    assert not through(held, next_banking_days={saturday: monday}).shown[0].overdue
    assert through(held).shown[0].overdue
    assert due_dates([held, invoice(due_on=None)]) == {saturday}


@given(printed_boletos(), st.integers(min_value=0, max_value=10**10))
def test_whatever_a_boleto_says_its_amount_is_the_one_of_the_record_or_it_is_not_sent(
    printed: Printed, centavos: int
) -> None:
    line, _, on_paper = printed
    shown = through(invoice(digitable_line=line, due_on=None, nominal=Money(centavos))).shown
    if shown and on_paper:
        assert on_paper == centavos or (line[0] == "8" and line[2] in "79")


@given(
    st.sampled_from([Money(9990), Money(10500), Money(5000)]),
    st.sampled_from([(Money(9990), None), (None, Money(10500)), (Money(9990), Money(10500)), (None, None)]),
)
def test_a_static_pix_code_charges_the_amount_that_is_announced_or_is_not_sent(
    charged: Money, told: tuple[Money | None, Money | None]
) -> None:
    static = Issued(key="ours", amount=charged).text
    held = invoice(digitable_line=GOOD.line, pix_code=static, nominal=told[0], payable=told[1])
    for shown in through(held).shown:
        assert not shown.pix_code or shown.amount == charged


@pytest.mark.parametrize("destination", [{"key": "ours"}, {"url": "pix.example/1"}])
@pytest.mark.parametrize("line", [GOOD.line, collection(factor=1000).line], ids=["a good line", "one due another day"])
def test_where_the_erp_tells_no_amount_the_pix_code_carries_that_of_the_line_or_is_withheld(
    destination: dict[str, Any], line: str
) -> None:
    def beside_it(amount: Money | None) -> Offers:
        code = Issued(**destination, amount=amount).text
        return through(invoice(digitable_line=line, nominal=None, pix_code=code))

    for agreeing in (Money(9990), None):
        (shown,) = beside_it(agreeing).shown
        assert shown.pix_code
    other = beside_it(Money(10500))
    assert not any(shown.pix_code for shown in other.shown)
    assert "pix.amount_differs" in other.faults


def test_a_pix_code_with_nothing_to_compare_it_with_is_sent() -> None:
    (shown,) = through(invoice(nominal=None, pix_code=Issued(key="ours", amount=Money(10500)).text)).shown
    assert shown.pix_code


@pytest.mark.parametrize(
    ("pix", "sent"),
    [
        (Issued(key="ours", amount=Money(9990)), False),
        (Issued(key="ours", amount=Money(10500)), True),
        (Issued(key="ours"), True),
        (Issued(url="pix.example/1", amount=Money(9990)), True),
        (Issued(url="pix.example/1", amount=Money(10500)), True),
        (Issued(url="pix.example/1"), True),
    ],
)
def test_only_where_the_bank_adds_fine_and_interest_a_pix_code_may_carry_the_amount_as_issued(
    pix: Issued, sent: bool
) -> None:
    overdue = invoice(due_on=date(2026, 11, 10), payable=Money(10500), pix_code=pix.text)
    assert bool(through(overdue).shown) == sent


def test_the_amount_of_a_code_is_told_only_where_the_erp_tells_none() -> None:
    (shown,) = through(invoice(digitable_line=GOOD.line, nominal=None)).shown
    assert shown.amount == Money(9990)
    (shown,) = through(invoice(digitable_line=GOOD.line, payable=Money(10500))).shown
    assert shown.amount == Money(10500)


@pytest.mark.parametrize(
    ("line", "pix", "shown"),
    [
        (GOOD.line[:-1] + "9", Issued(url="pix.example/1").text, ("", True, "", False)),
        (GOOD.line, "000201broken", (GOOD.line, False, "https://erp.example/b", True)),
        (GOOD.line, Issued(key="ours", amount=Money(1)).text, (GOOD.line, False, "", False)),
        (GOOD.line, Issued(url="pix.example/1", recurrence_url="pix.example/r").text, (GOOD.line, False, "", False)),
    ],
    ids=[
        "a bad line takes its PDF and link with it",
        "a malformed Pix code leaves line, PDF and link",
        "a Pix code over another amount takes PDF and link with it",
        "a Pix code that authorises recurring debits takes PDF and link with it",
    ],
)
def test_the_document_goes_only_where_nothing_that_it_shows_would_be_paid_wrongly(
    line: str, pix: str, shown: tuple[str, bool, str, bool]
) -> None:
    (offer,) = through(invoice(digitable_line=line, pix_code=pix, link="https://erp.example/b")).shown
    assert (offer.digitable_line, bool(offer.pix_code), offer.link, offer.document) == shown


@pytest.mark.parametrize(
    "pix", [Issued(key="ours", amount=Money(1)), Issued(url="pix.example/1", recurrence_url="pix.example/r")]
)
def test_a_pix_code_that_must_not_be_paid_is_not_offered_by_a_document_in_its_place(pix: Issued) -> None:
    held = invoice(pix_code=pix.text, link="https://erp.example/b")
    assert through(held, can_fetch_pdf=True).shown == ()


def test_an_invoice_with_only_bad_codes_is_withheld_even_where_it_has_a_link() -> None:
    bad = invoice(digitable_line=GOOD.line[:-1] + "9", pix_code="broken", link="https://erp.example/b")
    assert through(bad, can_fetch_pdf=True).shown == ()

"""Invoices as the ERP states them, and the gate that each of their codes must pass before it may reach a customer.

Valid check digits do not prove an amount or a payee: one changed digit in the amount of a boleto goes unnoticed in one
case of eighteen. Only equality with what the ERP says does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from msgspec import Struct

from domain.boleto import Boleto, BoletoFault, parse_boleto
from domain.identifiers import ContractId, InvoiceId, Personal
from domain.installation import Policies
from domain.money import Money
from domain.pix import PixCode, parse_pix


class Invoice(Personal, frozen=True, kw_only=True):
    """An amount owed, with the ways to pay it exactly as the ERP gave them: unchecked until `offer`."""

    safe = ("id", "due_on")

    id: InvoiceId
    due_on: date | None
    nominal: Money | None = None
    """as issued; the amount that the digitable line carries"""
    payable: Money | None = None
    """with fine and interest, today; zero: nothing is left to pay"""
    contract_id: ContractId | None = None
    reference: str = ""
    digitable_line: str = ""
    barcode: str = ""
    pix_code: str = ""
    link: str = ""
    """http(s) address of the PDF or its page, as the ERP gave it"""
    payee: str = ""
    printable: bool = True
    """its PDF can be asked for, where the ERP offers any"""


class Offer(Personal, frozen=True, kw_only=True):
    """An invoice that may be shown: what is left in it has passed the gate; an empty code did not, or was never there."""

    safe = ("invoice_id", "due_on", "overdue")

    invoice_id: InvoiceId
    due_on: date | None
    overdue: bool
    amount: Money | None
    reference: str = ""
    payee: str = ""
    digitable_line: str = ""
    pix_code: str = ""
    link: str = ""
    document: bool = True
    """whether its PDF may be sent: it shows the same digitable line and Pix"""


class Withheld(Struct, frozen=True, kw_only=True):
    """An invoice with no way to pay that may be shown. `faults` are stable slugs without data."""

    invoice_id: InvoiceId
    faults: tuple[str, ...]


class Offers(Struct, frozen=True, kw_only=True):
    """`shown` oldest first; `more` open invoices beyond the limit; `withheld` with what is wrong in them."""

    shown: tuple[Offer, ...]
    more: int
    withheld: tuple[Withheld, ...]
    faults: tuple[str, ...]
    """every code that was held back, also of invoices that are shown by another of their codes"""


def offer(
    invoices: Sequence[Invoice],
    *,
    policies: Policies,
    erp_host: str,
    today: date,
    next_banking_days: Mapping[date, date],
    can_fetch_pdf: bool = False,
) -> Offers:
    """Which invoices to show, oldest first, at most `policies.invoices_max`, each code through the gate.

    One of which nothing is left to pay is not open: it is neither shown nor withheld.

    `next_banking_days` maps each due date to the day until which it may be paid without interest: an invoice due on a
    Saturday is not overdue on Sunday.
    """
    shown: list[Offer] = []
    withheld: list[Withheld] = []
    all_faults: list[str] = []
    for invoice in sorted((each for each in invoices if each.payable != Money(0)), key=_age):
        paid_until = next_banking_days.get(invoice.due_on, invoice.due_on) if invoice.due_on else None
        candidate, faults = _through_the_gate(
            invoice, policies, erp_host, today, overdue=paid_until is not None and paid_until < today
        )
        all_faults += faults
        payable = candidate.digitable_line or candidate.pix_code or candidate.link
        if payable or (can_fetch_pdf and invoice.printable and not faults):
            shown.append(candidate)
        else:
            withheld.append(Withheld(invoice_id=invoice.id, faults=tuple(faults) or ("invoice.no_way_to_pay",)))
    limit = max(1, policies.invoices_max)
    return Offers(
        shown=tuple(shown[:limit]),
        more=max(0, len(shown) - limit),
        withheld=tuple(withheld),
        faults=tuple(dict.fromkeys(all_faults)),
    )


def boleto_fault(boleto: Boleto, invoice: Invoice, policies: Policies, today: date) -> str | None:
    """Why a boleto that is well formed must not be sent for this invoice; None: it may."""
    if boleto.bank and policies.boleto_banks and boleto.bank not in policies.boleto_banks:
        return "boleto.bank_not_allowed"
    if not boleto.decodable:  # nothing to compare with the record: only a bank that the provider names is trusted
        return None if boleto.bank in policies.boleto_banks else "boleto.not_comparable"
    if boleto.amount is None and boleto.is_collection and not policies.boleto_open_amount:
        return "boleto.amount_open"
    if not _agrees(boleto.amount, _amounts(invoice)):
        return "boleto.amount_differs"
    due_on = boleto.due_on(invoice.due_on or today)
    if due_on is not None and invoice.due_on is not None and due_on != invoice.due_on:
        return "boleto.due_date_differs"
    return None


def pix_fault(pix: PixCode, boleto: Boleto | None, invoice: Invoice, policies: Policies) -> str | None:
    """Why a Pix code that is well formed must not be sent for this invoice; None: it may.

    Where the ERP tells no amount, the one of the boleto beside it counts, be that sent or not.
    """
    if pix.recurring:
        return "pix.authorises_recurring_debit"
    if pix.key is not None and policies.pix_keys and pix.key.lower() not in map(str.lower, policies.pix_keys):
        return "pix.key_not_allowed"
    if pix.url_host is not None and policies.pix_hosts and pix.url_host not in policies.pix_hosts:
        return "pix.host_not_allowed"
    # A bank adds fine and interest to a boleto and behind an address; a key is paid exactly what stands in the code.
    amounts = _amounts(invoice)[:1] if pix.key is not None else _amounts(invoice)
    beside = [boleto.amount] if boleto is not None and boleto.amount is not None else []
    if not _agrees(pix.amount, amounts or beside):
        return "pix.amount_differs"
    return None


def _through_the_gate(
    invoice: Invoice, policies: Policies, erp_host: str, today: date, *, overdue: bool
) -> tuple[Offer, list[str]]:
    faults: list[str] = []
    line, boleto = "", _read_boleto(invoice)
    if isinstance(boleto, Boleto):
        fault = boleto_fault(boleto, invoice, policies, today)
        if fault is None:
            line = boleto.digitable_line
        else:
            faults.append(fault)
    elif boleto is not None:
        faults.append(f"boleto.{boleto}")

    code, pix = "", parse_pix(invoice.pix_code) if invoice.pix_code.strip() else None
    if isinstance(pix, PixCode):
        fault = pix_fault(pix, boleto if isinstance(boleto, Boleto) else None, invoice, policies)
        if fault is None:
            code = pix.text
        else:
            faults.append(fault)
    elif pix is not None:
        faults.append(f"pix.{pix}")

    # A code that points to other money is no slip of the keyboard: nothing of that invoice is shown. A line that is
    # wrong, or a Pix that can be paid and must not be, would be shown by the PDF and its page too.
    suspicious = _SUSPICIOUS.intersection(faults)
    document = not any(fault.startswith("boleto.") or fault in _PAYABLE_AND_WRONG for fault in faults)
    amounts = [*_amounts(invoice), boleto.amount if isinstance(boleto, Boleto) and line else None]
    return (
        Offer(
            invoice_id=invoice.id,
            due_on=invoice.due_on,
            overdue=overdue,
            amount=amounts[0],
            reference=invoice.reference,
            payee=invoice.payee or (pix.payee if isinstance(pix, PixCode) and code else ""),
            digitable_line="" if suspicious else line,
            pix_code="" if suspicious else code,
            link=invoice.link if document and _is_safe_link(invoice.link, erp_host) else "",
            document=document,
        ),
        faults,
    )


_SUSPICIOUS = frozenset({"boleto.bank_not_allowed", "pix.key_not_allowed", "pix.host_not_allowed"})
_PAYABLE_AND_WRONG = _SUSPICIOUS | {"pix.amount_differs", "pix.authorises_recurring_debit"}


def _read_boleto(invoice: Invoice) -> Boleto | BoletoFault | None:
    """The boleto of an invoice; where the ERP gives both line and barcode they must be the same boleto."""
    readings = [parse_boleto(text) for text in (invoice.digitable_line, invoice.barcode) if text.strip()]
    for reading in readings:
        if isinstance(reading, BoletoFault):
            return reading
    if len(set(readings)) > 1:
        return BoletoFault.BARCODE_DIFFERS
    return readings[0] if readings else None


def _amounts(invoice: Invoice) -> list[Money]:
    """What the ERP tells, that to pay now first."""
    return [amount for amount in (invoice.payable, invoice.nominal) if amount is not None]


def _agrees(amount: Money | None, known: Sequence[Money]) -> bool:
    """A code without an amount, or nothing known of it, leaves nothing to compare."""
    return amount is None or not known or amount in known


def _is_safe_link(link: str, erp_host: str) -> bool:
    """Plain http only to the ERP's own host; never with a password in it."""
    try:
        url = urlsplit(link)
        host = url.hostname
    except ValueError:
        return False
    if not host or url.username is not None or any(c.isspace() for c in link):
        return False
    return url.scheme == "https" or (url.scheme == "http" and host == erp_host)


def _age(invoice: Invoice) -> tuple[bool, date, str]:
    return invoice.due_on is None, invoice.due_on or date.max, invoice.id


def due_dates(invoices: Iterable[Invoice]) -> frozenset[date]:
    return frozenset(invoice.due_on for invoice in invoices if invoice.due_on is not None)

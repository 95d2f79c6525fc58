"""Invoices out of the ERP's boletos and titles; codes stay exactly as they came."""

from collections.abc import Iterable
from datetime import date
from hashlib import sha256

from adapters.voalle.wire import (
    BARCODE,
    DIGITABLE_LINE,
    DUE_ON,
    INVOICE,
    INVOICE_AMOUNT,
    INVOICE_BILLET,
    INVOICE_ID,
    INVOICE_STATUS,
    INVOICE_TITLE,
    INVOICES,
    LINK,
    NOMINAL,
    PAYABLE,
    PIX_CODE,
    Fields,
    folded,
    rows,
)
from domain.identifiers import ContractId, InvoiceId
from domain.invoice import Invoice

_NOT_OPEN = ("paga", "pago", "cancelad", "quitad", "baixad")


def invoices_of_pbx(answer: object, contract_id: ContractId) -> tuple[Invoice, ...]:
    """The invoices of a `get_billets_from_contract` answer, whose shape no public source shows."""
    return _open_once((_flat(row) for row in _rows(answer)), contract_id)


def invoices_of_third_party(titles: object, billets: object, contract_id: ContractId) -> tuple[Invoice, ...]:
    """The open titles of a document that are among the billets of this contract; each side knows what the other lacks."""
    of_contract = {row.ident(INVOICE_ID): row for row in _rows(billets)}
    both = [(of_contract.get(row.ident(INVOICE_ID)), _flat(row)) for row in _rows(titles)]
    return _open_once(
        (Fields({**billet.raw, **_told(title)}) for billet, title in both if billet is not None), contract_id
    )


def _rows(answer: object) -> list[Fields]:
    return rows(answer, what="invoice", under=INVOICES, item=INVOICE)


def _flat(row: Fields) -> Fields:
    """A title with its nested `billet` and `amount` on one level; its own id stays."""
    billet = row.inner(INVOICE_BILLET)
    raw = {**row.raw, **(billet.raw if billet else {})}
    amount = Fields(raw).inner(INVOICE_AMOUNT)
    if amount is not None:
        raw = {name: value for name, value in raw.items() if value is not amount.raw} | {**amount.raw}
    ident = row.get(INVOICE_ID)
    return Fields(raw if ident is None else {**raw, "id": ident})


def _told(fields: Fields) -> dict[str, object]:
    return {name: value for name, value in fields.raw.items() if value is not None and value != ""}


def _open_once(found: Iterable[Fields], contract_id: ContractId) -> tuple[Invoice, ...]:
    still_open = (fields for fields in found if not folded(fields.text(INVOICE_STATUS)).startswith(_NOT_OPEN))
    invoices = (_invoice(fields, contract_id) for fields in still_open)
    return tuple({invoice.id: invoice for invoice in invoices}.values())


def _invoice(fields: Fields, contract_id: ContractId) -> Invoice:
    line, barcode, pix_code = fields.text(DIGITABLE_LINE), fields.text(BARCODE), fields.text(PIX_CODE)
    due_on = fields.day(DUE_ON)
    return Invoice(
        id=InvoiceId(fields.ident(INVOICE_ID) or _made_id(line or barcode or pix_code, due_on)),
        due_on=due_on,
        nominal=fields.money(NOMINAL),
        payable=fields.money(PAYABLE),
        contract_id=contract_id,
        reference=fields.text(INVOICE_TITLE),
        digitable_line=line,
        barcode=barcode,
        pix_code=pix_code,
        link=fields.text(LINK),
    )


def _made_id(code: str, due_on: date | None) -> str:
    """The same for the same boleto at every look, when the ERP names none."""
    return "~" + sha256(f"{code} {due_on}".encode()).hexdigest()[:16]

"""Invoices out of the ERP's boletos and titles; codes stay exactly as they came."""

import re
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

import msgspec

from adapters.voalle.wire import (
    BARCODE,
    DIGITABLE_LINE,
    DUE_ON,
    INVOICE,
    INVOICE_AMOUNT,
    INVOICE_BILLET,
    INVOICE_ID,
    INVOICE_OVER,
    INVOICE_STATUS,
    INVOICE_TITLE,
    INVOICES,
    LINK,
    NOMINAL,
    PAYABLE,
    PIX_CODE,
    Fields,
    as_flag,
    as_money,
    folded,
    rows,
)
from application.failures import Unintelligible
from domain.identifiers import ContractId, InvoiceId
from domain.invoice import Invoice
from domain.money import Money

_OVER = re.compile(
    r"\b(?:pag[ao]s?\b"
    r"|pagamentos? (?:foi )?(?:confirmad|efetuad|realizad|compensad)"
    r"|(?:cancelad|quitad|baixad|renegoci|liquid|receb|substitu|estorn)(?!\w*(?:r|vel|veis)\b))"
)
"""words of a status that say that an invoice is open no more; what can be, or is to be, received is open"""
_NOT_YET = re.compile(r"\b(?:nao|n|sem|nunca|falta|ser|aguard\w*|penden\w*)\b")
"""before such a word in its clause: it has not happened"""
_PENDING = re.compile(r"\bpenden")
_STILL_OPEN = re.compile(r"\b(?:re)?abert|\bparcia|\b(?:pagamento|recebimento|baixa|liquidacao) (?:foi )?estorn")
"""whatever else the status says"""
_CLAUSES = re.compile(r" [-–—] |[,;:()|]")

_OF_PBX = "pbx:"


def invoices_of_pbx(answer: object, contract_id: ContractId) -> tuple[Invoice, ...]:
    """The invoices of a `get_billets_from_contract` answer, whose shape no public source shows: what its ids count is not
    known, whatever their name, and each is marked."""
    found = _each_once((_flat(row) for row in _rows(answer) if _is_open(row)), contract_id)
    return tuple(
        msgspec.structs.replace(invoice, id=InvoiceId(f"{_OF_PBX}{invoice.id}"), printable=False) for invoice in found
    )


def title_of(invoice_id: InvoiceId) -> InvoiceId | None:
    """The title by which the third-party API knows an invoice; None: the PBX told of it, and its id may be another
    customer's title there."""
    return None if invoice_id.startswith(_OF_PBX) else invoice_id


def invoices_of_third_party(titles: object, billets: object, contract_id: ContractId) -> tuple[Invoice, ...]:
    """The open titles of a document that are among the billets of this contract; each side knows what the other lacks."""
    of_contract = {ident: row for row in _rows(billets) if (ident := row.ident(INVOICE_ID))}
    both = [(of_contract.get(row.ident(INVOICE_ID) or ""), row) for row in _rows(titles)]
    return _each_once(
        (
            Fields({**billet.raw, **_told(_flat(title))})
            for billet, title in both
            if billet is not None and _is_open(billet) and _is_open(title)
        ),
        contract_id,
    )


def _rows(answer: object) -> list[Fields]:
    return rows(answer, what="invoice", under=INVOICES, item=INVOICE)


def _is_open(row: Fields) -> bool:
    """Whether nothing in the row, in its `billet` or its `amount` says that there is nothing more to pay."""
    billet = row.inner(INVOICE_BILLET)
    parts = [row, billet] if billet else [row]
    parts += [amount for part in parts if (amount := part.inner(INVOICE_AMOUNT))]
    return not any(_is_over(part) for part in parts)


def _is_over(part: Fields) -> bool:
    return (
        any(as_flag(part.get((name,))) for name in INVOICE_OVER)
        or any(_says_over(part.text((name,))) for name in INVOICE_STATUS)
        or any(_is_zero(part.get((name,))) for name in PAYABLE)
    )


def _says_over(status: str) -> bool:
    """Whether a status is clearly one of what is paid, replaced or cancelled: "Título pago", but not "Não pago"."""
    words = folded(status.replace("_", " "))
    return not _STILL_OPEN.search(words) and any(_clause_says_over(clause) for clause in _CLAUSES.split(words))


def _clause_says_over(clause: str) -> bool:
    over = _OVER.search(clause)
    return over is not None and not _NOT_YET.search(clause[: over.start()]) and not _PENDING.search(clause)


def _is_zero(value: object) -> bool:
    try:
        return as_money(value) == Money(0)
    except Unintelligible:
        return False  # the one that counts is read again


def _flat(row: Fields) -> Fields:
    """A title with its nested `billet` and `amount` on one level; its own id stays; nothing empty hides a value."""
    billet = row.inner(INVOICE_BILLET)
    raw = {**row.raw, **(_told(billet) if billet else {})}
    amount = Fields(raw).inner(INVOICE_AMOUNT)
    if amount is not None:
        raw = {name: value for name, value in raw.items() if value is not amount.raw} | _told(amount)
    ident = row.get(INVOICE_ID)
    return Fields(raw if ident is None else {**raw, "id": ident})


def _told(fields: Fields) -> dict[str, object]:
    return {name: value for name, value in fields.raw.items() if value is not None and not _is_blank(value)}


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _each_once(found: Iterable[Fields], contract_id: ContractId) -> tuple[Invoice, ...]:
    invoices = (_invoice(fields, contract_id) for fields in found)
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

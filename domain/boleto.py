"""Boletos: the digitable line and the barcode behind it, parsed and checked.

Two layouts share the name: bank collection (47 digits) and the utility layout "arrecadação / convênio" (48 digits,
starts with 8). Source: FEBRABAN's layouts. Right check digits do not prove amount or payee: see `domain.invoice`.
"""

import re
from datetime import date, timedelta
from enum import StrEnum
from itertools import cycle

from domain.identifiers import Personal
from domain.money import Money


class BoletoFault(StrEnum):
    """Why a text is no boleto."""

    CHARACTERS = "characters"
    """something else than digits, dots, spaces and dashes"""
    LENGTH = "length"
    """neither a line (47, 48) nor a barcode (44); a lost leading zero is never guessed"""
    LAYOUT = "layout"
    """47 digits that start with 8, 48 that do not, or a field with a value that its layout does not know"""
    CHECK_DIGITS = "check_digits"
    BARCODE_DIFFERS = "barcode_differs"
    """line and barcode of one invoice are two boletos"""


class Boleto(Personal, frozen=True, kw_only=True):
    """A boleto whose check digits hold; made by `parse_boleto`. Equal barcodes are equal boletos."""

    safe = ("bank",)

    barcode: str
    """44 digits"""

    @property
    def digitable_line(self) -> str:
        """47 or 48 digits, what a customer types."""
        return _collection_line(self.barcode) if self.is_collection else _utility_line(self.barcode)

    @property
    def is_collection(self) -> bool:
        """Bank collection; False: arrecadação / convênio."""
        return not self.barcode.startswith("8")

    @property
    def bank(self) -> str | None:
        """The bank's three digits; None: no bank collection."""
        return self.barcode[:3] if self.is_collection else None

    @property
    def decodable(self) -> bool:
        """Whether amount and due date stand in their usual places; institutions that share code 988 keep their own."""
        return self.bank != _NO_CLEARING_CODE

    @property
    def amount(self) -> Money | None:
        """As issued, without later fine or interest; None: open to the payer, a quantity, or not decodable."""
        if not self.decodable:
            return None
        if self.is_collection:
            centavos = self.barcode[9:19]
        else:
            centavos = self.barcode[4:15] if self.barcode[2] in _AMOUNT_IN_REAIS else "0"
        return Money(int(centavos)) if int(centavos) else None

    def due_on(self, near: date) -> date | None:
        """The due date nearest to `near`; None: the code carries none, or it is not decodable.

        The factor counts days and started again at 1000 on 2025-02-22, so each one means two dates 9000 days apart.
        It lasts until 2049-10-13.
        """
        factor = int(self.barcode[5:9])
        if not self.is_collection or not self.decodable or not factor:
            return None
        first = _DAY_ZERO + timedelta(days=factor)
        return min(first, first + _ROLL_OVER, key=lambda day: abs(day - near))


def parse_boleto(text: str) -> Boleto | BoletoFault:
    """Reads a digitable line or a barcode, punctuated or not. Total over `str`."""
    digits = re.sub(r"[ .-]", "", text)
    if re.search(r"[^0-9]", digits):
        return BoletoFault.CHARACTERS
    starts_with_8 = digits.startswith("8")
    match len(digits):
        case 44:
            barcode = digits
        case 47 if not starts_with_8:
            barcode = digits[:4] + digits[32:] + digits[4:9] + digits[10:20] + digits[21:31]
        case 48 if starts_with_8:
            barcode = digits[:11] + digits[12:23] + digits[24:35] + digits[36:47]
        case 47 | 48:
            return BoletoFault.LAYOUT
        case _:
            return BoletoFault.LENGTH
    fault = _utility_fault(barcode) if starts_with_8 else _collection_fault(barcode)
    if fault is not None:
        return fault
    boleto = Boleto(barcode=barcode)
    # A line made anew has right check digits in every field: the one read must equal it.
    return boleto if digits in {barcode, boleto.digitable_line} else BoletoFault.CHECK_DIGITS


def _collection_fault(barcode: str) -> BoletoFault | None:
    """Currency 9 (real), a factor that was ever issued, and the general check digit."""
    never_issued = "0000" < barcode[5:9] < "1000" and not barcode.startswith(_NO_CLEARING_CODE)
    if barcode[3] != "9" or never_issued:
        return BoletoFault.LAYOUT
    expected = _modulo_11(barcode[:4] + barcode[5:], instead="1")
    return None if barcode[4] == expected else BoletoFault.CHECK_DIGITS


def _utility_fault(barcode: str) -> BoletoFault | None:
    """A known kind of amount, and the general check digit."""
    if barcode[2] not in _BY_MODULO_10 + _BY_MODULO_11:
        return BoletoFault.LAYOUT
    expected = _utility_check_digit(barcode[:3] + barcode[4:], kind=barcode[2])
    return None if barcode[3] == expected else BoletoFault.CHECK_DIGITS


def _collection_line(barcode: str) -> str:
    fields = (barcode[:4] + barcode[19:24], barcode[24:34], barcode[34:])
    return "".join(field + _modulo_10(field) for field in fields) + barcode[4:19]


def _utility_line(barcode: str) -> str:
    blocks = (barcode[start : start + 11] for start in range(0, 44, 11))
    return "".join(block + _utility_check_digit(block, kind=barcode[2]) for block in blocks)


def _utility_check_digit(digits: str, *, kind: str) -> str:
    return _modulo_10(digits) if kind in _BY_MODULO_10 else _modulo_11(digits, instead="0")


def _modulo_10(digits: str) -> str:
    """Weights 2 and 1 from the right; the digits of each product are added."""
    products = (int(digit) * weight for digit, weight in zip(reversed(digits), cycle((2, 1)), strict=False))
    return str(-sum(sum(divmod(product, 10)) for product in products) % 10)


def _modulo_11(digits: str, *, instead: str) -> str:
    """Weights 2 to 9 from the right; `instead` where the result would be 10 or 11 (the two layouts differ there)."""
    remainder = (
        sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(range(2, 10)), strict=False)) % 11
    )
    return str(11 - remainder) if remainder > 1 else instead


_NO_CLEARING_CODE = "988"
_DAY_ZERO = date(1997, 10, 7)
_ROLL_OVER = timedelta(days=9000)
_BY_MODULO_10, _BY_MODULO_11 = "67", "89"
_AMOUNT_IN_REAIS = "68"

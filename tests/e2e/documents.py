"""Documents and payment codes that are right by the public rules, made without the product's own arithmetic."""

from datetime import date
from decimal import Decimal

_FIRST_FACTOR_DAY, _ROLL_OVER_DAY = date(1997, 10, 7), date(2025, 2, 22)


def cpf(index: int) -> str:
    """Eleven digits; each index gives another document."""
    base = f"{(index * 7_919 + 312_000_000) % 10**9:09d}"
    first = _cpf_digit(base, 10)
    return base + first + _cpf_digit(base + first, 11)


def punctuated(digits: str) -> str:
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def spoiled(digits: str) -> str:
    """The same document with a wrong last digit."""
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


def digitable_line(*, due_on: date, amount: Decimal, free: str, bank: str = "341") -> str:
    """47 digits of a bank boleto whose check digits, amount and due date are right."""
    tail = f"{_factor(due_on):04d}{int(amount * 100):010d}"
    general = _boleto_digit(f"{bank}9{tail}{free}")
    fields = (f"{bank}9{free[:5]}", free[5:15], free[15:])
    return "".join(part + _modulo_10(part) for part in fields) + general + tail


def barcode(line: str) -> str:
    """The 44 digits that the same boleto shows as bars."""
    return line[:4] + line[32:47] + line[4:9] + line[10:20] + line[21:31]


def pix_code(*, amount: Decimal, reference: str) -> str:
    """A static BR Code with its checksum."""
    account = _field("00", "br.gov.bcb.pix") + _field("01", "pix@provedor.example")
    body = "".join(
        (
            _field("00", "01"),
            _field("26", account),
            _field("52", "0000"),
            _field("53", "986"),
            _field("54", f"{amount:.2f}"),
            _field("58", "BR"),
            _field("59", "PROVEDOR TESTE LTDA"),
            _field("60", "SAO PAULO"),
            _field("62", _field("05", reference)),
            "6304",
        )
    )
    return body + crc16(body)


def crc16(text: str) -> str:
    """CRC-16/CCITT-FALSE, four upper-case hexadecimal digits."""
    register = 0xFFFF
    for byte in text.encode("ascii"):
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ 0x1021 if register & 0x8000 else register << 1
            register &= 0xFFFF
    return f"{register:04X}"


def reais(amount: Decimal) -> str:
    """`R$ 1.234,56`, with an ordinary space."""
    return "R$ " + f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def _cpf_digit(digits: str, first_weight: int) -> str:
    total = sum(int(digit) * (first_weight - place) for place, digit in enumerate(digits))
    rest = 11 - total % 11
    return "0" if rest >= 10 else str(rest)


def _factor(due_on: date) -> int:
    days = (due_on - _FIRST_FACTOR_DAY).days
    return days if days <= 9999 else 1000 + (due_on - _ROLL_OVER_DAY).days


def _modulo_10(digits: str) -> str:
    products = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-sum(product // 10 + product % 10 for product in products) % 10)


def _boleto_digit(digits: str) -> str:
    total = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(digits)))
    rest = 11 - total % 11
    return "1" if rest in {0, 10, 11} else str(rest)


def _field(identifier: str, value: str) -> str:
    return f"{identifier}{len(value):02d}{value}"

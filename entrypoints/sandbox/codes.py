"""Boletos, Pix codes, documents and PDFs for the sandbox's people: real arithmetic, invented owners.

Sources: FEBRABAN bank collection layout (line of 47), due-date factor with its roll-over of 2025-02-22; Bacen BR Code manual
(TLV, CRC16-CCITT-FALSE); CPF and CNPJ check digits, letters included.
"""

from datetime import date
from decimal import Decimal
from itertools import cycle

BANK = "756"
PIX_HOST = "pix.exemplo.com.br"
PIX_KEY = "7d9f0335-8dcc-4054-9bf9-0dbd61d36906"
PAYEE = "PROVEDOR EXEMPLO LTDA"

_FIRST_FACTOR_DAY = date(1997, 10, 7)
_FACTOR_1000_AGAIN = date(2025, 2, 22)
_FACTOR_MAX = 9999


def cpf(nine: str) -> str:
    """The eleven digits of the CPF that begins with these nine."""
    return _with_check_digits(nine, top=None)


def cnpj(twelve: str) -> str:
    """The fourteen characters of the CNPJ that begins with these twelve, letters and all."""
    return _with_check_digits(twelve, top=9)


def _with_check_digits(text: str, top: int | None) -> str:
    for _ in range(2):
        total = sum((ord(c) - 48) * _weight(place, top) for place, c in enumerate(reversed(text)))
        rest = total % 11
        text += "0" if rest < 2 else str(11 - rest)
    return text


def _weight(place: int, top: int | None) -> int:
    return place + 2 if top is None else place % (top - 1) + 2


def barcode(*, due_on: date, amount: Decimal, free: int) -> str:
    """The 44 digits of a boleto; `free` fills the bank's own field."""
    rest = f"{factor(due_on):04}{round(amount * 100):010}{free:025}"
    head = f"{BANK}9"
    return f"{head}{_modulo_11(head + rest)}{rest}"


def digitable_line(bar: str) -> str:
    """The 47 digits that a person types, for a barcode of 44."""
    fields = (bar[0:4] + bar[19:24], bar[24:34], bar[34:44])
    return "".join(field + str(_modulo_10(field)) for field in fields) + bar[4] + bar[5:19]


def with_wrong_check_digit(line: str) -> str:
    """The same line with the check digit of its first field off by one: no bank takes it."""
    return f"{line[:9]}{(int(line[9]) + 1) % 10}{line[10:]}"


def factor(due_on: date) -> int:
    days = (due_on - _FIRST_FACTOR_DAY).days
    return days if days <= _FACTOR_MAX else 1000 + (due_on - _FACTOR_1000_AGAIN).days


def _modulo_10(digits: str) -> int:
    products = (int(digit) * weight for digit, weight in zip(reversed(digits), cycle((2, 1)), strict=False))
    return -sum(product // 10 + product % 10 for product in products) % 10


def _modulo_11(digits: str) -> int:
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(range(2, 10)), strict=False))
    check = 11 - total % 11
    return check if check < 10 else 1


def static_pix(*, amount: Decimal, reference: str) -> str:
    """A Pix code that carries its amount, payable to the provider's key."""
    account = _tlv("00", "br.gov.bcb.pix") + _tlv("01", PIX_KEY)
    return _br_code(account, amount=f"{amount:.2f}", reference=reference)


def dynamic_pix(*, location: str) -> str:
    """A Pix code whose amount stands at the payee's bank, at `location`."""
    account = _tlv("00", "br.gov.bcb.pix") + _tlv("25", f"{PIX_HOST}/qr/v2/cobv/{location}")
    return _br_code(account, one_time=True)


def with_wrong_crc(pix: str) -> str:
    return f"{pix[:-4]}{int(pix[-4:], 16) ^ 1:04X}"


def _br_code(account: str, *, amount: str = "", reference: str = "***", one_time: bool = False) -> str:
    code = (
        _tlv("00", "01")
        + (_tlv("01", "12") if one_time else "")
        + _tlv("26", account)
        + _tlv("52", "0000")
        + _tlv("53", "986")
        + (_tlv("54", amount) if amount else "")
        + _tlv("58", "BR")
        + _tlv("59", PAYEE)
        + _tlv("60", "SAO PAULO")
        + _tlv("62", _tlv("05", reference))
        + "6304"
    )
    return f"{code}{_crc16(code.encode()):04X}"


def _tlv(tag: str, value: str) -> str:
    return f"{tag}{len(value):02}{value}"


def _crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def pdf(*lines: str) -> bytes:
    """A one-page PDF with these lines, cross-reference table included: any reader opens it."""
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
    content = f"BT /F1 11 Tf 14 TL 40 780 Td {shown} ET".encode("latin-1", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
    )
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        len(out),
    )


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")

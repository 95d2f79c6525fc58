"""Pix codes to copy and paste ("copia e cola"): BR Code, an EMV text of nested id-length-value fields with a CRC.

Source: the Central Bank's BR Code manual and Pix API 2.9.0. A code is forwarded byte for byte: one space more or less
in the payee's name breaks it. The address in a dynamic code is never fetched here.
"""

import binascii
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from domain.identifiers import Personal
from domain.money import Money
from domain.phone import national_digits
from domain.tax_id import find_tax_ids


class PixFault(StrEnum):
    """Why a text is no Pix code that may be trusted."""

    LENGTH = "length"
    """more than 512 characters"""
    CHARACTERS = "characters"
    """not printable ASCII: banks disagree on how long an accented letter is"""
    STRUCTURE = "structure"
    """fields cut, repeated or out of place"""
    CHECKSUM = "checksum"
    CURRENCY = "currency"
    COUNTRY = "country"
    AMOUNT = "amount"
    ARRANGEMENT = "arrangement"
    """not one account of the Pix arrangement"""
    DESTINATION = "destination"
    """not one key or one address to pay to"""


class PixCode(Personal, frozen=True, kw_only=True):
    """What a well-formed code says; made by `parse_pix`. Nothing of it is proven: see `domain.invoice`."""

    safe = ("url_host", "recurring")

    text: str
    """byte for byte, without the line ends around it"""
    key: str | None
    """of a static code"""
    url_host: str | None
    """of a dynamic code, in lower case"""
    amount: Money | None
    """None: left to the payer, or (dynamic) known only behind the address"""
    payee: str
    reference: str
    """the label, or `***`; empty when absent"""
    recurring: bool
    """paying it also authorises recurring debits (Pix Automático)"""


def parse_pix(text: str) -> PixCode | PixFault:
    """Reads a static or dynamic code. Total over `str`."""
    text = text.strip("\r\n")
    if len(text) > _MAX_LENGTH:
        return PixFault.LENGTH
    if not (text.isascii() and text.isprintable()):
        return PixFault.CHARACTERS
    fields = _fields(text)
    if fields is None or not text.startswith("000201") or list(fields)[-1] != "63":
        return PixFault.STRUCTURE
    if fields["63"].upper() != _checksum(text[:-4]):
        return PixFault.CHECKSUM
    if fields.get("53") != "986":
        return PixFault.CURRENCY
    if fields.get("58") != "BR":
        return PixFault.COUNTRY
    return _read(text, fields)


def read_pix_key(text: str) -> str | None:
    """A key as codes carry it, however it was typed: e-mail, random key, telephone with +55, CPF or CNPJ; None: it is
    none of these. Total over `str`."""
    text = text.strip()
    if _EMAIL_OR_RANDOM.fullmatch(text):
        return text.lower()
    if text.startswith("+"):
        number = national_digits(text)
        return number and f"+55{number}"
    found = find_tax_ids(text)
    return found[0].plain if len(found) == 1 else None


def read_pix_host(text: str) -> str | None:
    """A host as `PixCode.url_host` tells it; None: it is none. Total over `str`."""
    return text.lower() if _HOST.fullmatch(text) else None


def _read(text: str, fields: dict[str, str]) -> PixCode | PixFault:
    amount = fields.get("54")
    if amount is not None and not (len(amount) <= _AMOUNT_MAX_LENGTH and _AMOUNT.fullmatch(amount)):
        return PixFault.AMOUNT
    additional = _fields(fields.get("62", ""))
    if additional is None:
        return PixFault.STRUCTURE
    accounts = list(_pix_accounts(fields))
    if len(accounts) != 1:
        return PixFault.ARRANGEMENT
    key, url = accounts[0].get("01"), accounts[0].get("25")
    recurring = "80" in fields
    host = _HOST.match(url) if url is not None else None
    if not _is_one_destination(key, url, recurring=recurring) or (url is not None and host is None):
        return PixFault.DESTINATION
    return PixCode(
        text=text,
        key=key,
        url_host=host[0].lower() if host else None,
        amount=Money.from_reais(Decimal(amount)) if amount else None,
        payee=fields.get("59", ""),
        reference=additional.get("05", ""),
        recurring=recurring,
    )


def _pix_accounts(fields: dict[str, str]) -> Iterator[dict[str, str]]:
    for identifier, value in fields.items():
        account = _fields(value) if "26" <= identifier <= "51" else None
        if account and account.get("00", "").lower() == "br.gov.bcb.pix":
            yield account


def _is_one_destination(key: str | None, url: str | None, *, recurring: bool) -> bool:
    """A code that only authorises recurring debits has none of its own."""
    if key is None and url is None:
        return recurring
    return key != "" and (key is None or url is None)


def _fields(text: str) -> dict[str, str] | None:
    """Values by id, in order; None: they do not end where the text ends, or an id is repeated."""
    fields: dict[str, str] = {}
    while text:
        head = re.match(r"([0-9]{2})([0-9]{2})", text)
        if head is None:
            return None
        identifier, end = head[1], 4 + int(head[2])
        if identifier in fields or end > len(text):
            return None
        fields[identifier] = text[4:end]
        text = text[end:]
    return fields


def _checksum(text: str) -> str:
    """CRC-16 with polynomial 0x1021, starting at 0xFFFF, as four capital hexadecimal digits."""
    return f"{binascii.crc_hqx(text.encode('ascii'), 0xFFFF):04X}"


_MAX_LENGTH = 512
_AMOUNT_MAX_LENGTH = 13
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]{1,2})?")
_EMAIL_OR_RANDOM = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
)
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?=/|$)")

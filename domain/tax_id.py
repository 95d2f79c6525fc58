"""CPF and CNPJ: the documents by which a customer is found, checked, masked, and found in what people really type.

Valid check digits do not prove that a document exists: with the values of the alphanumeric CNPJ (in force since July
2026) many letters collide with digits. Only the ERP's record does, so nothing is ever corrected here.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import cycle

from domain.identifiers import Personal
from domain.phone import national_digits
from domain.typed_text import simplify


class Cpf(Personal, frozen=True, kw_only=True, tag="cpf"):
    """A person's document: 11 ASCII digits with right check digits, not all equal; anything else is a `ValueError`."""

    safe = ("masked",)

    digits: str

    def __post_init__(self) -> None:
        if not _CPF.fullmatch(self.digits) or self.digits[9:] != _check_digits(self.digits[:9], heaviest=11):
            raise ValueError("not a valid CPF")

    @property
    def plain(self) -> str:
        return self.digits

    @property
    def formatted(self) -> str:
        return f"{self.digits[:3]}.{self.digits[3:6]}.{self.digits[6:9]}-{self.digits[9:]}"

    @property
    def masked(self) -> str:
        """The last two digits only, for the provider's people."""
        return f"***.***.***-{self.digits[9:]}"


class Cnpj(Personal, frozen=True, kw_only=True, tag="cnpj"):
    """A company's document: 12 ASCII digits or capitals and two right check digits; anything else is a `ValueError`.

    Twelve zeros are refused although their check digits are right.
    """

    safe = ("masked",)

    characters: str

    def __post_init__(self) -> None:
        if not _CNPJ.fullmatch(self.characters) or self.characters[12:] != _check_digits(
            self.characters[:12], heaviest=9
        ):
            raise ValueError("not a valid CNPJ")

    @property
    def plain(self) -> str:
        return self.characters

    @property
    def formatted(self) -> str:
        c = self.characters
        return f"{c[:2]}.{c[2:5]}.{c[5:8]}/{c[8:12]}-{c[12:]}"

    @property
    def masked(self) -> str:
        """The last two digits only, for the provider's people."""
        return f"**.***.***/****-{self.characters[12:]}"


TaxId = Cpf | Cnpj


class DocumentFault(StrEnum):
    """Why a text names no single document."""

    MISSING = "missing"
    """nothing was typed, or the flow's variable was never filled"""
    INVALID = "invalid"
    SEVERAL = "several"


def find_tax_ids(text: str) -> tuple[TaxId, ...]:
    """Every distinct valid document in a free text, in order of appearance. Total over `str`.

    A document stands alone between word boundaries, never inside a longer number, bare or with (some of) its
    punctuation. One mobile number in a hundred is a valid CPF by accident: beside a document that is punctuated or
    follows the word CPF or CNPJ, such a number is left out.
    """
    found = list(_documents(simplify(text)))
    if any(deliberate for _, deliberate in found):
        found = [(document, deliberate) for document, deliberate in found if deliberate or not _is_mobile(document)]
    return tuple(dict.fromkeys(document for document, _ in found))


def read_document(text: str) -> TaxId | DocumentFault:
    """The one document that a customer typed when asked for it. Total over `str`.

    Digits alone that lack only leading zeros (9 or 10 of a CPF, 12 or 13 of a CNPJ) are completed when the check
    digits then hold; the ERP's record has the last word on them.
    """
    typed = simplify(text).strip()
    if not typed or "{{" in typed:
        return DocumentFault.MISSING
    found = find_tax_ids(typed)
    if len(found) > 1:
        return DocumentFault.SEVERAL
    return found[0] if found else _completed(typed) or DocumentFault.INVALID


def is_typed_whole(text: str, document: TaxId) -> bool:
    """False: leading zeros were added to what was typed. Such a document needs a second proof: one in a hundred
    landline numbers would become somebody's CPF."""
    return document.plain in re.sub(r"[^0-9A-Z]", "", simplify(text))


def _check_digits(characters: str, *, heaviest: int) -> str:
    """Both check digits: modulo 11 with weights 2 to `heaviest` from the right, a character worth its code less 48."""
    for _ in range(2):
        weights = cycle(range(2, heaviest + 1))
        total = sum(weight * (ord(c) - 48) for weight, c in zip(weights, reversed(characters), strict=False))
        characters += str((11 - total % 11) % 11 % 10)
    return characters[-2:]


def _documents(text: str) -> Iterator[tuple[TaxId, bool]]:
    """Valid documents of a simplified text in order, each with whether it was surely meant as one."""
    end = 0
    for match in _TYPED.finditer(text):
        typed = match["typed"]
        document = _valid(_compact(typed))
        if document is not None and not _is_prose(typed):
            before = text[end : match.start("typed")]
            yield document, typed != document.plain or _ends_in_label(before)
            end = match.end("typed")


def _valid(plain: str) -> TaxId | None:
    try:
        return Cpf(digits=plain) if len(plain) == 11 else Cnpj(characters=plain)
    except ValueError:
        return None


def _completed(typed: str) -> TaxId | None:
    if _SHORT_CPF.fullmatch(typed):
        return _valid(_compact(typed).zfill(11))
    if _SHORT_CNPJ.fullmatch(typed):
        return _valid(_compact(typed).zfill(14))
    return None


def _compact(typed: str) -> str:
    return re.sub(r"[ ./-]", "", typed)


def _is_prose(typed: str) -> bool:
    """Words can have the shape and even the check digits of a CNPJ: "oi que dia hoje 10"."""
    return " " in typed and "/" not in typed and not re.search(r"[0-9]", _compact(typed)[:12])


def _ends_in_label(before: str) -> bool:
    """Whether the word CPF or CNPJ stands in a text, with no number after it."""
    *earlier, since = _LABEL.split(before)
    return bool(earlier) and not re.search(r"[0-9]", since)


def _is_mobile(document: TaxId) -> bool:
    return national_digits(document.plain) == document.plain


_CPF = re.compile(r"(?!(.)\1{10})[0-9]{11}")
_CNPJ = re.compile(r"(?!0{12})[0-9A-Z]{12}[0-9]{2}")

_S = r" ?[./-]? ?"
_TYPED = re.compile(
    r"(?<![^\W_])(?<![0-9][.-])"
    r"(?=(?:CPF|CNPJ)?(?P<typed>"
    rf"[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}"
    rf"|[0-9A-Z]{{2}}{_S}[0-9A-Z]{{3}}{_S}[0-9A-Z]{{3}}{_S}[0-9A-Z]{{4}}{_S}[0-9]{{2}}"
    r")(?![^\W_])(?![.-][0-9]))"
)
_SHORT_CPF = re.compile(rf"[0-9]{{1,2}}{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}")
_SHORT_CNPJ = re.compile(rf"(?:[0-9]{_S})?[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{4}}{_S}[0-9]{{2}}")
_LABEL = re.compile(r"(?<![^\W_])(?:CPF|CNPJ)(?![^\W\d_])")

"""Brazilian telephone numbers, and whether two of them reach the same line.

Numbers come from channels and from ERP records in every shape: with and without country code, carrier code,
punctuation, and the ninth digit that old WhatsApp accounts still lack.
"""

import re

from domain.typed_text import simplify


def national_digits(text: str) -> str | None:
    """Area code (DDD) and number, 10 or 11 digits with the ninth digit as given; None: no Brazilian line.

    Anything but digits and their punctuation is no number, so the digits of an opaque id ("BR.150257…", which channels
    send for people who hide their number) are never taken for one. Toll-free and service numbers belong to nobody and
    are None as well.
    """
    number = _DIALLED.fullmatch(re.sub(r"[ ().-]", "", simplify(text)))
    return number["national"] if number else None


def same_line(one: str, other: str) -> bool:
    """Whether both are numbers of one line: equal area code and last eight digits.

    The ninth digit is ignored only where it was once prefixed to an older mobile number (those began with 6 to 9):
    mobile 93222-1234 is another line than landline 3222-1234. Text that is no number equals nothing, not even itself.
    """
    line = _line(one)
    return line is not None and line == _line(other)


def _line(text: str) -> str | None:
    digits = national_digits(text)
    return _NINTH_DIGIT.sub("", digits) if digits else None


_DIALLED = re.compile(
    r"(?:\+?55|0(?:[1-9][0-9])?)?"  # country code, or the trunk zero with or without a carrier code
    r"(?P<national>"
    r"(?:1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])"
    r"(?:9[0-9]{8}|[2-9][0-9]{7}))"
)
_NINTH_DIGIT = re.compile(r"(?<=^[0-9]{2})9(?=[6-9][0-9]{7}$)")

"""Boletos made from their parts, by the published layouts; the arithmetic is written apart from the parser's."""

from typing import NamedTuple

from hypothesis import strategies as st


class Printed(NamedTuple):
    """One boleto in both of its forms; `centavos` is 0 for an open amount."""

    line: str
    barcode: str
    centavos: int


def collection(*, bank: str = "341", factor: int = 1667, centavos: int = 9990, free: str = "1" * 25) -> Printed:
    """A bank's boleto; `factor` 0 for none, `free` 25 digits."""
    head, tail = f"{bank}9", f"{factor:04d}{centavos:010d}"
    total = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(head + tail + free)))
    check_digit = {0: 1, 10: 1, 11: 1}.get(11 - total % 11, 11 - total % 11)
    fields = "".join(part + luhn(part) for part in (head + free[:5], free[5:15], free[15:]))
    return Printed(f"{fields}{check_digit}{tail}", f"{head}{check_digit}{tail}{free}", centavos)


def utility(*, segment: int = 4, kind: int = 6, value: int = 9990, rest: str = "1" * 29) -> Printed:
    """Arrecadação; `kind` is the digit that says what the value is (6, 8: reais) and how check digits are made."""
    make = luhn if kind in {6, 7} else utility_modulo_11
    head, tail = f"8{segment}{kind}", f"{value:011d}{rest}"
    barcode = head + make(head + tail) + tail
    blocks = [barcode[start : start + 11] for start in (0, 11, 22, 33)]
    return Printed("".join(block + make(block) for block in blocks), barcode, value if kind in {6, 8} else 0)


def luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled if doubled < 10 else doubled - 9
    return str((10 - total % 10) % 10)


def utility_modulo_11(digits: str) -> str:
    remainder = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(digits))) % 11
    return {0: "0", 1: "0", 10: "1"}.get(remainder, str(11 - remainder))


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def collections() -> st.SearchStrategy[Printed]:
    return st.builds(
        collection,
        bank=digits(3).filter(lambda bank: bank[0] != "8" and bank != "988"),
        factor=st.just(0) | st.integers(1000, 9999),
        centavos=st.integers(0, 10**10 - 1),
        free=digits(25),
    )


def utilities() -> st.SearchStrategy[Printed]:
    return st.builds(
        utility,
        segment=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9]),
        kind=st.integers(6, 9),
        value=st.integers(0, 10**11 - 1),
        rest=digits(29),
    )


def printed_boletos() -> st.SearchStrategy[Printed]:
    return collections() | utilities()


def punctuated(line: str) -> str:
    """As banks print it."""
    if len(line) == 48:
        return " ".join(f"{line[start : start + 11]}-{line[start + 11]}" for start in (0, 12, 24, 36))
    return f"{line[:5]}.{line[5:10]} {line[10:15]}.{line[15:21]} {line[21:26]}.{line[26:32]} {line[32]} {line[33:]}"

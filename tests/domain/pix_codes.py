"""Pix codes made from their parts, by the BR Code layout; the arithmetic is written apart from the parser's."""

import string

from hypothesis import strategies as st
from msgspec import Struct

from domain.money import Money


class Issued(Struct, frozen=True, kw_only=True):
    """What a bank puts into a code: either a key (static) or an address (dynamic)."""

    key: str | None = None
    url: str | None = None
    amount: Money | None = None
    payee: str = "PROVEDOR TESTE LTDA"
    city: str = "SAO PAULO"
    reference: str = "***"
    recurrence_url: str | None = None

    @property
    def text(self) -> str:
        account = field("00", "br.gov.bcb.pix") + optional("01", self.key) + optional("25", self.url)
        amount = None if self.amount is None else f"{self.amount.centavos // 100}.{self.amount.centavos % 100:02d}"
        recurrence = None
        if self.recurrence_url is not None:
            recurrence = field("00", "br.gov.bcb.pix") + field("25", self.recurrence_url)
        return sealed(
            field("00", "01")
            + field("26", account)
            + field("52", "0000")
            + field("53", "986")
            + optional("54", amount)
            + field("58", "BR")
            + field("59", self.payee)
            + field("60", self.city)
            + field("62", field("05", self.reference))
            + optional("80", recurrence)
        )


def field(identifier: str, value: str) -> str:
    return f"{identifier}{len(value):02d}{value}"


def optional(identifier: str, value: str | None) -> str:
    return "" if value is None else field(identifier, value)


def sealed(body: str) -> str:
    """The body with a right checksum behind it."""
    crc = 0xFFFF
    for byte in f"{body}6304".encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return f"{body}6304{crc:04X}"


def issued_pix_codes() -> st.SearchStrategy[Issued]:
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    hosts = st.from_regex(r"[a-z0-9]{1,10}\.[a-z]{2,6}\.br", fullmatch=True)
    paths = st.text(string.ascii_letters + string.digits + "/-", max_size=40)
    destinations = st.one_of(
        st.tuples(st.text(printable, min_size=1, max_size=70), st.none()),
        st.tuples(st.none(), st.builds("{}/{}".format, hosts, paths)),
    )
    return st.builds(
        lambda destination, **rest: Issued(key=destination[0], url=destination[1], **rest),
        destinations,
        amount=st.none() | st.builds(Money, st.integers(0, 10**12 - 1)),
        payee=st.text(printable, min_size=1, max_size=25),
        city=st.text(printable, min_size=1, max_size=15),
        reference=st.just("***") | st.text(string.ascii_letters + string.digits, min_size=1, max_size=25),
        recurrence_url=st.none() | st.builds("{}/{}".format, hosts, paths),
    )

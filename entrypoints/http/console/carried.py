"""What a page takes along to the next one for the server alone: a secret that was typed and is not saved yet.

It is sealed with a key of its own, bound to one purpose, and good for ten minutes.
"""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.identifiers import Personal, Secret

GOOD_FOR_S = 600


class _Content(Personal, frozen=True, kw_only=True):
    purpose: str
    values: dict[str, Secret]


_decode = msgspec.json.Decoder(_Content).decode


class Carrier:
    def __init__(self, keys: Sequence[Secret]) -> None:
        """The keys of the settings: the first seals, all open."""
        self._seal = MultiFernet([Fernet(_derived(key)) for key in keys])

    def wrap(self, values: Mapping[str, Secret], *, purpose: str) -> str:
        """Text for a hidden field; empty when there is nothing to take along."""
        if not values:
            return ""
        return self._seal.encrypt(msgspec.json.encode(_Content(purpose=purpose, values=dict(values)))).decode()

    def unwrap(self, text: str, *, purpose: str) -> Mapping[str, Secret]:
        """Nothing, when it is not ours, of another purpose, or too old."""
        try:
            content = _decode(self._seal.decrypt(text.encode(), ttl=GOOD_FOR_S))
        except (InvalidToken, msgspec.DecodeError, UnicodeEncodeError):
            return {}
        return content.values if content.purpose == purpose else {}


def _derived(key: Secret) -> bytes:
    """Not the key that seals what is stored: what a page holds must be good for nothing else."""
    return base64.urlsafe_b64encode(sha256(b"ponte.console.carried:" + key.reveal().encode()).digest())

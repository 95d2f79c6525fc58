"""The cipher over everything secret or personal that is stored; the first key seals, all keys open.

The keys are Fernet keys, as the settings name them, and what earlier versions sealed by Fernet is still opened. A seal
is AES-256-GCM-SIV under a key that each process derives for itself from the first one, so that counting is enough to
never use a nonce twice: no random bytes for each seal. It costs a fifth of Fernet's, and a quarter less room.

    0x02 | salt of the process, 16 bytes | number of the seal, 12 bytes | sealed content with its tag of 16 bytes
"""

import base64
import itertools
import os
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from application.failures import Unavailable
from domain.identifiers import Secret

FORM = b"\x02"
"""a Fernet token never begins so"""
SALT, NUMBER = 16, 12
"""bytes"""
DERIVED_KEPT = 4096
"""derived keys at hand: one for each process that ever sealed something"""


class Unsealable(Unavailable):
    """No key at hand opens what is stored. Its `detail` is fit to be shown to the person who starts Ponte."""

    def __init__(self) -> None:
        super().__init__(
            "storage.key_missing",
            "o banco guarda dados que nenhuma chave de PONTE_SECRET_KEYS abre: acrescente a chave com que foram "
            "gravados ao fim da lista",
        )


class Seal:
    """One for a process; may be used from any thread."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        """Fernet keys, at least one; `ValueError` for anything else."""
        self._earlier = MultiFernet([Fernet(key.reveal()) for key in keys])
        self._keys = [base64.urlsafe_b64decode(key.reveal()) for key in keys]
        self._derived = lru_cache(maxsize=DERIVED_KEPT)(_derived)
        salt = os.urandom(SALT)
        self._begin = FORM + salt
        self._cipher = self._derived(self._keys[0], salt)
        self._numbers = itertools.count()

    def seal(self, plain: bytes) -> bytes:
        number = next(self._numbers).to_bytes(NUMBER, "big")
        return self._begin + number + self._cipher.encrypt(number, plain, None)

    def unseal(self, sealed: bytes) -> bytes:
        if sealed[:1] != FORM:
            return self._unseal_earlier(sealed)
        salt, number, content = sealed[1 : 1 + SALT], sealed[1 + SALT : 1 + SALT + NUMBER], sealed[1 + SALT + NUMBER :]
        for key in self._keys:
            try:
                return self._derived(key, salt).decrypt(number, content, None)
            except (InvalidTag, ValueError):  # another key's, or cut off
                continue
        raise Unsealable

    def reseal(self, sealed: bytes) -> bytes:
        """The same content under the first key."""
        return self.seal(self.unseal(sealed))

    def _unseal_earlier(self, sealed: bytes) -> bytes:
        try:
            return self._earlier.decrypt(sealed)
        except InvalidToken:
            raise Unsealable from None


def _derived(key: bytes, salt: bytes) -> AESGCMSIV:
    return AESGCMSIV(HKDF(SHA256(), length=32, salt=salt, info=b"ponte seal").derive(key))

"""The cipher over everything secret or personal that is stored: Fernet, first key encrypts, all keys decrypt."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from application.failures import Unavailable
from domain.identifiers import Secret


class Unsealable(Unavailable):
    """No key at hand opens what is stored. Its `detail` is fit to be shown to the person who starts Ponte."""

    def __init__(self) -> None:
        super().__init__(
            "storage.key_missing",
            "o banco guarda dados que nenhuma chave de PONTE_SECRET_KEYS abre: acrescente a chave com que foram "
            "gravados ao fim da lista",
        )


class Seal:
    """A seal costs 20 to 40 microseconds: one per notification, not one per field."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        """Fernet keys, at least one; `ValueError` for anything else."""
        self._cipher = MultiFernet([Fernet(key.reveal()) for key in keys])

    def seal(self, plain: bytes) -> bytes:
        return self._cipher.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed)
        except InvalidToken:
            raise Unsealable from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same content under the first key."""
        try:
            return self._cipher.rotate(sealed)
        except InvalidToken:
            raise Unsealable from None

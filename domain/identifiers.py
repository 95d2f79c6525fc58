"""Names of things, and the base that keeps personal data out of every repr.

Ids are text, whatever the vendor sends: Huggy and Voalle both send the same id now as number, now as string.
"""

from typing import Any, ClassVar, NewType

from msgspec import Struct

InstallationId = NewType("InstallationId", str)
CompanyId = NewType("CompanyId", str)
ChatId = NewType("ChatId", str)
ContactId = NewType("ContactId", str)
FlowId = NewType("FlowId", str)
CustomerId = NewType("CustomerId", str)
ContractId = NewType("ContractId", str)
InvoiceId = NewType("InvoiceId", str)
ProtocolNumber = NewType("ProtocolNumber", str)
NotificationKey = NewType("NotificationKey", str)
"""One per notification of an installation; a second delivery of the same notification has the same key."""
EffectKey = NewType("EffectKey", str)
"""One per outward effect of a notification: its key and `:{index}` of a remark, `:end` of the terminal action, `:aux` of
the auxiliary flow in its place, or `:erp` of the write to the ERP."""


class Personal(Struct, frozen=True, kw_only=True):
    """A value whose repr (and so every log line and traceback) shows only the fields named in `safe`."""

    safe: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.safe)
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for tracebacks that print values by `rich`, which does not ask for a repr."""
        return [(name, getattr(self, name)) for name in self.safe]


class Secret(Personal, frozen=True, kw_only=True):
    """A token or password. `reveal()` where it goes on the wire or into the cipher, and nowhere else."""

    value: str

    def reveal(self) -> str:
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

"""Policies as an admin writes them (`--set key=value`, the console's form), checked and typed."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from zoneinfo import available_timezones

import msgspec
from msgspec.structs import FieldInfo, fields, replace

from domain.installation import Policies
from domain.notification import KINDS
from domain.pix import read_pix_host, read_pix_key

_FIELDS = {field.name: field for field in fields(Policies)}
POLICY_NAMES = tuple(_FIELDS)
_PARTS: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "boleto_banks": (
        lambda text: text if re.fullmatch(r"[0-9]{3}", text) else None,
        "códigos de banco de três dígitos, como 001, 237",
    ),
    "pix_hosts": (read_pix_host, "endereços sem https:// nem barra, como pix.seubanco.com.br"),
    "pix_keys": (
        read_pix_key,
        "chaves inteiras (CNPJ, CPF, e-mail, celular com +55 ou chave aleatória), como financeiro@provedor.com.br",
    ),
    "paused_operations": (lambda text: text if text in KINDS else None, ", ".join(KINDS)),
}
"""what each part of a list is read by, and what it may be"""
_MAY_BE_ZERO = frozenset({"dedupe_window_s", "ticket_reuse_h"})
_MOST = int(timedelta(days=1).total_seconds())
"""no number here means anything beyond a day of seconds"""


class WrongPolicy(ValueError):
    """The text names the policy and what it may be, in Portuguese."""


def with_policies(current: Policies, written: Iterable[tuple[str, str]]) -> Policies:
    """`current` with what was written over it; an empty value goes back to the default."""
    return replace(current, **{name: _read(name, text.strip()) for name, text in written})


def what_is_right(name: str) -> str:
    """What this policy may be, in Portuguese: `use …`."""
    if name in _PARTS:
        return f"use, separados por vírgula, {_PARTS[name][1]}"
    if name == "timezone":
        return "use um fuso da base IANA, como America/Sao_Paulo ou America/Manaus"
    return f"use {_allowed(_FIELDS[name])}"


def _read(name: str, text: str) -> object:
    field = _FIELDS.get(name)
    if field is None:
        raise WrongPolicy(f"não existe a política {name!r}; existem: {', '.join(POLICY_NAMES)}")
    if not text:
        return field.default
    if field.type == tuple[str, ...]:
        parts = tuple(part.strip() for part in text.split(",") if part.strip())
        return tuple(_read_part(name, part) for part in parts)
    if name == "timezone" and text not in available_timezones():
        raise _wrong(name)
    try:
        value = msgspec.convert(text, field.type, strict=False)
    except msgspec.ValidationError:
        raise _wrong(name) from None
    if isinstance(value, int | float) and not _sane(name, value):
        raise _wrong(name)
    return value


def _read_part(name: str, part: str) -> str:
    reader, _ = _PARTS[name]
    if (read := reader(part)) is None:
        raise WrongPolicy(f"{name}: não entendi “{part[:40]}”; {what_is_right(name)}")
    return read


def _sane(name: str, value: float) -> bool:
    if isinstance(value, bool):
        return True
    lowest_is_fine = value >= 0 if name in _MAY_BE_ZERO else value > 0
    return math.isfinite(value) and lowest_is_fine and value <= _MOST


def _wrong(name: str) -> WrongPolicy:
    return WrongPolicy(f"{name}: {what_is_right(name)}")


def _allowed(field: FieldInfo) -> str:
    if field.type is bool:
        return "true ou false"
    if field.type is str:
        return "um texto"
    if isinstance(field.type, type) and issubclass(field.type, StrEnum):
        return " ou ".join(field.type)
    number = "um número" if field.type is float else "um número inteiro"
    return f"{number} {'a partir de' if field.name in _MAY_BE_ZERO else 'maior que'} zero, até {_MOST}"

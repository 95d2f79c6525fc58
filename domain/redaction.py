"""What was sent and answered, as text that may be kept and shown: structure and keys as they came, values reduced to
their form, save those under keys that are known to hold nothing of anybody.

Letters become `a`, digits `9`; a number that may not be shown is `0`. Pure, and total over what JSON can hold.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

LONGEST_TEXT: Final = 2048
"""characters of one redacted text"""
LONGEST_VALUE, LONGEST_KEY = 40, 40
DEEPEST, WIDEST = 8, 40
"""levels, and members of each list and object; the rest is `…`"""
LONGEST_NUMBER = 7
"""digits of what may be shown: fewer than a telephone number has, or any document"""
LARGEST_BODY: Final = 65_536
"""bytes; of a larger one only its size is told"""
KEYS_KEPT = 4096

_NAME = re.compile(r"[A-Za-z_$][\w$.-]*", re.ASCII)
_WORDS = re.compile(r"[\w.,:/+-]+(?: [\w.,:/+()-]+){0,3}")
_MOMENT = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_SEGMENT = re.compile(rf"[A-Za-z_.-]+|v\d|\d{{1,{LONGEST_NUMBER}}}", re.ASCII)


class _Forms(dict[int, str]):
    """For `str.translate`: what each character is reduced to; never a quotation mark or a line's end."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isalpha():
            reduced = "A" if character.isupper() else "a"
        elif character.isnumeric():
            reduced = "9"
        elif character in '"\\':
            reduced = "'"
        else:
            reduced = character if character.isascii() and character.isprintable() else "?"
        return self.setdefault(code, reduced) if code < 0x250 else reduced


_FORMS = _Forms()


def form(text: str) -> str:
    """Every letter `a` or `A`, every digit `9`, whatever is neither ASCII nor printable `?`."""
    return text.translate(_FORMS)


class Redaction:
    """For one vendor. `telling` are the keys whose values may be shown: words of the platform, states, dates, amounts,
    the vendor's own numbers. Capitals, accents and what is no letter or digit do not count in a key.

    Even under such a key nothing is shown that has more digits than `LONGEST_NUMBER`, unless it is a date.
    """

    def __init__(self, telling: Iterable[str]) -> None:
        self._telling = frozenset(map(_folded, telling))
        self._key = lru_cache(KEYS_KEPT)(self._read_key)

    def text(self, tree: object) -> str:
        """Like JSON, at most `LONGEST_TEXT` characters; what is left out is `…`."""
        parts: list[str] = []
        self._write(tree, False, parts, LONGEST_TEXT, 0)
        written = "".join(parts)
        return written if len(written) <= LONGEST_TEXT else f"{written[: LONGEST_TEXT - 1]}…"

    def body(self, body: bytes) -> str:
        """Of JSON as `text`; of anything else how long it is."""
        if len(body) <= LARGEST_BODY:
            try:
                return self.text(msgspec.json.decode(body))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        return f"{len(body)} bytes"

    def path(self, path: str) -> str:
        """An address's path without its question: words and short numbers stay."""
        segments = path.partition("?")[0][:LONGEST_TEXT].split("/")
        return "/".join(
            each if not each or _SEGMENT.fullmatch(each) else form(each[:LONGEST_VALUE]) for each in segments
        )

    def _write(self, tree: object, told: bool, parts: list[str], room: int, depth: int) -> int:
        """`told`: it stands under a telling key. What is left of `room`; negative: it is full."""
        match tree:
            case str():
                written = f'"{_shown(tree) if told else form(tree[:LONGEST_VALUE])}"'
            case True:
                written = "true"
            case False:
                written = "false"
            case None:
                written = "null"
            case int() | float() | Decimal():
                written = _number(tree) if told else "0"
            case dict():
                return self._write_object(tree, parts, room, depth)
            case list() | tuple():
                return self._write_list(tree, told, parts, room, depth)
            case _:
                written = "…"
        parts.append(written)
        return room - len(written)

    def _write_object(self, tree: Mapping[object, object], parts: list[str], room: int, depth: int) -> int:
        if depth >= DEEPEST:
            parts.append("{…}")
            return room - 3
        parts.append("{")
        room -= 2
        for count, (key, value) in enumerate(tree.items()):
            if count == WIDEST or room < 0:
                parts.append(", …")
                break
            name, told = self._key(str(key)[: LONGEST_KEY + 1])  # the rest of it would be remembered too
            lead = f', "{name}": ' if count else f'"{name}": '
            if type(value) is str and not told:  # most values, without a call for each
                written = f'{lead}"{value[:LONGEST_VALUE].translate(_FORMS)}"'
                parts.append(written)
                room -= len(written)
                continue
            parts.append(lead)
            room = self._write(value, told, parts, room - len(lead), depth + 1)
        parts.append("}")
        return room

    def _write_list(self, tree: Iterable[object], told: bool, parts: list[str], room: int, depth: int) -> int:
        if depth >= DEEPEST:
            parts.append("[…]")
            return room - 3
        parts.append("[")
        room -= 2
        for count, value in enumerate(tree):
            if count == WIDEST or room < 0:
                parts.append(", …")
                break
            if count:
                parts.append(", ")
            room = self._write(value, told, parts, room - 2, depth + 1)
        parts.append("]")
        return room

    def _read_key(self, key: str) -> tuple[str, bool]:
        """As it may be shown, and whether its value may be. A key that is no name may be anything."""
        if len(key) > LONGEST_KEY or not _NAME.fullmatch(key) or _digits(key) > LONGEST_NUMBER:
            return form(key[:LONGEST_KEY]), False
        return key, _folded(key) in self._telling


def _shown(value: str) -> str:
    """A value under a telling key, unless it is more than a few words or has the digits of somebody's number."""
    short = len(value) <= LONGEST_VALUE
    if short and (_MOMENT.fullmatch(value) or (_WORDS.fullmatch(value) and _digits(value) <= LONGEST_NUMBER)):
        return value
    return form(value[:LONGEST_VALUE])


def _number(value: float | Decimal) -> str:
    written = str(value)
    return written if _digits(written) <= LONGEST_NUMBER else "0"


def _digits(text: str) -> int:
    return sum(map(str.isnumeric, text))


def _folded(key: str) -> str:
    return "".join(filter(str.isalnum, key.casefold()))

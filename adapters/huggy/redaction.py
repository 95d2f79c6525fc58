"""A sample of a payload that may be kept and shown: its structure as sent, its values reduced to their form."""

import re
from collections.abc import Mapping

import msgspec

from adapters.huggy.body import Tree, embedded
from adapters.huggy.fields import fold
from domain.redaction import form

LARGEST_SAMPLE = 4096
LONGEST_KEY = 40
LONGEST_VALUE = 40
MAX_DEPTH = 8
WIDTHS = (60, 20, 6, 2, 0)
"""members kept of each object and list, tried in turn until the sample is small enough"""

TELLING = frozenset(
    {
        *("event", "evento", "eventname", "type", "action", "situation", "channel", "sendertype"),
        *("key", "chave", "campo", "field"),
    }
)
"""keys whose value is a word of the platform or of the flow's author, and is needed to learn a new shape"""

_GUARDED = re.compile(r"token|secret|password|senha|authorization|apikey")
_WORD = re.compile(r"[^\W\d]\w*(?:[ _-]\w+){0,5}")
_LONG_NUMBER = re.compile(r"\d{4,}")


def sample(tree: Tree) -> bytes:
    """JSON of at most 4 KiB. Letters become `a`, digits `9`; keys, and the event's name, stay."""
    for width in WIDTHS:
        encoded = msgspec.json.encode(_reduced("", tree, width, 0))
        if len(encoded) <= LARGEST_SAMPLE:
            return encoded
    return b"null"


def label(name: str) -> str:
    """An event's name as sent, cut to 64 characters, without anything that could be a number of somebody's."""
    return _LONG_NUMBER.sub(_nines, name[:64])


def _reduced(key: str, tree: Tree, width: int, depth: int) -> Tree:
    if depth > MAX_DEPTH:
        return "…"
    match tree:
        case None | bool():
            return tree
        case int() | float():
            return 0
        case str():
            return _reduced_text(key, tree, width, depth)
        case dict():
            return _reduced_object(tree, width, depth)
        case list():
            return [_reduced(key, member, width, depth + 1) for member in tree[:width]]


def _reduced_object(tree: Mapping[str, Tree], width: int, depth: int) -> Tree:
    kept = list(tree.items())[:width]
    return {label(key)[:LONGEST_KEY]: _reduced(fold(key), value, width, depth + 1) for key, value in kept}


def _reduced_text(key: str, value: str, width: int, depth: int) -> str:
    inner = embedded(value)
    if not isinstance(inner, str):
        return msgspec.json.encode(_reduced("", inner, width, depth + 1)).decode()
    if _GUARDED.search(key):
        return "***"
    if key in TELLING and len(value) <= LONGEST_VALUE and _WORD.fullmatch(value):
        return label(value)
    return form(value[:LONGEST_VALUE])


def _nines(number: re.Match[str]) -> str:
    return "9" * len(number.group())

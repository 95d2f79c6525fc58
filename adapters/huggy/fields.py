"""The fields of one notification, found wherever its author put them."""

import unicodedata
from collections import deque
from collections.abc import Iterable, Mapping
from functools import lru_cache

from adapters.huggy.body import Tree, embedded
from adapters.huggy.vocabulary import NESTED, NOT_TYPED, PAIR_KEYS, PAIR_VALUES

LONGEST_NAME = 64
LONGEST_ID = 64
LONGEST_TEXT = 4000
MAX_DEPTH = 6
COMPOUND = (dict, list)


def fold(name: str) -> str:
    """One spelling for all: no accents, no case, nothing but letters and digits. Empty for what is no name at all."""
    return _folded(name) if len(name) <= LONGEST_NAME else ""


@lru_cache(maxsize=2048)
def _folded(name: str) -> str:
    if not name.isascii():
        name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c for c in name.casefold() if c.isalnum())


def text(value: Tree) -> str:
    """The value as text, stripped; empty when it is missing, no text or whole number, or a variable never filled."""
    if isinstance(value, str):
        if "{{" in value:
            return ""
        value = value.replace("\0", "").strip()
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT].rstrip()
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else ""


class Fields:
    """The filled scalars of an item, by path and, for what a flow's author or the customer wrote, by last name alone.

    Shallow fields win over deep ones; an unfilled variable never hides a filled one.
    """

    __slots__ = ("_by_name", "_by_path")

    def __init__(self, item: Mapping[str, Tree]) -> None:
        self._by_path: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._collect(item)

    def texts(self, paths: Iterable[str]) -> Iterable[str]:
        return (self._by_path[path] for path in paths if path in self._by_path)

    def text(self, paths: Iterable[str]) -> str:
        for path in paths:
            if path in self._by_path:
                return self._by_path[path]
        return ""

    def identifier(self, paths: Iterable[str]) -> str:
        """The first value that can be an id: at most 64 printable characters without spaces, not dots alone."""
        for path in paths:
            if path in self._by_path and _is_identifier(value := self._by_path[path]):
                return value
        return ""

    def typed(self, names: Iterable[str], limit: int) -> str:
        """What the flow's author or the customer gave under one of these names, cut at `limit` characters."""
        for name in names:
            if name in self._by_name:
                return self._by_name[name][:limit].rstrip()
        return ""

    def _collect(self, item: Mapping[str, Tree]) -> None:
        waiting = deque([("", item, True, 0)])
        while waiting:
            prefix, node, typed, depth = waiting.popleft()
            for key, value in node.items():
                if len(key) > LONGEST_NAME:
                    continue
                name, leaf, by_hand = _read_key(key)
                if not name:
                    continue
                if isinstance(value, str) and name in NESTED:
                    value = embedded(value)  # noqa: PLW2901  # what is meant stands in the text
                if isinstance(value, COMPOUND):
                    if depth < MAX_DEPTH and (child := _as_object(value)) is not None:
                        waiting.append((prefix + name, child, typed and by_hand, depth + 1))
                elif filled := text(value):
                    self._by_path.setdefault(prefix + name, filled)
                    if typed and by_hand:
                        self._by_name.setdefault(leaf, filled)


@lru_cache(maxsize=2048)
def _read_key(key: str) -> tuple[str, str, bool]:
    """Its name, its last name, and whether what is under it may have been put there by hand. Flow variables come
    flattened with a dot: `formulario.cpf`."""
    name = _folded(key)
    root, dot, _ = key.partition(".")
    leaf = _folded(key.rpartition(".")[2]) if dot else name
    return name, leaf, name not in NOT_TYPED and (not dot or _folded(root) not in NOT_TYPED)


def _as_object(value: Tree) -> Mapping[str, Tree] | None:
    """An object, or a list that stands for one: of keys and values, or with one object alone."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    members = [member for member in value if isinstance(member, dict)]
    pairs = dict(pair for member in members if (pair := _pair(member)) is not None)
    return pairs or (members[0] if len(members) == 1 else {})


def _pair(member: Mapping[str, Tree]) -> tuple[str, Tree] | None:
    key = next((value for name, value in member.items() if fold(name) in PAIR_KEYS), None)
    if not isinstance(key, str):
        return None
    return next(((key, value) for name, value in member.items() if fold(name) in PAIR_VALUES), None)


def _is_identifier(value: str) -> bool:
    return len(value) <= LONGEST_ID and value.isprintable() and " " not in value and value.strip(".") != ""

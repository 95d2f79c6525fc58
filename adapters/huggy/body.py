"""From the bytes of a webhook to plain values: JSON in any reasonable encoding, or a form."""

import json
import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | int | float | bool | None"

MAX_FORM_FIELDS = 1000
MAX_FORM_DEPTH = 8
LONGEST_NUMBER = 20
"""digits; a longer number is kept as the text that it surely was"""

_FORM_START = re.compile(r"[\w.%+-][\w.%+\-\[\]]*=")
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

decode_json = msgspec.json.Decoder().decode


def read_body(body: bytes, content_type: str) -> Tree:
    """`ValueError` when the bytes are neither JSON nor a form, `RecursionError` when they are nested too deep.

    What a sender says of its body is often wrong, so JSON is tried first, whatever the content type. The values hold no
    lone surrogate, and so can always be encoded again.
    """
    try:
        tree: Tree = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_unusual(_text(body), declared_form="form-urlencoded" in content_type.lower())
    return tree


def embedded(value: Tree) -> Tree:
    """The object or list that a text holds as JSON; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        tree: Tree = decode_json(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return tree


def _text(body: bytes) -> str:
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _read_unusual(text: str, *, declared_form: bool) -> Tree:
    """What the strict decoder refuses: a byte order mark, UTF-16, NaN, lone surrogates, endless numbers, line breaks
    inside a text (a flow's author pastes the customer's words between quotes); and forms."""
    try:
        return _sound(
            json.loads(text.removeprefix("\ufeff"), strict=False, parse_constant=lambda _: None, parse_int=_number)
        )
    except json.JSONDecodeError:
        if not declared_form and not _FORM_START.match(text):
            raise
    return _read_form(text)


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _sound(tree: Any) -> Tree:
    match tree:
        case str():
            return _LONE_SURROGATE.sub("\ufffd", tree)
        case dict():
            return {_LONE_SURROGATE.sub("\ufffd", key): _sound(value) for key, value in tree.items()}
        case list():
            return [_sound(value) for value in tree]
        case _:
            scalar: Tree = tree
            return scalar


def _read_form(text: str) -> Tree:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except UnicodeDecodeError:
        pairs = parse_qsl(text, keep_blank_values=True, encoding="cp1252", errors="replace")
    if not pairs:
        raise ValueError("an empty form")
    if len(pairs) == 1 and isinstance(payload := embedded(pairs[0][1]), dict):
        return payload
    root: dict[str, Tree] = {}
    for key, value in pairs:
        _put(root, key, value)
    return {key: _listed(value) for key, value in root.items()}


def _put(root: dict[str, Tree], key: str, value: str) -> None:
    """Brackets nest, as PHP writes them: `messages[notifyApp][0][event]=…`, `fields[]=…`."""
    name, bracket, _ = key.partition("[")
    *path, last = [name, *_BRACKETED.findall(bracket + key[len(name) + 1 :])][:MAX_FORM_DEPTH]
    node = root
    for part in path:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            return
        node = child
    node[last or str(len(node))] = value


def _listed(tree: Tree) -> Tree:
    if not isinstance(tree, dict):
        return tree
    if all(key.isdecimal() for key in tree):
        return [_listed(value) for value in tree.values()]
    return {key: _listed(value) for key, value in tree.items()}

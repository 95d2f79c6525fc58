"""Lists that no source tells of: they are asked for, and done without. Whatever is not surely a list is none."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from domain.identifiers import Personal

PAGE, PAGES_MAX = 20, 25
"""Huggy gives lists in pages of twenty, the first of which is number 0"""
_NAMES = ("name", "title", "label")
_NAME_MAX = 120


class NoList(Exception):
    """What came back is no list of things with an id."""


class Listed(Personal, frozen=True, kw_only=True):
    safe = ("id",)

    id: str
    name: str
    """empty where none was told"""


async def read_all(ask: Callable[[int], Awaitable[bytes]]) -> Sequence[Listed]:
    """Each once, in their order; `ask` brings the page of that number."""
    found: dict[str, Listed] = {}
    for page in range(PAGES_MAX):
        listed = read_page(await ask(page))
        new = {each.id: each for each in listed if each.id not in found}
        found |= new
        if len(listed) < PAGE or not new:  # an API that knows no pages gives the same list again
            break
    return tuple(found.values())


def read_page(body: bytes) -> Sequence[Listed]:
    try:
        answer: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoList from None
    listed = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        raise NoList
    return [_item(each) for each in listed]


def _item(item: Any) -> Listed:
    id_ = item.get("id") if isinstance(item, dict) else None
    if isinstance(id_, bool) or not isinstance(id_, int | str) or not str(id_).strip():
        raise NoList
    names = (item.get(key) for key in _NAMES)
    name = next((name.strip() for name in names if isinstance(name, str) and name.strip()), "")
    return Listed(id=str(id_).strip(), name=name[:_NAME_MAX])

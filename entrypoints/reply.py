"""What a command says: the same facts as one JSON object or as short lines for people, and the ways it may refuse."""

from collections.abc import Mapping

from msgspec import Struct


class Reply(Struct, frozen=True, kw_only=True):
    facts: Mapping[str, object]
    """printed as one JSON object with `--json`"""
    lines: tuple[str, ...]
    """printed otherwise, in Portuguese"""
    ok: bool = True
    """False: the command did its work and the news is bad; exit 1"""


class CommandFailed(Exception):
    """The command could not do it; the text says why and what to do, in Portuguese. Exit 1."""


class WrongUsage(Exception):
    """The command was asked for something that there is not; the text says what there is. Exit 2."""

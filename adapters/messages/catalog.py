"""Every sentence that a customer or an agent can read in a chat, by key; the words stand in `pt_BR.toml`."""

import tomllib
from importlib.resources import files

from domain.action import Message


class Catalog:
    """Sentences with `{placeholders}`; `{lines}` takes the message's own lines, one below the other."""

    def __init__(self, sentences: dict[str, str]) -> None:
        self._sentences = sentences

    def render(self, message: Message) -> str:
        """The words of a message. Values go in as they are: they are never read as templates themselves."""
        lines = "\n".join(self.render(line) for line in message.lines)
        text = self._sentences[message.key].format_map({**message.values, "lines": lines})
        return "\n".join(line.rstrip() for line in text.splitlines()).strip()

    def keys(self) -> frozenset[str]:
        return frozenset(self._sentences)


def read_catalog() -> Catalog:
    text = files(__package__).joinpath("pt_BR.toml").read_text(encoding="utf-8")
    return Catalog(dict(_flatten(tomllib.loads(text))))


def _flatten(table: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            found += _flatten(value, f"{key}.")
        else:
            found.append((key, str(value)))
    return found

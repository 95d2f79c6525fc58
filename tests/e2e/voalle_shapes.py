"""The spellings in which Voalle's answers are found, and those in which they might come: the product must live with all.

The documents show ids now as numbers and now as strings, dates in three formats, lists bare or wrapped, `messages` of
four types. A `Style` chooses one of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal

DateStyle = Literal["date", "date_time", "brazilian"]
Wrap = Literal["list", "data", "billets", "single"]


@dataclass(frozen=True, kw_only=True)
class Style:
    text_ids: bool = False
    dates: DateStyle = "date_time"
    wrap: Wrap = "list"
    camel_clients: bool = False
    snake_bills: bool = False
    not_found: Literal["empty", "missing", "null"] = "empty"
    outage_at: Literal["answer", "client", "contract"] = "client"
    messages: Any = None
    padded: bool = False
    """white space around the body"""

    def id(self, number: int) -> int | str:
        return str(number) if self.text_ids else number

    def date(self, day: date) -> str:
        match self.dates:
            case "date":
                return day.isoformat()
            case "date_time":
                return datetime.combine(day, time()).isoformat()
            case "brazilian":
                return f"{day:%d/%m/%Y}"

    def instant(self, at: datetime) -> str:
        naive = at.replace(tzinfo=None, microsecond=0)
        return f"{naive:%d/%m/%Y %H:%M:%S}" if self.dates == "brazilian" else naive.isoformat()

    def wrapped(self, items: list[dict[str, Any]]) -> Any:
        match self.wrap:
            case "list":
                return items
            case "data" | "billets" as key:
                return {key: items}
            case "single":
                return items[0] if len(items) == 1 else items


PLAIN = Style()


def camel(value: Any) -> Any:
    """The same answer with its keys in camelCase."""
    match value:
        case Mapping():
            return {_camel_key(key): camel(inner) for key, inner in value.items()}
        case list():
            return [camel(inner) for inner in value]
        case _:
            return value


def _camel_key(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)

"""What somebody asks of the list of events: read from an address, and written into one.

An address never holds a document: that travels sealed, and for a while only.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from application.history import EventRow, Filters, Group
from domain.identifiers import Personal, Secret
from entrypoints.http.console.words import KINDS, OUTCOMES

PERIODS = MappingProxyType(
    {"hoje": "Hoje", "24h": "Últimas 24 horas", "7d": "Últimos 7 dias", "30d": "Últimos 30 dias"}
)
RESULTS = MappingProxyType({"falhou": "Falhou", "certo": "Sem falha", "andamento": "Em andamento"})
_GROUPS = MappingProxyType({"falhou": Group.FAILED, "certo": Group.OK, "andamento": Group.WAITING})
_SPANS = MappingProxyType({"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)})
LONGEST = 100
"""characters of what may be typed or stand in an address"""


class Asked(Personal, frozen=True, kw_only=True):
    """Empty: not asked for."""

    safe: ClassVar[tuple[str, ...]] = ("period", "result", "kind", "outcome", "cause")

    period: str = ""
    result: str = ""
    kind: str = ""
    outcome: str = ""
    cause: str = ""
    chat: str = ""
    protocol: str = ""
    ending: str = ""
    """the last two digits of a document"""
    document: Secret | None = None
    sealed: str = ""
    """the document as it travels"""

    @property
    def is_narrowed(self) -> bool:
        return self != Asked()

    def filters(self, now: datetime, zone: str) -> Filters:
        return Filters(
            since=_since(self.period, now, ZoneInfo(zone)),
            group=_GROUPS.get(self.result, Group.ALL),
            kind=self.kind,
            outcome=self.outcome,
            cause=self.cause,
            chat_id=self.chat,
            protocol=self.protocol,
            document=self.document.reveal() if self.document else self.ending,
        )

    def query(self, **more: str) -> str:
        """For an address, with `?`; empty when there is nothing to say."""
        asked = {
            "periodo": self.period,
            "resultado": self.result,
            "pedido": self.kind,
            "desfecho": self.outcome,
            "causa": self.cause,
            "chat": self.chat,
            "protocolo": self.protocol,
            "final": self.ending,
            "documento": self.sealed,
            **more,
        }
        written = urlencode({name: value for name, value in asked.items() if value})
        return f"?{written}" if written else ""

    def fits(self, row: EventRow) -> bool:
        """Whether an event that just happened belongs into this list, its period aside; a whole document is never
        told from a row."""
        return (
            self.document is None
            and _in_group(row, _GROUPS.get(self.result, Group.ALL))
            and all(
                not wanted or wanted == is_
                for wanted, is_ in (
                    (self.kind, row.kind),
                    (self.outcome, row.outcome),
                    (self.cause, row.cause),
                    (self.chat, row.chat_id),
                    (self.protocol, row.protocol),
                    (self.ending, (row.document or "")[-2:]),
                )
            )
        )


def read_asked(parameters: Mapping[str, str], document: Secret | None = None) -> Asked:
    """What is not understood is not asked for. `document` is what `documento` holds, opened."""

    def one_of(name: str, known: Mapping[str, object]) -> str:
        value = parameters.get(name, "")
        return value if value in known else ""

    def text(name: str) -> str:
        return parameters.get(name, "").strip()[:LONGEST]

    return Asked(
        period=one_of("periodo", PERIODS),
        result=one_of("resultado", RESULTS),
        kind=one_of("pedido", KINDS),
        outcome=one_of("desfecho", OUTCOMES),
        cause=text("causa"),
        chat=text("chat"),
        protocol=text("protocolo"),
        ending=text("final")[:2],
        document=document,
        sealed=parameters.get("documento", "") if document else "",
    )


def _since(period: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    if period == "hoje":
        return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return now - _SPANS[period] if period in _SPANS else None


def _in_group(row: EventRow, group: Group) -> bool:
    match group:
        case Group.FAILED:
            return row.cause is not None
        case Group.OK:
            return row.cause is None and row.finished_at is not None
        case Group.WAITING:
            return row.waiting
        case Group.ALL:
            return True

"""Mass outages ("Rede Off"): what is known of one, and which of them explains a contract."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.identifiers import ContractId, ProtocolNumber


class Outage(Struct, frozen=True, kw_only=True):
    """A failure that reaches many customers. Nothing in it is invented: what the source did not tell is None."""

    id: str
    """the same outage has the same id at every look; it names the outage, not the customer"""
    contracts: frozenset[ContractId] | None = None
    """the contracts that it reaches, as ids; None: all contracts of the customer it was reported for"""
    predicted_at: datetime | None = None
    """when service is expected back, with its zone; one that has passed is kept as it was told"""
    protocol: ProtocolNumber | None = None
    cause: str = ""
    """in words for the customer; empty: not told"""
    access_point: str = ""
    """the equipment that failed, by name; empty: not told"""

    def reaches(self, contract: ContractId) -> bool:
        return self.contracts is None or contract in self.contracts


class Reported(Struct, frozen=True, kw_only=True):
    """What an ERP tells of the outages of one customer, as far as it tells."""

    outages: tuple[Outage, ...] = ()
    unaffected: frozenset[ContractId] = frozenset()
    """the contracts that surely no outage reaches, as the ERP said just now; of all others nothing is known"""
    access_points: Mapping[ContractId, str] = {}
    """the equipment that serves a contract, where the ERP told it"""


def affecting(outages: Sequence[Outage], contracts: Collection[ContractId], *, now: datetime) -> tuple[Outage, ...]:
    """The outages that reach any of these contracts, each once; the earliest prediction that has not passed first."""
    reached = {
        outage.id: outage
        for outage in outages
        if outage.contracts is None or not outage.contracts.isdisjoint(contracts)
    }

    def order(outage: Outage) -> tuple[bool, datetime, str]:
        at = outage.predicted_at
        return at is None or at <= now, at or _LAST, outage.id

    return tuple(sorted(reached.values(), key=order))


def tell(template: str, outage: Outage, *, now: datetime, zone: ZoneInfo) -> str:
    """The provider's outage message with `{{resolution_time_hour}}`, `{{protocol}}` and `{{cause}}` filled in.

    A prediction that has passed is not told as a promise, an unknown one is said to be unknown. A sentence that needs
    a protocol or a cause which nobody gave is left out: nothing is invented. Values are never read as templates.
    """
    values = {
        "resolution_time_hour": spoken_prediction(outage.predicted_at, now=now, zone=zone),
        "protocol": outage.protocol or "",
        "cause": outage.cause.strip().rstrip("."),
    }
    sentences = [sentence for sentence in _SENTENCE.findall(template) if _is_whole(sentence, values)]
    return _VARIABLE.sub(lambda variable: values[variable[1]], "".join(sentences)).strip()


def spoken_prediction(predicted_at: datetime | None, *, now: datetime, zone: ZoneInfo) -> str:
    """`18h`, `18h30`, `amanhã (24/11), às 00h30`, `25/11, às 14h`, or that there is none."""
    if predicted_at is None:
        return "ainda sem previsão"
    if predicted_at <= now:
        return "nova previsão em análise"
    at, today = predicted_at.astimezone(zone), now.astimezone(zone).date()
    hour = f"{at:%Hh%M}".removesuffix("00")
    if at.date() == today:
        return hour
    if at.date() == today + timedelta(days=1):
        return f"amanhã ({at:%d/%m}), às {hour}"
    return f"{at:%d/%m}, às {hour}"


def _is_whole(sentence: str, values: Mapping[str, str]) -> bool:
    return all(values[variable] for variable in _VARIABLE.findall(sentence))


_VARIABLE = re.compile(r"\{\{\s*(resolution_time_hour|protocol|cause)\s*\}\}")
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?\n]+|$)")
_LAST = datetime.max.replace(tzinfo=UTC)

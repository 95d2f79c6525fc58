"""Mass outages ("Rede Off"): what is known of one, and which of them explains a contract."""

import re
from collections.abc import Collection, Sequence
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
    """when service is expected back, with its zone"""
    protocol: ProtocolNumber | None = None
    cause: str = ""


def affecting(outages: Sequence[Outage], contracts: Collection[ContractId]) -> tuple[Outage, ...]:
    """The outages that reach any of these contracts, each once; the earliest prediction first, unknown ones last."""
    reached = {
        outage.id: outage
        for outage in outages
        if outage.contracts is None or not outage.contracts.isdisjoint(contracts)
    }
    return tuple(sorted(reached.values(), key=lambda outage: (outage.predicted_at or _LAST, outage.id)))


def tell(template: str, outage: Outage, *, now: datetime, zone: ZoneInfo) -> str:
    """The provider's outage message with `{{resolution_time_hour}}` and `{{protocol}}` filled in.

    A prediction that has passed is not told as a promise, an unknown one is said to be unknown. A sentence that needs
    a protocol which nobody gave is left out: no protocol is invented.
    """
    protocol, hour = outage.protocol, spoken_prediction(outage.predicted_at, now=now, zone=zone)
    text = _PROTOCOL.sub(lambda _: protocol, template) if protocol else _without_sentences_on(_PROTOCOL, template)
    return _HOUR.sub(lambda _: hour, text).strip()


def spoken_prediction(predicted_at: datetime | None, *, now: datetime, zone: ZoneInfo) -> str:
    """`18h`, `18h30`, `amanhã (24/11), às 00h30`, `25/11, às 14h`, or that there is none."""
    if predicted_at is None:
        return "ainda sem previsão"
    if predicted_at <= now:
        return "nova previsão em análise"
    at, today = predicted_at.astimezone(zone), now.astimezone(zone).date()
    hour = f"{at:%Hh%M}".removesuffix("00") if at.minute == 0 else f"{at:%Hh%M}"
    if at.date() == today:
        return hour
    if at.date() == today + timedelta(days=1):
        return f"amanhã ({at:%d/%m}), às {hour}"
    return f"{at:%d/%m}, às {hour}"


def _without_sentences_on(variable: re.Pattern[str], template: str) -> str:
    sentences = re.findall(r"[^.!?\n]*(?:[.!?\n]+|$)", template)
    return "".join(sentence for sentence in sentences if not variable.search(sentence))


_HOUR = re.compile(r"\{\{\s*resolution_time_hour\s*\}\}")
_PROTOCOL = re.compile(r"\{\{\s*protocol\s*\}\}")
_LAST = datetime.max.replace(tzinfo=UTC)

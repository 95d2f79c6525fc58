"""An outage as people and systems write it, by command, API or form, read in one way; and how it is shown to them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct

from application.declare_outage import Correction, Declaration, WhyNot
from application.outage_ports import Told
from domain.identifiers import ProtocolNumber
from domain.installation import Installation
from domain.outage import spoken_prediction
from domain.outage_scope import DeclaredOutage, Reach, Scope, Source
from domain.outage_words import said_moment, said_scope

NAMES_MAX, NAME_MAX, CAUSE_MAX, PROTOCOL_MAX = 500, 120, 200, 60
HORIZON = timedelta(days=30)
WRAPS_WITHIN = timedelta(hours=12)
"""an hour that has passed today means tomorrow's when that is so near"""

_REACHES = {
    "all": Reach.ALL,
    "todos": Reach.ALL,
    "tudo": Reach.ALL,
    "city": Reach.CITY,
    "cidade": Reach.CITY,
    "district": Reach.DISTRICT,
    "bairro": Reach.DISTRICT,
    "access-point": Reach.ACCESS_POINT,
    "access_point": Reach.ACCESS_POINT,
    "ponto-de-acesso": Reach.ACCESS_POINT,
    "contracts": Reach.CONTRACTS,
    "contratos": Reach.CONTRACTS,
}
_WRITTEN = {Reach.ACCESS_POINT: "access-point"}
_SCOPE_ADVICE = (
    "use all, city=Nome, district=Nome, access-point=Nome ou contracts=1,2 (vários nomes, separados por vírgula)"
)
_MOMENT_ADVICE = 'use "18:30", "24/11 02:00" ou uma data ISO como 2026-11-24T02:00'
_NO_MOMENT = frozenset({"", "-", "sem previsão", "sem previsao"})

_HOUR = re.compile(r"(\d{1,2})(?:[:hH](\d{2})?)", re.ASCII)
_DAY_AND_HOUR = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?[ ,]+(?:às |as )?(\d{1,2})[:hH](\d{2})?", re.ASCII)

REFUSALS = {
    WhyNot.UNKNOWN: "não existe essa falha; veja a lista",
    WhyNot.ENDED: "essa falha já foi encerrada; abra outra",
    WhyNot.TOLD_BY_ERP: "quem informa essa falha é o ERP: corrija por lá; por aqui só dá para encerrar",
    WhyNot.TOO_MANY: "há falhas demais abertas ou encerradas há pouco; junte várias numa só, por bairro ou cidade",
}


class OutageChange(StrEnum):
    """What somebody did to an outage, as the installation's history of changes tells it."""

    OPENED = "Abriu uma falha massiva"
    CORRECTED = "Corrigiu uma falha massiva"
    CLOSED = "Encerrou uma falha massiva"


class WrongOutage(ValueError):
    """`field` is what was written wrong; the text says what it may be, in Portuguese."""

    def __init__(self, field: str, advice: str) -> None:
        super().__init__(f"{field}: {advice}")
        self.field = field


class OutageForm(Struct, frozen=True, kw_only=True):
    """What was written; None: nothing. Empty: it is to be taken away."""

    scope: str | None = None
    predicted: str | None = None
    cause: str | None = None
    protocol: str | None = None
    expires: str | None = None


def read_declaration(form: OutageForm, *, now: datetime, zone: ZoneInfo) -> Declaration:
    """`WrongOutage` for the first field that can't be understood."""
    if form.scope is None:
        raise WrongOutage("scope", f"diga o que a falha atinge: {_SCOPE_ADVICE}")
    return Declaration(
        scope=read_scope(form.scope),
        cause=_read_cause(form.cause or ""),
        predicted_at=read_moment("predicted", form.predicted or "", now=now, zone=zone),
        protocol=_read_protocol(form.protocol or ""),
        expires_at=read_moment("expires", form.expires or "", now=now, zone=zone),
    )


def read_correction(form: OutageForm, *, now: datetime, zone: ZoneInfo) -> Correction:
    """`WrongOutage` for the first field that can't be understood."""
    return Correction(
        scope=UNSET if form.scope is None else read_scope(form.scope),
        cause=UNSET if form.cause is None else _read_cause(form.cause),
        predicted_at=UNSET if form.predicted is None else read_moment("predicted", form.predicted, now=now, zone=zone),
        protocol=UNSET if form.protocol is None else _read_protocol(form.protocol),
        expires_at=read_moment("expires", form.expires or "", now=now, zone=zone),
    )


def read_scope(text: str) -> Scope:
    """`all`, `city=Contagem`, `contracts=20743,20801`, …; in Portuguese too."""
    kind, _, written = text.partition("=")
    reach = _REACHES.get(kind.strip().casefold())
    names = tuple(dict.fromkeys(name for name in (_one_line(each) for each in written.split(",")) if name))
    if reach is None or bool(names) is (reach is Reach.ALL):
        raise WrongOutage("scope", _SCOPE_ADVICE)
    if len(names) > NAMES_MAX or any(len(name) > NAME_MAX for name in names):
        raise WrongOutage("scope", f"no máximo {NAMES_MAX} nomes, de até {NAME_MAX} caracteres")
    return Scope(reach=reach, names=names)


def write_scope(scope: Scope) -> str:
    """As `read_scope` reads it."""
    kind = _WRITTEN.get(scope.reach, scope.reach.value)
    return f"{kind}={','.join(scope.names)}" if scope.names else kind


def read_moment(field: str, text: str, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """A moment ahead, in the installation's zone where none is written; None: none. An hour alone is the next such hour,
    which must be near: who writes one that has just passed most likely means it so."""
    written = " ".join(text.split())
    if written.casefold() in _NO_MOMENT:
        return None
    try:
        moment = _moment(field, written, now.astimezone(zone), zone)
    except (ValueError, OverflowError) as wrong:
        if isinstance(wrong, WrongOutage):
            raise
        raise WrongOutage(field, _MOMENT_ADVICE) from None
    if moment <= now:
        raise WrongOutage(field, f"{said_moment(moment, zone=zone)} já passou; informe um horário à frente")
    if moment - now > HORIZON:
        raise WrongOutage(field, f"no máximo {HORIZON.days} dias à frente")
    return moment


def _moment(field: str, written: str, local: datetime, zone: ZoneInfo) -> datetime:
    if hour := _HOUR.fullmatch(written):
        today = local.replace(hour=int(hour[1]), minute=int(hour[2] or 0), second=0, microsecond=0)
        if today > local:
            return today
        tomorrow = today + timedelta(days=1)
        if tomorrow - local > WRAPS_WITHIN:
            raise WrongOutage(
                field, f"{written} já passou hoje; se for amanhã, escreva {tomorrow:%d/%m} {tomorrow:%H:%M}"
            )
        return tomorrow
    if day := _DAY_AND_HOUR.fullmatch(written):
        at = datetime(int(day[3] or local.year), int(day[2]), int(day[1]), int(day[4]), int(day[5] or 0), tzinfo=zone)
        next_year = not day[3] and local - at > timedelta(days=180)
        return at.replace(year=at.year + 1) if next_year else at
    at = datetime.fromisoformat(written)
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _read_cause(text: str) -> str:
    cause = _one_line(text)
    if len(cause) > CAUSE_MAX or "{{" in cause:
        raise WrongOutage("cause", f"uma frase de até {CAUSE_MAX} caracteres, sem chaves")
    return cause


def _read_protocol(text: str) -> ProtocolNumber | None:
    protocol = _one_line(text)
    if len(protocol) > PROTOCOL_MAX or "{{" in protocol:
        raise WrongOutage("protocol", f"até {PROTOCOL_MAX} caracteres, sem chaves")
    return ProtocolNumber(protocol) if protocol else None


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def state_of(outage: DeclaredOutage, now: datetime) -> str:
    """`open`, `ended` or `expired`."""
    if outage.ended_at is not None and outage.ended_at <= now:
        return "ended"
    return "open" if outage.stands(now) else "expired"


def outage_facts(outage: DeclaredOutage, told: Told, *, now: datetime, zone: ZoneInfo) -> Mapping[str, object]:
    """As one JSON object; moments in the installation's zone."""

    def moment(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")

    return {
        "id": outage.id,
        "state": state_of(outage, now),
        "source": outage.source,
        "scope": write_scope(outage.scope),
        "cause": outage.cause,
        "predicted_at": moment(outage.predicted_at),
        "protocol": outage.protocol or None,
        "started_at": moment(outage.started_at),
        "expires_at": moment(outage.expires_at),
        "ended_at": moment(outage.ended_at),
        "chats_told": told.chats,
        "chats_closed": told.closed,
    }


def change_details(outage: DeclaredOutage) -> Mapping[str, str]:
    """What the history of changes tells of it: where it is, no contract by its number."""
    return {"atinge": said_scope(outage.scope)}


_STATES = {"open": "aberta", "ended": "encerrada", "expired": "vencida"}
_SOURCES = {Source.ADMIN: "informada aqui", Source.API: "informada pela API", Source.ERP: "informada pelo ERP"}


def outage_line(outage: DeclaredOutage, told: Told, *, now: datetime, zone: ZoneInfo) -> str:
    """For people, on one line."""
    state = state_of(outage, now)
    parts = [
        f"{outage.id}  {_STATES[state]}",
        said_scope(outage.scope),
        f"desde {said_moment(outage.started_at, zone=zone)}",
        *([f"previsão: {spoken_prediction(outage.predicted_at, now=now, zone=zone)}"] if state == "open" else []),
        *([f"protocolo {outage.protocol}"] if outage.protocol else []),
        *([f"vale até {said_moment(outage.expires_at, zone=zone)}"] if state == "open" else []),
        _SOURCES[outage.source],
        f"avisos: {told.chats}",
    ]
    return " · ".join(parts)


def zone_of(installation: Installation) -> ZoneInfo:
    return ZoneInfo(installation.policies.timezone)

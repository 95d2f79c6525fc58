"""Outages in words for the provider's people: no customer and no contract is named."""

from datetime import datetime, tzinfo

from domain.notice import News
from domain.outage_scope import DeclaredOutage, Reach, Scope

_ONE = {
    Reach.CITY: "na cidade {names}",
    Reach.DISTRICT: "no bairro {names}",
    Reach.ACCESS_POINT: "no ponto de acesso {names}",
}
_SEVERAL = {
    Reach.CITY: "nas cidades {names}",
    Reach.DISTRICT: "nos bairros {names}",
    Reach.ACCESS_POINT: "nos pontos de acesso {names}",
}
NAMES_SHOWN = 5


def said_scope(scope: Scope) -> str:
    """`em toda a rede`, `na cidade Contagem`, `nos bairros Centro e Vila Nova`, `em 3 contratos`."""
    count = len(scope.names)
    match scope.reach:
        case Reach.ALL:
            return "em toda a rede"
        case Reach.CONTRACTS:
            return "em 1 contrato" if count == 1 else f"em {count} contratos"
        case _:
            words = _ONE if count == 1 else _SEVERAL
            return words[scope.reach].format(names=_listed(scope.names))


def said_moment(moment: datetime, *, zone: tzinfo) -> str:
    """`24/11 às 02h30`."""
    return f"{moment.astimezone(zone):%d/%m às %Hh%M}"


def news_of_lapse(outage: DeclaredOutage, *, expired: bool, zone: tzinfo) -> News:
    """The question before it expires, and what has happened afterwards."""
    which = f"A falha {said_scope(outage.scope)}, aberta em {said_moment(outage.started_at, zone=zone)},"
    until = said_moment(outage.expires_at, zone=zone)
    if expired:
        return News(
            cause="outage.expired",
            subject="Rede Off: uma falha deixou de ser informada",
            paragraphs=(
                f"{which} venceu em {until} sem que ninguém a encerrasse. Os clientes não são mais avisados dela.",
                "Se ela continua, informe uma nova previsão no Ponte e os avisos voltam. Se acabou, está tudo certo.",
            ),
            page="rede-off",
        )
    return News(
        cause="outage.expiring",
        subject="Rede Off: esta falha continua?",
        paragraphs=(
            f"{which} deixa de ser informada aos clientes em {until}.",
            "Se ela continua, informe uma nova previsão no Ponte. Se já acabou, encerre-a: ninguém mais é avisado à toa.",
        ),
        page="rede-off",
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = names[:NAMES_SHOWN]
    if len(names) > NAMES_SHOWN:
        return f"{', '.join(shown)} e mais {len(names) - NAMES_SHOWN}"
    return " e ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""

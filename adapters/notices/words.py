"""Notices in Portuguese, for a provider's admin: short, warm, without personal data."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import assert_never
from zoneinfo import ZoneInfo

from application.notice_ports import Write
from domain.causes import advise
from domain.installation import Installation
from domain.notice import Digest, Letter, News, Notice, NoticeKind, PastProblem, ProblemNotice

SUBJECT_MAX = 150

OUTCOMES = {
    "customer.found": "Clientes encontrados",
    "customer.in_outage": "Clientes em falha massiva",
    "customer.not_found": "Clientes não encontrados",
    "contract.unclear": "Contratos a escolher",
    "boleto.issued": "Boletos enviados",
    "boleto.none_open": "Sem boleto em aberto",
    "unblock.granted": "Desbloqueios liberados",
    "unblock.denied": "Desbloqueios negados",
    "ticket.opened": "Chamados abertos",
    "ticket.already_open": "Chamados que já estavam abertos",
    "ticket.outage_explains": "Chamados dispensados por falha massiva",
    "ticket.refused": "Chamados não abertos",
    "not_offered": "Operações que o ERP não oferece",
    "paused": "Recebidos durante uma pausa",
    "shadowed": "Só observados (modo sombra)",
    "failed": "Falhas, com o flow auxiliar",
}


def letters(public_url: str) -> Write:
    """`public_url`: where the console is, without a slash at the end."""

    def write(notice: Notice, installation: Installation) -> Letter:
        subject, paragraphs = _words(notice, ZoneInfo(installation.policies.timezone))
        page = notice.page if isinstance(notice, News) else "problemas"
        text = (
            "Olá!",
            *paragraphs,
            f"Veja mais em:\n{public_url}/i/{installation.id}/{page}",
            f"Um abraço,\nPonte\n\nVocê recebe este aviso porque o seu e-mail está na configuração de {_name(installation)}.",
        )
        return Letter(
            recipient=installation.email.strip(),
            subject=_one_line(f"{_name(installation)}: {subject}")[:SUBJECT_MAX],
            text="\n\n".join(text) + "\n",
        )

    return write


def _words(notice: Notice, zone: tzinfo) -> tuple[str, tuple[str, ...]]:
    match notice:
        case ProblemNotice():
            return _of_problem(notice, zone)
        case Digest():
            return f"o dia {notice.day:%d/%m/%Y} no Ponte", tuple(_of_day(notice))
        case News():
            return notice.subject, notice.paragraphs
        case _:
            assert_never(notice)


def _of_problem(notice: ProblemNotice, zone: tzinfo) -> tuple[str, tuple[str, ...]]:
    advice = advise(notice.cause)
    title = advice.title[0].lower() + advice.title[1:]
    first, last = _moment(notice.first_at, zone), _moment(notice.last_at, zone)
    if notice.kind is NoticeKind.OVER:
        return f"resolvido – {title}", (
            f"Boa notícia: este problema parou de acontecer.\n\n{advice.title}.",
            f"Começou: {first}\nÚltima vez: {last}\nOcorrências: {_figure(notice.occurrences)}",
        )
    goes_on = notice.kind is NoticeKind.STILL
    return f"continua – {title}" if goes_on else title, (
        f"{'Um problema continua acontecendo.' if goes_on else 'Percebemos um problema.'}\n\n{advice.title}.",
        f"Desde: {first}\nÚltima vez: {last}\nOcorrências até agora: {_figure(notice.occurrences)}",
        f"O que fazer: {advice.what_to_do}",
        "Se continuar, avisamos de novo de tempos em tempos; quando passar, também.",
    )


def _of_day(digest: Digest) -> Iterable[str]:
    yield f"Este é o resumo de {digest.day:%d/%m/%Y}."
    counted = [f"- {OUTCOMES.get(tag, 'Outros')}: {_figure(count)}" for tag, count in _in_order(digest)]
    if digest.unfinished:
        counted.append(f"- Ainda sem conclusão: {_figure(digest.unfinished)}")
    yield "\n".join(("Pedidos do dia:", *counted)) if counted else "Nenhum pedido chegou nesse dia."
    if digest.problems:
        yield "\n".join(("Problemas:", *map(_past_problem, digest.problems)))
    else:
        yield "Nenhum problema. Que bom!"


def _in_order(digest: Digest) -> list[tuple[str, int]]:
    places = {tag: place for place, tag in enumerate(OUTCOMES)}
    return sorted(digest.outcomes.items(), key=lambda outcome: (places.get(outcome[0], len(places)), outcome[0]))


def _past_problem(problem: PastProblem) -> str:
    times = "1 vez" if problem.occurrences == 1 else f"{_figure(problem.occurrences)} vezes"
    return f"- {advise(problem.cause).title} ({times}; {'continua' if problem.goes_on else 'resolvido'})"


def _name(installation: Installation) -> str:
    return _one_line(installation.name) or f"empresa {_one_line(installation.company_id)}"


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _moment(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%d/%m/%Y às %H:%M}"


def _figure(number: int) -> str:
    return f"{number:,}".replace(",", ".")

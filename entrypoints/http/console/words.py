"""What things are called for people who are no programmers: outcomes, kinds of request, endings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Word(NamedTuple):
    """`tone` picks colour and sign together: good, calm, warn, bad."""

    text: str
    tone: str = "calm"


KINDS = MappingProxyType(
    {
        "customer_lookup": "Consultar cliente",
        "boleto_requested": "2ª via de boleto",
        "unblock_requested": "Desbloqueio por confiança",
        "ticket_requested": "Abrir solicitação",
        "outage_asked": "Falha massiva",
    }
)

OUTCOMES: Mapping[str, Word] = MappingProxyType(
    {
        "customer.found": Word("Cliente encontrado", "good"),
        "customer.in_outage": Word("Cliente em falha massiva", "warn"),
        "customer.not_found": Word("Cliente não encontrado"),
        "contract.unclear": Word("Contrato a escolher"),
        "boleto.issued": Word("Boleto enviado", "good"),
        "boleto.none_open": Word("Sem boleto em aberto"),
        "unblock.granted": Word("Desbloqueio liberado", "good"),
        "unblock.denied": Word("Desbloqueio negado"),
        "ticket.opened": Word("Chamado aberto", "good"),
        "ticket.already_open": Word("Já havia chamado aberto"),
        "ticket.outage_explains": Word("Chamado dispensado: falha massiva", "warn"),
        "ticket.refused": Word("Chamado não aberto"),
        "not_offered": Word("O ERP não oferece isso", "bad"),
        "paused": Word("Pausado", "warn"),
        "shadowed": Word("Modo sombra: não gravado", "warn"),
        "failed": Word("Falhou: flow auxiliar", "bad"),
    }
)

ENDINGS = MappingProxyType(
    {
        "chat.close": "Atendimento encerrado",
        "agent.keep": "Ficou com o atendente",
        "chat.closed": "O chat já estava encerrado",
        "chat.no_flow": "Nenhum flow começou",
        "chat.given_up": "Desistiu: um dia sem a Huggy",
        "chat.in_doubt": "Sem confirmação da Huggy",
        "chat.shadow": "Modo sombra: nada foi feito no chat",
    }
)

WORDS = MappingProxyType({"kinds": KINDS, "outcomes": OUTCOMES, "endings": ENDINGS})

"""What happened, in words for a provider's admin: endings, steps, and why an outcome came about."""

from types import MappingProxyType
from typing import assert_never

from domain.causes import advise
from domain.notice import NoticeKind
from domain.outcome import (
    BoletosIssued,
    ContractUnclear,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NoOpenBoleto,
    NotOffered,
    Outcome,
    Paused,
    Shadowed,
    TicketAlreadyOpen,
    TicketNotNeeded,
    TicketOpened,
    TicketRefused,
    UnblockDenied,
    UnblockGranted,
    WhyNotFound,
    WhyNoTicket,
)
from domain.readiness import FLOW_NAMES
from domain.trail import OK, SHARED
from domain.trust_unblock import UnblockRefusal
from entrypoints.http.console.words import ENDINGS, KINDS, OUTCOMES, Word

FLOWS = MappingProxyType({key.value: name for key, name in FLOW_NAMES.items()})
GIVEN_UP = "given_up"
IN_SHADOW = "Em modo sombra o Ponte só calcula: nada foi escrito no chat e nenhum flow começou, nem o auxiliar."

_STEPS = MappingProxyType(
    {
        "erp.client_validate": "Consultar o cliente",
        "erp.people": "Buscar o cadastro",
        "erp.contracts": "Listar os contratos",
        "erp.titles": "Listar as faturas em aberto",
        "erp.contract_billets": "Listar as faturas do contrato",
        "erp.billets": "Buscar os boletos do contrato",
        "erp.link": "Buscar o link do boleto",
        "erp.pdf": "Baixar o PDF do boleto",
        "erp.unblock": "Pedir o desbloqueio",
        "erp.open_solicitation": "Abrir a solicitação",
        "erp.solicitation_list": "Listar as solicitações",
        "erp.access_point": "Ver o ponto de acesso",
        "erp.token": "Obter o acesso ao ERP",
        "huggy.look": "Ver como está o chat",
        "huggy.say": "Enviar mensagem",
        "huggy.say.code": "Enviar código",
        "huggy.send.file": "Enviar arquivo",
        "huggy.note": "Deixar nota interna",
        "huggy.flow.start": "Iniciar o flow",
        "huggy.chat.close": "Encerrar o atendimento",
        "put_off": "Adiado: tenta de novo sozinho",
    }
)

WHY_NOT_FOUND = MappingProxyType(
    {
        WhyNotFound.DOCUMENT_MISSING: "O CPF ou CNPJ não chegou. Confira se o campo do flow usa a variável da pergunta.",
        WhyNotFound.DOCUMENT_INVALID: "O que foi digitado não é um CPF ou CNPJ válido.",
        WhyNotFound.SEVERAL_DOCUMENTS: "Foi digitado mais de um documento, e não dá para saber qual vale.",
        WhyNotFound.NOT_IN_ERP: "O ERP respondeu que não há cadastro com esse documento.",
        WhyNotFound.IDENTITY_UNSURE: "Há cadastro, mas o telefone do chat não consta nele: a identidade não ficou certa.",
    }
)
WHY_NOT_UNBLOCKED = MappingProxyType(
    {
        UnblockRefusal.NOT_BLOCKED: "O contrato não está bloqueado por falta de pagamento.",
        UnblockRefusal.BLOCKED_BY_PROVIDER: "O contrato tem um bloqueio que só a equipe pode retirar.",
        UnblockRefusal.CANCELLED: "O contrato está cancelado.",
        UnblockRefusal.SUSPENDED: "O contrato está suspenso.",
        UnblockRefusal.ALREADY_USED: "O desbloqueio de confiança deste contrato já foi usado.",
        UnblockRefusal.REFUSED_BY_ERP: "O ERP negou, e não disse um motivo que conhecemos.",
    }
)
WHY_NO_TICKET = MappingProxyType(
    {
        WhyNoTicket.DESCRIPTION_MISSING: "A descrição não chegou. Confira se o campo do flow usa a variável da pergunta.",
        WhyNoTicket.REFUSED_BY_ERP: "O ERP não aceitou abrir a solicitação.",
    }
)
NOTICE_KINDS = MappingProxyType(
    {
        NoticeKind.PROBLEM: Word("Problema", "bad"),
        NoticeKind.STILL: Word("Continua", "warn"),
        NoticeKind.OVER: Word("Resolvido", "good"),
        NoticeKind.DIGEST: Word("Resumo do dia"),
        NoticeKind.NEWS: Word("Novidade"),
    }
)
NOT_UNDERSTOOD = MappingProxyType(
    {
        "event_unknown": "O nome do evento não é nenhum dos que o Ponte conhece.",
        "event_missing": "O nome do evento não chegou.",
        "chat_missing": "O número do chat não chegou.",
        "not_an_object": "O conteúdo não tem campos.",
        "other_company": "O evento é de outra empresa da Huggy.",
        "event_not_used": "O Ponte não usa este evento.",
    }
)
_OPERATIONS = MappingProxyType(
    {
        "customer": "consultar cliente",
        "boleto": "2ª via de boleto",
        "pdf": "PDF do boleto",
        "unblock": "desbloqueio",
        "ticket": "abrir solicitação",
        "open_tickets": "listar solicitações",
        "outage": "falha massiva",
    }
)


def ending_words(flow: str | None, *, by_flow: bool = False) -> str:
    """How the chat's turn ended. `by_flow`: a flow asked and waited, and nothing was started."""
    if flow is None:
        return ""
    words = FLOWS.get(flow) or ENDINGS.get(flow, flow)
    return f"resposta: {words}" if by_flow else words


def kind_words(kind: str) -> str:
    return KINDS.get(kind, kind)


def step_words(what: str) -> str:
    """Total: a step that nobody named is told by its own name."""
    if what.startswith("decision."):
        outcome = OUTCOMES.get(what.removeprefix("decision."))
        return f"Decisão: {outcome.text if outcome else what}"
    if what.startswith("ended."):
        return f"Fim: {ending_words(what.removeprefix('ended.'))}"
    return _STEPS.get(what, what)


def step_end(ended: str) -> Word:
    if ended == OK:
        return Word("Certo", "good")
    if ended == SHARED:
        return Word("Aproveitou a resposta de uma consulta igual")
    if ended == GIVEN_UP:
        return Word("Interrompido: o prazo acabou", "warn")
    return Word(advise(ended).title, "bad")


def why(outcome: Outcome) -> tuple[str, ...]:
    """Sentences without personal data; empty where the outcome's name says it all."""
    match outcome:
        case CustomerFound(contracts=contracts) | CustomerInOutage(contracts=contracts, protocol=None):
            return (_contracts(len(contracts)),)
        case CustomerInOutage(contracts=contracts, protocol=protocol):
            return (_contracts(len(contracts)), f"Protocolo da falha massiva: {protocol}.")
        case CustomerNotFound(why=reason):
            return (WHY_NOT_FOUND[reason], "O cliente lê as mesmas palavras em todos estes casos.")
        case ContractUnclear(contracts=contracts):
            return (f"{_contracts(len(contracts))} A resposta não disse qual, e a lista foi mostrada de novo.",)
        case BoletosIssued():
            return tuple(_of_boletos(outcome))
        case UnblockDenied(reason=refusal):
            return (WHY_NOT_UNBLOCKED[refusal],)
        case TicketRefused(reason=no_ticket):
            return (WHY_NO_TICKET[no_ticket],)
        case TicketOpened(protocol=protocol) | TicketAlreadyOpen(protocol=protocol):
            return (f"Protocolo: {protocol}.",)
        case UnblockGranted(protocol=granted):
            return (f"Protocolo: {granted}.",) if granted else ()
        case TicketNotNeeded():
            return ("Há uma falha massiva que explica o pedido: um chamado a mais só a esconderia.",)
        case NotOffered(operation=operation):
            return (f"Pedido: {_operation(operation)}.", advise("erp.not_offered").what_to_do)
        case Paused():
            return ("O atendimento, ou este tipo de pedido, está pausado: o ERP não foi consultado.",)
        case Shadowed(operation=operation):
            return (f"Em modo sombra: aqui o Ponte pediria ao ERP: {_operation(operation)}.",)
        case Failed(cause=cause, write_in_doubt=in_doubt):
            advice = advise(cause)
            doubt = ("Não sabemos se o ERP registrou o pedido: confira lá antes de repetir.",) if in_doubt else ()
            return (f"{advice.title}.", *doubt, advice.what_to_do)
        case NoOpenBoleto():
            return ()
        case _:
            assert_never(outcome)


def why_in_doubt(cause: str | None, *, closes: bool) -> tuple[str, ...]:
    """Of a chat whose end Huggy did not confirm: what nobody knows, why, and what to do. `closes`: it was to be closed.

    What helps against the cause in general is left out: this chat does not go on by itself.
    """
    why_so = () if cause in {None, "huggy.flow_in_doubt"} else (f"{advise(str(cause)).title}.",)
    if closes:
        return (
            "Não sabemos se o atendimento foi encerrado: a confirmação da Huggy não chegou.",
            *why_so,
            "Abra a conversa na Huggy e, se ela ainda estiver aberta, encerre-a por lá.",
        )
    return (
        "Não sabemos se o flow começou: a confirmação da Huggy não chegou.",
        *why_so,
        "O Ponte não o inicia outra vez, para o cliente não ser atendido em dobro.",
        "Abra a conversa na Huggy: se ela parou, peça a um atendente que a assuma, ou reenvie este evento.",
    )


def _of_boletos(outcome: BoletosIssued) -> list[str]:
    sent = len(outcome.offers)
    words = ["1 fatura enviada." if sent == 1 else f"{sent} faturas enviadas."]
    if outcome.more:
        words.append(f"Mais {outcome.more} em aberto, além do limite por vez.")
    if outcome.withheld:
        words.append(f"{outcome.withheld} não puderam ser enviadas com segurança.")
    return words + [f"{advise(fault).title}." for fault in outcome.faults]


def _contracts(count: int) -> str:
    return "1 contrato no cadastro." if count == 1 else f"{count} contratos no cadastro."


def _operation(operation: str) -> str:
    return _OPERATIONS.get(operation, operation)

"""What a flow gets that asks by "Enviar requisição": which keys, and the outcome in them.

The names are a contract: providers' flows hang on them. A flow keeps what an earlier answer put into a variable and
prints one that was never set as `{{name}}`, so every key of the operation is in each of its answers, empty where there
is no value.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby

import msgspec
from msgspec import Struct

from domain.action import Message, Route, Say, StartFlow
from domain.flow_variables import variables_of
from domain.identifiers import FlowId, Personal
from domain.installation import FlowKey, Installation, Policies
from domain.outcome import BoletosIssued, ContractUnclear, CustomerFound, CustomerInOutage, Failed, Outcome
from domain.routing import contract_lines, route


class FlowOperation(StrEnum):
    """What a flow may ask, as it stands in the address."""

    LOOK_UP = "consultar-cliente"
    BOLETO = "segunda-via"
    UNBLOCK = "desbloqueio"
    TICKET = "abrir-chamado"
    OUTAGE = "falha-massiva"


IN_OUTAGE = "falha_massiva"
CHOOSE_CONTRACT = "escolher_contrato"
RESULTS = (*FlowKey, IN_OUTAGE, CHOOSE_CONTRACT)
"""what `resultado` may be"""


class AnswerKey(Struct, frozen=True, kw_only=True):
    """One key of an answer, as people read about it. `{n}` in a name is a position, counted from 1."""

    name: str
    example: str
    meaning: str


_RESULT = AnswerKey(
    name="resultado", example="customer_found", meaning="o que aconteceu; é por ele que o flow se divide"
)
_MESSAGE = AnswerKey(
    name="mensagem", example="Encontrei o seu cadastro.", meaning="o texto pronto para o cliente; nunca vem vazio"
)
_FIRST_NAME = AnswerKey(
    name="cliente_nome",
    example="Ana",
    meaning="o primeiro nome, quando o telefone da conversa está no cadastro",
)
_CONTRACTS = (
    AnswerKey(name="contratos", example="2", meaning="quantos contratos o cliente tem"),
    AnswerKey(
        name="contratos_lista",
        example="1. Contrato 20743 – Fibra 500 – Centro",
        meaning="a lista numerada dos contratos, um por linha, para perguntar qual é",
    ),
    AnswerKey(name="contrato_{n}", example="20743", meaning="o número do contrato que está na posição n da lista"),
)
_PROTOCOL = AnswerKey(name="protocolo", example="20261123-77", meaning="o número do protocolo")
_REASON = AnswerKey(
    name="motivo", example="already_used", meaning="um código curto para quando não deu certo; veja a lista abaixo"
)
_BACK_AT = AnswerKey(
    name="resolution_time_hour", example="18h30", meaning="a previsão de retorno em palavras, ou que ainda não há uma"
)

KEYS: Mapping[FlowOperation, tuple[AnswerKey, ...]] = {
    FlowOperation.LOOK_UP: (_RESULT, _MESSAGE, _REASON, _FIRST_NAME, *_CONTRACTS, _PROTOCOL, _BACK_AT),
    FlowOperation.BOLETO: (
        *(_RESULT, _MESSAGE, _REASON),
        *_CONTRACTS,
        AnswerKey(name="boletos", example="2", meaning="quantos boletos estão em aberto"),
        AnswerKey(
            name="boleto_{n}_linha_digitavel",
            example="34191101213456788005871234570001616670000012345",
            meaning="a linha digitável, só números",
        ),
        AnswerKey(name="boleto_{n}_pix", example="00020126…6304A1B2", meaning="o Pix copia e cola"),
        AnswerKey(name="boleto_{n}_link", example="https://erp.exemplo/b/9", meaning="o endereço do boleto em PDF"),
        AnswerKey(name="boleto_{n}_vencimento", example="21/12/2026", meaning="a data de vencimento"),
        AnswerKey(name="boleto_{n}_valor", example="R$ 123,45", meaning="o valor a pagar"),
    ),
    FlowOperation.UNBLOCK: (
        *(_RESULT, _MESSAGE, _REASON, _PROTOCOL),
        AnswerKey(name="desbloqueio_ate", example="25/11/2026", meaning="até quando vale o desbloqueio"),
        *_CONTRACTS,
    ),
    FlowOperation.TICKET: (_RESULT, _MESSAGE, _REASON, _PROTOCOL, _BACK_AT),
    FlowOperation.OUTAGE: (_RESULT, _MESSAGE, _REASON, _PROTOCOL, _BACK_AT, *_CONTRACTS),
}
"""every key of each operation, in the order of its answers"""

CONTRACTS_MIN = 5
"""so many `contrato_{n}` are in every answer that has them; more where the customer has more"""


class FlowAnswer(Personal, frozen=True, kw_only=True):
    """An outcome as a flow gets it. Two of the values are words that only a catalogue knows; they are empty in here."""

    safe = ("result",)

    result: str
    values: dict[str, str]
    """every key of the operation, in the order of `KEYS`"""
    said: tuple[Message, ...]
    """`mensagem`: never without any"""
    contracts: tuple[Message, ...]
    """the lines of `contratos_lista`"""


def answer_of(operation: FlowOperation, outcome: Outcome, installation: Installation) -> FlowAnswer:
    """Pure and total; it does not depend on which flows the installation has chosen, nor on what its chat was told
    before: what is said of it, the flow decides."""
    if isinstance(outcome, CustomerInOutage):
        outcome = msgspec.structs.replace(outcome, again=False)
    result = result_of(outcome, installation)
    known = {**variables_of(outcome), "resultado": result}
    contracts = outcome.contracts if isinstance(outcome, CustomerFound | CustomerInOutage | ContractUnclear) else ()
    return FlowAnswer(
        result=result,
        values={name: known.get(name, "") for name in _names(operation, outcome, installation.policies)},
        said=_said(outcome, result, planned(outcome, installation)),
        contracts=contract_lines(contracts),
    )


def failed_answer(operation: FlowOperation | None, cause: str, policies: Policies) -> FlowAnswer:
    """To a request that no use case was asked about. `operation`: None where even that is unknown."""
    known = {"resultado": str(FlowKey.AUXILIARY), "motivo": cause}
    names = known if operation is None else _names(operation, Failed(cause=cause), policies)
    return FlowAnswer(
        result=FlowKey.AUXILIARY,
        values={name: known.get(name, "") for name in names},
        said=(Message(key=f"flow.{FlowKey.AUXILIARY}"),),
        contracts=(),
    )


def result_of(outcome: Outcome, installation: Installation) -> str:
    """One of `RESULTS`: the flow that the chat would have gone on in, where nothing tells more."""
    match outcome:
        case CustomerInOutage():
            return IN_OUTAGE
        case ContractUnclear():
            return CHOOSE_CONTRACT
        case _:
            terminal = planned(outcome, installation).terminal
            return terminal.flow if isinstance(terminal, StartFlow) else FlowKey.AUXILIARY


def planned(outcome: Outcome, installation: Installation) -> Route:
    """The route of a chat whose provider has chosen every flow and closes no chat: for a flow that goes on by itself."""
    policies = msgspec.structs.replace(installation.policies, outage_closes_chat=False)
    return route(outcome, msgspec.structs.replace(installation, flows=_EVERY_FLOW, policies=policies))


_EVERY_FLOW = {key: FlowId(key) for key in FlowKey}


def _names(operation: FlowOperation, outcome: Outcome, policies: Policies) -> Iterator[str]:
    """Keys that stand side by side with the same `{n}` are told together, position by position."""
    counted = {"contrato": CONTRACTS_MIN, "boleto": policies.invoices_max}
    match outcome:
        case (
            CustomerFound(contracts=contracts)
            | CustomerInOutage(contracts=contracts)
            | ContractUnclear(contracts=contracts)
        ):
            counted["contrato"] = max(CONTRACTS_MIN, len(contracts))
        case BoletosIssued(offers=offers):
            counted["boleto"] = max(policies.invoices_max, len(offers))
        case _:
            pass
    for prefix, keys in groupby(KEYS[operation], key=lambda key: key.name.partition("_{n}")[0]):
        patterns = [key.name for key in keys]
        for n in range(1, counted.get(prefix, 1) + 1):
            yield from (pattern.replace("{n}", str(n)) for pattern in patterns)


def _said(outcome: Outcome, result: str, chat: Route) -> tuple[Message, ...]:
    said = tuple(_without_announcement(remark.message) for remark in chat.remarks if isinstance(remark, Say))
    match outcome:
        case CustomerInOutage(told=""):
            return (Message(key=f"flow.{IN_OUTAGE}"), *said)
        case CustomerFound(first_name=first_name) if first_name and not said:
            return (Message(key="flow.greeting", values={"first_name": first_name}),)
        case _:
            return said or (Message(key=f"flow.{result}"),)


def _without_announcement(message: Message) -> Message:
    """A boleto's codes have keys of their own: whether they are sent next, only the flow knows."""
    is_intro = message.key.startswith("boleto.intro.")
    return msgspec.structs.replace(message, key="boleto.intro.document") if is_intro else message

"""Whether an ERP and Huggy can be worked with, layer by layer: what the console shows after saving, and what `ponte
doctor` and `ponte installation test` print.

Nothing here raises for what the world did wrong: it is told, each in one sentence that says what to do, with neither
secrets nor personal data.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from enum import StrEnum
from time import perf_counter
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from adapters.web.probe import Fault, Layer, Reached
from application.console_ports import Accounts, FlowChoice, FlowLists
from application.failures import Failure, Rejected, Unavailable, Unintelligible
from application.ports import Erp
from domain.causes import advise
from domain.identifiers import InstallationId, Secret
from domain.installation import ErpAccess, Installation
from domain.tax_id import Cnpj, TaxId
from entrypoints.work_loop import WorkLoop

NOBODY = Cnpj(characters="00000000000191")
"""of a public bank: looked up where no document is given, so that no customer's record is read unasked"""
SLOW_MS = 3000
LONGEST_S = 30
"""for all that is asked of the ERP: somebody waits for the page"""
AT_ONCE = 3
"""for one installation: each has its own connections and holds what the ERP answers, so many would take everybody's room"""

Probe = Callable[[ErpAccess], Awaitable[Sequence[Reached]]]
"""The way to the ERP's address, as far as this installation may go there."""


OpenErp = Callable[[Installation], AbstractAsyncContextManager[Erp]]
"""An ERP to try out, as the installation says and apart from the one that serves customers: its fence, its kept tokens
and its connections are its own, and end with the block. Entered on the work loop."""


AskHuggy = Callable[[Installation], Awaitable[Sequence["Tried"]]]
"""`try_huggy` over open ways to Huggy."""

RenewAccess = Callable[[InstallationId, Secret], Awaitable[Secret]]
"""A token in place of one that Huggy refused, kept for everybody; raises what keeps us from one."""


class Verdict(StrEnum):
    """The values are the console's tones."""

    GOOD = "good"
    UNSURE = "warn"
    BAD = "bad"
    LEFT_OUT = "calm"


class Tried(Struct, frozen=True, kw_only=True):
    """One layer: what came of it, in a sentence for the admin."""

    name: str
    verdict: Verdict
    sentence: str = ""
    ms: float | None = None


def is_fine(tried: Sequence[Tried]) -> bool:
    """Nothing is known to be wrong."""
    return all(each.verdict is not Verdict.BAD for each in tried)


class Connections:
    """Tries out installations as they are, or as they would be once saved. May be asked on any loop."""

    def __init__(
        self,
        *,
        probe: Probe,
        open_erp: OpenErp,
        accounts: Accounts,
        flow_lists: FlowLists,
        renew: RenewAccess,
        work_loop: WorkLoop,
    ) -> None:
        self._probe = probe
        self._open_erp = open_erp
        self._accounts = accounts
        self._flow_lists = flow_lists
        self._renew = renew
        self._work_loop = work_loop
        self._under_way: dict[InstallationId, int] = {}

    async def erp(self, installation: Installation, document: TaxId | None = None) -> list[Tried]:
        """Without a document, one that is no customer's is looked up."""
        with self._one_more(installation.id) as has_place:
            if not has_place:
                return [Tried(name=ANSWER, verdict=Verdict.BAD, sentence=_ENOUGH)]
            way = await try_way(installation.erp, self._probe)
            if not is_fine(way):
                return way
            return [*way, *await self._on_work_loop(lambda: self._ask_erp(installation, document), ANSWER)]

    async def huggy(self, installation: Installation) -> list[Tried]:
        with self._one_more(installation.id) as has_place:
            if not has_place:
                return [Tried(name=TOKEN, verdict=Verdict.BAD, sentence=_ENOUGH)]
            return await self._on_work_loop(
                lambda: try_huggy(installation, self._accounts, self._flow_lists, self._renew), TOKEN
            )

    async def flows(self, installation: Installation) -> Sequence[FlowChoice] | None:
        """The company's flows to choose from; None: no list is to be had."""
        try:
            return await self._work_loop.run(lambda: self._list_flows(installation))
        except Failure:
            return None

    @contextmanager
    def _one_more(self, installation_id: InstallationId) -> Iterator[bool]:
        """Whether there is room for it; it counts while the block lasts."""
        under_way = self._under_way.get(installation_id, 0)
        if under_way >= AT_ONCE:
            yield False
            return
        self._under_way[installation_id] = under_way + 1
        try:
            yield True
        finally:
            self._under_way[installation_id] -= 1
            if not self._under_way[installation_id]:
                del self._under_way[installation_id]

    async def _ask_erp(self, installation: Installation, document: TaxId | None) -> list[Tried]:
        try:
            async with asyncio.timeout(LONGEST_S), self._open_erp(installation) as erp:
                return await try_erp(erp, document)
        except TimeoutError:
            raise Unavailable("erp.timeout") from None

    async def _list_flows(self, installation: Installation) -> Sequence[FlowChoice] | None:
        return await self._flow_lists(installation)

    async def _on_work_loop(self, make: Callable[[], Coroutine[Any, Any, list[Tried]]], name: str) -> list[Tried]:
        try:
            return await self._work_loop.run(make)
        except Failure as failure:
            return [tried_of(failure, name)]


def tried_of(failure: Failure, name: str = "") -> Tried:
    """What kept us from trying."""
    return Tried(name=name or ANSWER, verdict=Verdict.BAD, sentence=_words(failure))


async def try_way(access: ErpAccess, probe: Probe) -> list[Tried]:
    """Name, port and certificate, up to the first that failed."""
    return [
        Tried(
            name=_LAYERS[each.layer],
            verdict=Verdict.GOOD if each.fault is None else Verdict.BAD,
            sentence="" if each.fault is None else _FAULTS[each.fault],
            ms=each.ms,
        )
        for each in await probe(access)
    ]


async def try_erp(erp: Erp, document: TaxId | None = None) -> list[Tried]:
    """The credentials by one read, and each further sign-in. Whose record it is does not show.

    A read may take all that can be signed in to: one that fails as a sign-in did proves nothing more.
    """
    sign_ins = [await _try_sign_in(*each) for each in erp.sign_ins.items()]
    known = {failure.cause for _, failure in sign_ins if failure is not None}
    return [*await _try_look_up(erp, document, known), *[tried for tried, _ in sign_ins]]


async def try_huggy(
    installation: Installation, accounts: Accounts, flow_lists: FlowLists, renew: RenewAccess
) -> list[Tried]:
    """The token and the company, and whether flows can be listed. A token that Huggy refuses and that can be renewed is
    renewed, as it would be for a chat."""
    if not (installation.huggy_token and installation.company_id):
        return [Tried(name=TOKEN, verdict=Verdict.LEFT_OUT, sentence="Conecte com a Huggy primeiro.")]
    begun = perf_counter()
    try:
        token, belongs = await _ask_company(installation, accounts, renew)
    except Failure as failure:
        return [Tried(name=TOKEN, verdict=Verdict.BAD, sentence=_words(failure), ms=_since(begun))]
    if not belongs:
        return [Tried(name=TOKEN, verdict=Verdict.BAD, sentence=_OTHER_COMPANY, ms=_since(begun))]
    sentence = "A Huggy aceitou o acesso." if token == installation.huggy_token else _RENEWED
    tried = [Tried(name=TOKEN, verdict=Verdict.GOOD, sentence=sentence, ms=_since(begun))]
    begun = perf_counter()
    flows = await flow_lists(replace(installation, huggy_token=token))
    if flows is None:
        return [*tried, Tried(name=FLOWS, verdict=Verdict.LEFT_OUT, sentence=_NO_FLOWS, ms=_since(begun))]
    return [*tried, Tried(name=FLOWS, verdict=Verdict.GOOD, sentence=f"Flows: {len(flows)}.", ms=_since(begun))]


async def _ask_company(installation: Installation, accounts: Accounts, renew: RenewAccess) -> tuple[Secret, bool]:
    """The token that Huggy takes, and whether it is one of the company."""
    token = installation.huggy_token
    try:
        return token, await accounts.belongs_to(token, installation.company_id)
    except Failure as failure:
        if failure.cause != "huggy.unauthorized" or installation.huggy_refresh_token is None:
            raise
    token = await renew(installation.id, token)
    return token, await accounts.belongs_to(token, installation.company_id)


async def _try_look_up(erp: Erp, document: TaxId | None, known: Collection[str]) -> list[Tried]:
    """What an ERP says to wrong credentials is not known for every one: "no such customer" alone proves nothing."""
    begun = perf_counter()
    try:
        found = await erp.customers.find(document or NOBODY)
    except Failure as failure:
        if failure.cause in known:
            return [Tried(name=CREDENTIALS, verdict=Verdict.LEFT_OUT, sentence=_AFTER_SIGN_IN)]
        return _failed_look_up(failure, _since(begun))
    ms = _since(begun)
    answer = Tried(name=ANSWER, verdict=Verdict.GOOD, sentence="O ERP respondeu como esperado.", ms=ms)
    if ms > SLOW_MS:
        answer = Tried(name=ANSWER, verdict=Verdict.UNSURE, sentence=_SLOW, ms=ms)
    if found is not None:
        return [Tried(name=CREDENTIALS, verdict=Verdict.GOOD, sentence="Cliente encontrado: tudo certo."), answer]
    if document is not None:
        return [Tried(name=CREDENTIALS, verdict=Verdict.UNSURE, sentence=_NOT_FOUND), answer]
    return [Tried(name=CREDENTIALS, verdict=Verdict.LEFT_OUT, sentence=_NOT_PROVED), answer]


def _failed_look_up(failure: Failure, ms: float) -> list[Tried]:
    if isinstance(failure, Rejected):
        return [Tried(name=CREDENTIALS, verdict=Verdict.BAD, sentence=_words(failure), ms=ms)]
    unknown = Tried(name=CREDENTIALS, verdict=Verdict.LEFT_OUT, sentence="Sem resposta, não deu para conferir.")
    if isinstance(failure, Unintelligible):
        unknown = Tried(
            name=CREDENTIALS, verdict=Verdict.LEFT_OUT, sentence="Sem entender a resposta, não dá para saber."
        )
    return [unknown, Tried(name=ANSWER, verdict=Verdict.BAD, sentence=_words(failure), ms=ms)]


async def _try_sign_in(name: str, sign_in: Callable[[], Awaitable[None]]) -> tuple[Tried, Failure | None]:
    begun = perf_counter()
    label = _SIGN_INS.get(name, name)
    try:
        await sign_in()
    except Failure as failure:
        sentence = _SIGN_IN_SENTENCES.get(failure.cause) or _words(failure)
        return Tried(name=label, verdict=Verdict.BAD, sentence=sentence, ms=_since(begun)), failure
    return Tried(name=label, verdict=Verdict.GOOD, sentence=_SIGNED_IN, ms=_since(begun)), None


def _words(failure: Failure) -> str:
    """One sentence for what went wrong while trying; running problems have words of their own."""
    if failure.cause in _SENTENCES:
        return _SENTENCES[failure.cause]
    advice = advise(failure.cause)
    return f"{advice.title}. {advice.what_to_do}"


def _since(begun: float) -> float:
    return (perf_counter() - begun) * 1000


CREDENTIALS, ANSWER, TOKEN, FLOWS = "Token e PBX", "Resposta do ERP", "Acesso à Huggy", "Lista de flows"

_LAYERS: Mapping[Layer, str] = MappingProxyType(
    {Layer.DNS: "Nome (DNS)", Layer.TCP: "Porta", Layer.TLS: "Certificado (TLS)"}
)

_FAULTS: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.NO_ADDRESS: "Informe o endereço do ERP, como https://cliente.synsuite.com.br.",
        Fault.NAME_UNKNOWN: "Este nome não existe na internet: confira se o endereço foi digitado certo.",
        Fault.NAME_TIMED_OUT: "A consulta do nome demorou demais: tente de novo e, se continuar, veja o DNS do servidor.",
        Fault.PRIVATE: (
            "O endereço leva à rede interna: use o endereço público do ERP, ou peça ao operador para incluí-lo em "
            "PONTE_PRIVATE_HOSTS."
        ),
        Fault.REFUSED: "A porta está fechada: confira o endereço e a porta, e se o ERP está no ar.",
        Fault.CONNECT_TIMED_OUT: "Ninguém atende neste endereço: peça a liberação do IP deste servidor no firewall do ERP.",
        Fault.UNREACHABLE: "Não há caminho até este endereço: confira o endereço e a rede do servidor.",
        Fault.CERTIFICATE_SELF_SIGNED: (
            "O certificado foi assinado pelo próprio servidor: instale no ERP um de uma autoridade reconhecida."
        ),
        Fault.CERTIFICATE_EXPIRED: "O certificado venceu: peça ao suporte do ERP para renová-lo.",
        Fault.CERTIFICATE_NOT_YET: "O certificado ainda não vale: confira a data e a hora deste servidor e do ERP.",
        Fault.CERTIFICATE_OTHER_NAME: (
            "O certificado é de outro nome: use o endereço que consta nele, ou peça um certificado para este."
        ),
        Fault.CERTIFICATE_CHAIN: (
            "A cadeia do certificado está incompleta: peça ao suporte do ERP para instalar também o intermediário."
        ),
        Fault.CERTIFICATE_REFUSED: "O certificado não foi aceito: peça ao suporte do ERP para conferi-lo.",
        Fault.NOT_TLS: "Nesta porta não há https: confira a porta do endereço.",
        Fault.TLS_TIMED_OUT: "O servidor abriu a porta e ficou calado: confira a porta e se o ERP está no ar.",
    }
)

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "erp.unauthorized": (
            "O ERP recusou o token: copie de novo o “Token de integrações” (Suíte, API PBX Token) e cole-o aqui."
        ),
        "erp.refused": "O ERP recusou a consulta: confira o Token e o nome do PBX.",
        "erp.not_found": (
            "O ERP não conhece este caminho: confira o nome do PBX (Configurações / Parâmetros > Menu PBX > Nome) e o "
            "endereço."
        ),
        "erp.not_json": (
            "Veio uma página em vez de dados: use só o endereço do ERP, sem caminho, e veja se ele está em manutenção."
        ),
        "erp.empty_answer": "O ERP respondeu sem conteúdo: confira o nome do PBX e o endereço.",
        "erp.http_4xx": (
            "O ERP recusou a consulta: confira o nome do PBX (Configurações / Parâmetros > Menu PBX > Nome) e o Token."
        ),
        "erp.redirected": "O endereço leva a outro lugar: abra-o no navegador e cole aqui o endereço final.",
        "erp.timeout": "O ERP não respondeu a tempo: veja se ele está no ar e tente de novo.",
        "erp.unreachable": "Não foi possível conectar: confira o endereço, a porta e o firewall do ERP.",
        "erp.tls": "O certificado do ERP não foi aceito: peça ao suporte do ERP para conferi-lo.",
        "erp.http_5xx": "O ERP está com erro interno: tente de novo e, se continuar, fale com o suporte do ERP.",
        "erp.http_429": "O ERP pediu para irmos mais devagar: espere um minuto e teste de novo.",
        "erp.circuit_open": "O ERP falhou várias vezes seguidas e está em descanso: teste de novo em um minuto.",
        "huggy.unauthorized": "A Huggy recusou o acesso: entre de novo com a Huggy, ou cole um token novo.",
        "huggy.client_missing": (
            "O acesso venceu, e falta aqui o que o renova: defina PONTE_HUGGY_CLIENT_ID e PONTE_HUGGY_CLIENT_SECRET, como "
            "no serviço."
        ),
        "huggy.forbidden": "A Huggy não dá acesso a esta empresa: entre com um administrador dela.",
        "huggy.unreachable": "Não foi possível conectar à Huggy: tente de novo em instantes.",
        "huggy.timeout": "A Huggy não respondeu a tempo: tente de novo em instantes.",
    }
)

_SIGN_INS: Mapping[str, str] = MappingProxyType({"third_party": "API para terceiros"})

_SIGN_IN_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "erp.unauthorized": (
            "O ERP recusou as credenciais: confira client_id e client_secret do usuário integrador, e o syndata."
        ),
        "erp.unreachable": "Não foi possível conectar: peça a liberação das portas 45700 e 45715 para este servidor.",
        "erp.timeout": "Ninguém respondeu a tempo: peça a liberação das portas 45700 e 45715 para este servidor.",
    }
)

_ENOUGH = "Já há testes em andamento: espere um deles terminar."
_NOT_FOUND = "O ERP não encontrou este documento: se ele é de um cliente seu, confira o Token e o nome do PBX."
_NOT_PROVED = "O ERP aceitou a consulta. Para ter certeza, teste também com o CPF ou CNPJ de um cliente seu."
_AFTER_SIGN_IN = "Só dá para conferir depois de acertar o que falhou abaixo."
_SIGNED_IN = "O ERP aceitou as credenciais."
_SLOW = "O ERP respondeu, mas devagar: os seus clientes vão esperar no chat."
_RENEWED = "O acesso foi renovado, e a Huggy o aceitou."
_OTHER_COMPANY = "Este acesso não é desta empresa: confira o código da empresa, ou entre com um administrador dela."
_NO_FLOWS = "A Huggy não entregou a lista: digite o número de cada flow, que aparece no painel da Huggy."

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from adapters.memory.world import World, memory_erp
from adapters.web.probe import Fault, Layer, Reached
from application.console_ports import FlowChoice
from application.failures import Failure, Rejected, Unavailable, Unintelligible
from application.ports import Erp
from domain.causes import ADVICE
from domain.customer import Customer
from domain.identifiers import CompanyId, CustomerId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, Installation
from domain.tax_id import Cnpj, Cpf, TaxId
from entrypoints import connections
from entrypoints.connections import Connections, Tried, Verdict, is_fine, try_erp, try_huggy, try_way
from entrypoints.work_loop import WorkLoop
from tests.entrypoints.fakes import INSTALLATION, no_renewal

ANA = Customer(id=CustomerId("1"), name="Ana Souza", tax_id=Cpf(digits="52998224725"))


@pytest.fixture
def world() -> World:
    world = World(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    world.add(ANA)
    return world


def told(tried: Sequence[Tried]) -> list[tuple[str, Verdict]]:
    return [(each.name, each.verdict) for each in tried]


# --- the way


@pytest.mark.parametrize("fault", Fault)
async def test_every_fault_of_the_way_has_one_sentence_that_says_what_to_do(fault: Fault) -> None:
    async def reach(_: ErpAccess) -> Sequence[Reached]:
        return [Reached(layer=Layer.DNS, ms=3), Reached(layer=Layer.TCP, ms=9, fault=fault)]

    tried = await try_way(INSTALLATION.erp, reach)

    assert told(tried) == [("Nome (DNS)", Verdict.GOOD), ("Porta", Verdict.BAD)]
    assert tried[1].ms == 9
    assert tried[1].sentence.endswith(".")
    assert not is_fine(tried)


def test_no_two_faults_share_a_sentence() -> None:
    assert len(set(connections._FAULTS.values())) == len(Fault)


# --- the ERP


async def test_a_customer_who_is_found_proves_the_credentials_and_is_not_named(world: World) -> None:
    tried = await try_erp(memory_erp(world), ANA.tax_id)

    assert told(tried) == [("Token e PBX", Verdict.GOOD), ("Resposta do ERP", Verdict.GOOD)]
    assert "Ana" not in str(tried)


async def test_a_document_that_is_not_found_leaves_doubt(world: World) -> None:
    tried = await try_erp(memory_erp(world), Cnpj(characters="12ABC34501DE35"))

    assert told(tried)[0] == ("Token e PBX", Verdict.UNSURE)
    assert is_fine(tried)


async def test_without_a_document_somebody_is_looked_up_who_is_no_customer_and_nothing_is_claimed(world: World) -> None:
    asked: list[TaxId] = []

    class Customers:
        async def find(self, tax_id: TaxId) -> None:
            asked.append(tax_id)

    tried = await try_erp(replace(memory_erp(world), customers=Customers()))

    assert asked == [connections.NOBODY]
    assert told(tried)[0] == ("Token e PBX", Verdict.LEFT_OUT)
    assert is_fine(tried)


@pytest.mark.parametrize(
    ("failure", "where", "words"),
    [
        (Rejected("erp.unauthorized", "Ana"), "Token e PBX", "Token de integrações"),
        (Rejected("erp.not_found", "Ana"), "Token e PBX", "nome do PBX"),
        (Rejected("erp.redirected", "Ana"), "Token e PBX", "endereço final"),
        (Unintelligible("erp.not_json", "Ana"), "Resposta do ERP", "página em vez de dados"),
        (Unintelligible("erp.unknown_client", "Ana"), "Resposta do ERP", "Ponte"),
        (Unavailable("erp.timeout", "Ana"), "Resposta do ERP", "a tempo"),
        (Unavailable("erp.circuit_open", "Ana"), "Resposta do ERP", "um minuto"),
        (Unavailable("erp.something_new", "Ana"), "Resposta do ERP", "ERP"),
    ],
)
async def test_each_failure_is_told_where_it_belongs_in_a_sentence_of_its_own(
    world: World, failure: Failure, where: str, words: str
) -> None:
    world.fail("find", failure)
    tried = await try_erp(memory_erp(world), ANA.tax_id)
    (wrong,) = (each for each in tried if each.verdict is Verdict.BAD)

    assert wrong.name == where
    assert words in wrong.sentence
    assert "Ana" not in str(tried)


def test_the_sentences_are_about_causes_that_there_are() -> None:
    assert set(connections._SENTENCES) <= set(ADVICE)


async def test_an_answer_that_takes_long_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLOW_MS", -1)

    assert told(await try_erp(memory_erp(world), ANA.tax_id))[1] == ("Resposta do ERP", Verdict.UNSURE)


def with_sign_in(erp: Erp, failure: Failure | None = None) -> Erp:
    async def sign_in() -> None:
        if failure:
            raise failure

    return replace(erp, sign_ins={"third_party": sign_in})


async def test_further_credentials_are_tried_and_told_apart(world: World) -> None:
    fine = await try_erp(with_sign_in(memory_erp(world)), ANA.tax_id)
    wrong = await try_erp(with_sign_in(memory_erp(world), Rejected("erp.unauthorized")), ANA.tax_id)

    assert told(fine)[-1] == ("API para terceiros", Verdict.GOOD)
    assert told(wrong) == [
        ("Token e PBX", Verdict.GOOD),
        ("Resposta do ERP", Verdict.GOOD),
        ("API para terceiros", Verdict.BAD),
    ]
    assert "client_secret" in wrong[-1].sentence


async def test_the_token_is_not_blamed_for_what_further_credentials_did(world: World) -> None:
    world.fail("find", Rejected("erp.unauthorized"))
    tried = await try_erp(with_sign_in(memory_erp(world), Rejected("erp.unauthorized")), ANA.tax_id)

    assert told(tried) == [("Token e PBX", Verdict.LEFT_OUT), ("API para terceiros", Verdict.BAD)]


# --- Huggy

NEW = Secret(value="renewed-token")
CONNECTED = replace(INSTALLATION, huggy_refresh_token=Secret(value="refresh-token"))
REFUSED = Unavailable("huggy.unauthorized", "huggy-token")


class Accounts:
    """Only what is asked here. A renewed token is taken, whatever is said of all others."""

    is_configured = True

    def __init__(self, answer: bool | Failure) -> None:
        self._answer = answer

    async def belongs_to(self, token: Secret, company_id: CompanyId) -> bool:
        if token == NEW:
            return True
        if isinstance(self._answer, Failure):
            raise self._answer
        return self._answer


async def ask_huggy(answer: bool | Failure, flows: Sequence[FlowChoice] | None = None) -> list[Tried]:
    async def list_flows(_: Installation) -> Sequence[FlowChoice] | None:
        return flows

    return await try_huggy(INSTALLATION, Accounts(answer), list_flows, no_renewal)  # type: ignore[arg-type]


async def test_a_token_of_this_company_is_fine_and_so_is_a_missing_list() -> None:
    listed = await ask_huggy(True, [FlowChoice(id=FlowId("11"), name="Cliente")])
    unlisted = await ask_huggy(True)

    assert told(listed) == [("Acesso à Huggy", Verdict.GOOD), ("Lista de flows", Verdict.GOOD)]
    assert told(unlisted) == [("Acesso à Huggy", Verdict.GOOD), ("Lista de flows", Verdict.LEFT_OUT)]
    assert is_fine(unlisted)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (False, "não é desta empresa"),
        (Unavailable("huggy.unauthorized", "token"), "recusou o acesso"),
        (Unavailable("huggy.unreachable"), "conectar"),
    ],
)
async def test_a_token_that_does_not_work_is_told(answer: bool | Failure, words: str) -> None:
    (wrong,) = await ask_huggy(answer)

    assert wrong.verdict is Verdict.BAD
    assert words in wrong.sentence


async def test_without_a_token_there_is_nothing_to_ask() -> None:
    blank = replace(INSTALLATION, huggy_token=Secret(value=""))
    (left,) = await try_huggy(blank, Accounts(True), None, no_renewal)  # type: ignore[arg-type]

    assert left.verdict is Verdict.LEFT_OUT


async def test_a_refused_token_that_can_be_renewed_is_renewed_and_everything_goes_on_with_the_new_one() -> None:
    renewed: list[tuple[InstallationId, Secret]] = []
    listed: list[Secret] = []

    async def renew(installation_id: InstallationId, refused: Secret) -> Secret:
        renewed.append((installation_id, refused))
        return NEW

    async def list_flows(installation: Installation) -> Sequence[FlowChoice]:
        listed.append(installation.huggy_token)
        return []

    tried = await try_huggy(CONNECTED, Accounts(REFUSED), list_flows, renew)  # type: ignore[arg-type]

    assert told(tried) == [("Acesso à Huggy", Verdict.GOOD), ("Lista de flows", Verdict.GOOD)]
    assert tried[0].sentence == "O acesso foi renovado, e a Huggy o aceitou."
    assert renewed == [(CONNECTED.id, CONNECTED.huggy_token)]
    assert listed == [NEW]
    assert "token" not in str(tried)


@pytest.mark.parametrize(
    ("why_not", "words"),
    [
        (Rejected("huggy.grant_refused"), "Entre de novo com a Huggy"),
        (Rejected("huggy.reconnect"), "Entre de novo com a Huggy"),
        (Rejected("huggy.client_missing"), "PONTE_HUGGY_CLIENT_ID"),
        (Rejected("huggy.client_refused"), "PONTE_HUGGY_CLIENT_ID"),
        (Unavailable("huggy.unreachable"), "tente de novo em instantes"),
    ],
)
async def test_what_keeps_a_token_from_being_renewed_is_told_and_nobody_is_sent_to_sign_in_for_nothing(
    why_not: Failure, words: str
) -> None:
    async def renew(installation_id: InstallationId, refused: Secret) -> Secret:
        raise why_not

    (wrong,) = await try_huggy(CONNECTED, Accounts(REFUSED), None, renew)  # type: ignore[arg-type]

    assert wrong.verdict is Verdict.BAD
    assert words in wrong.sentence
    assert ("ntre de novo" in wrong.sentence) == ("ntre de novo" in words)


@pytest.mark.parametrize("answer", [False, Unavailable("huggy.unreachable"), Rejected("huggy.forbidden")])
async def test_a_token_that_was_not_refused_is_not_renewed(answer: bool | Failure) -> None:
    (wrong,) = await try_huggy(CONNECTED, Accounts(answer), None, no_renewal)  # type: ignore[arg-type]

    assert wrong.verdict is Verdict.BAD


# --- all together, on the work loop


def connections_over(world: World, *, work_loop: WorkLoop, fault: Fault | None = None) -> Connections:
    async def reach(_: ErpAccess) -> Sequence[Reached]:
        return [Reached(layer=Layer.DNS, ms=1, fault=fault)]

    async def list_flows(_: Installation) -> Sequence[FlowChoice]:
        return [FlowChoice(id=FlowId("11"), name="Cliente")]

    @asynccontextmanager
    async def open_erp(_: Installation) -> AsyncIterator[Erp]:
        yield memory_erp(world)

    return Connections(
        probe=reach,
        open_erp=open_erp,
        accounts=Accounts(True),  # type: ignore[arg-type]
        flow_lists=list_flows,
        renew=no_renewal,
        work_loop=work_loop,
    )


async def test_the_erp_is_asked_once_the_way_is_free(world: World) -> None:
    work_loop = WorkLoop()
    work_loop.begin()

    free = await connections_over(world, work_loop=work_loop).erp(INSTALLATION)
    barred = await connections_over(world, work_loop=work_loop, fault=Fault.NAME_UNKNOWN).erp(INSTALLATION)

    assert [each.name for each in free] == ["Nome (DNS)", "Token e PBX", "Resposta do ERP"]
    assert [each.name for each in barred] == ["Nome (DNS)"]


async def test_an_erp_that_keeps_us_waiting_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Customers:
        async def find(self, tax_id: TaxId) -> None:
            await asyncio.Event().wait()

    @asynccontextmanager
    async def open_erp(_: Installation) -> AsyncIterator[Erp]:
        yield replace(memory_erp(world), customers=Customers())

    monkeypatch.setattr(connections, "LONGEST_S", 0.05)
    work_loop = WorkLoop()
    work_loop.begin()
    over = connections_over(world, work_loop=work_loop)
    over._open_erp = open_erp

    assert "não respondeu a tempo" in (await over.erp(INSTALLATION))[-1].sentence


async def test_one_installation_has_so_many_tests_at_once_and_leaves_room_for_the_others(world: World) -> None:
    begun, goes_on = asyncio.Semaphore(0), asyncio.Event()

    async def reach(_: ErpAccess) -> Sequence[Reached]:
        begun.release()
        await goes_on.wait()
        return [Reached(layer=Layer.DNS, ms=1, fault=Fault.NAME_UNKNOWN)]

    work_loop = WorkLoop()
    work_loop.begin()
    over = connections_over(world, work_loop=work_loop)
    over._probe = reach
    others = replace(INSTALLATION, id=InstallationId("others"))
    tests = [asyncio.create_task(over.erp(each)) for each in [INSTALLATION] * connections.AT_ONCE + [others]]
    for _ in tests:
        await begun.acquire()

    for refused in (await over.erp(INSTALLATION), await over.huggy(INSTALLATION)):
        assert not is_fine(refused)
        assert "em andamento" in refused[0].sentence
    goes_on.set()
    assert {each.name for tried in await asyncio.gather(*tests) for each in tried} == {"Nome (DNS)"}
    assert is_fine(await over.huggy(INSTALLATION))


async def test_while_nothing_can_be_asked_that_is_told_and_flows_are_typed(world: World) -> None:
    asleep = connections_over(world, work_loop=WorkLoop())

    assert not is_fine(await asleep.erp(INSTALLATION))
    assert not is_fine(await asleep.huggy(INSTALLATION))
    assert await asleep.flows(INSTALLATION) is None


async def test_what_is_asked_is_asked_on_the_work_loop(world: World) -> None:
    work_loop = WorkLoop()
    seen: list[asyncio.AbstractEventLoop] = []
    ready, stop = asyncio.Event(), asyncio.Event()

    class Customers:
        async def find(self, tax_id: TaxId) -> None:
            seen.append(asyncio.get_running_loop())

    @asynccontextmanager
    async def open_erp(_: Installation) -> AsyncIterator[Erp]:
        yield replace(memory_erp(world), customers=Customers())

    here = asyncio.get_running_loop()

    async def live() -> None:
        work_loop.begin()
        here.call_soon_threadsafe(ready.set)
        await asyncio.wrap_future(stopped)

    stopped = asyncio.run_coroutine_threadsafe(stop.wait(), here)
    thread = asyncio.create_task(asyncio.to_thread(asyncio.run, live()))
    await ready.wait()
    try:
        over = connections_over(world, work_loop=work_loop)
        over._open_erp = open_erp
        await over.erp(INSTALLATION)
    finally:
        stop.set()
        await thread

    assert len(seen) == 1
    assert seen[0] is not here

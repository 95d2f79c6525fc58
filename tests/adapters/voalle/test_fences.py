"""Every call goes through the fence of its API, under its own name, and what the fence refuses is not sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from application.failures import Failure, Unavailable
from application.ports import Erp, Fence
from domain.identifiers import InvoiceId
from tests.adapters.voalle.scripted import (
    API,
    BILLETS,
    CONTRACT_BILLETS,
    CONTRACTS,
    CPF,
    LIST,
    OPEN,
    PERSON,
    THIRD_PARTY,
    TITLES,
    UNBLOCK,
    VALIDATE,
    ScriptedErp,
    contract,
    customer,
    enveloped,
    new_ticket,
    recorded,
    says,
)

LINE = "23793.38128 60007.827136 95000.063305 9 84410000009990"
POINT = f"{API}/getaccesspointstatusbycontract/20743"


class Gatekeeper:
    """Writes down who goes through which fence, and lets nobody through where it is shut."""

    def __init__(self, *shut: str) -> None:
        self.turns: list[str] = []
        self._shut = shut

    def __call__(self, api: str) -> Fence:
        return _Gate(api, self.turns, self._shut)


class _Gate:
    def __init__(self, api: str, turns: list[str], shut: tuple[str, ...]) -> None:
        self._api = api
        self._turns = turns
        self._shut = shut

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[None]:
        self._turns.append(f"{self._api} {operation}")
        if self._api in self._shut:
            raise Unavailable("erp.circuit_open")
        yield


PBX_CALLS: dict[str, Callable[[Erp], Awaitable[object]]] = {
    "client_validate": lambda erp: erp.customers.find(CPF),
    "billets": lambda erp: erp.billing.open_invoices(customer(), contract()),
    "unblock": lambda erp: erp.unblocks.unblock(contract()),
    "solicitation_list": lambda erp: erp.tickets.open_tickets(customer()),
    "open_solicitation": lambda erp: erp.tickets.open(new_ticket()),
}
THIRD_PARTY_CALLS: dict[str, Callable[[Erp], Awaitable[object]]] = {
    "people": lambda erp: erp.customers.find(CPF),
    "contracts": lambda erp: erp.customers.find(CPF),
    "titles": lambda erp: erp.billing.open_invoices(customer(), contract()),
    "contract_billets": lambda erp: erp.billing.open_invoices(customer(), contract()),
    "pdf": lambda erp: erp.billing.pdf(InvoiceId("77")),
    "access_point": lambda erp: erp.outages.affecting(customer()),
    "solicitation_list": lambda erp: erp.tickets.open_tickets(customer()),
    "open_solicitation": lambda erp: erp.tickets.open(new_ticket("20743")),
    "token": lambda erp: erp.tickets.open(new_ticket("20743")),
}


async def ask(question: Callable[[Erp], Awaitable[object]], erp: Erp) -> None:
    with suppress(Failure):  # the scripted ERP knows few answers; what was asked is what counts
        await question(erp)


@pytest.mark.parametrize("operation", PBX_CALLS)
async def test_each_call_of_the_pbx_has_a_name(operation: str) -> None:
    gates = Gatekeeper()
    await ask(PBX_CALLS[operation], ScriptedErp().build(fences=gates))
    assert gates.turns == [f"pbx {operation}"]


@pytest.mark.parametrize("operation", THIRD_PARTY_CALLS)
async def test_each_call_of_the_third_party_has_a_name(operation: str) -> None:
    gates, erp = Gatekeeper(), ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    erp.on(PERSON, recorded("person_by_txid"))
    await ask(THIRD_PARTY_CALLS[operation], erp.build(THIRD_PARTY, fences=gates))
    assert f"third_party {operation}" in gates.turns


async def test_a_link_has_a_name_too() -> None:
    gates, erp = Gatekeeper(), ScriptedErp()
    erp.on(TITLES, recorded("open_titles"))
    erp.on(CONTRACT_BILLETS, enveloped([{"id": 77, "typefulLine": LINE, "expirationDate": "2026-08-10"}]))
    await ask(PBX_CALLS["billets"], erp.build(THIRD_PARTY, fences=gates))
    assert "third_party link" in gates.turns


@pytest.mark.parametrize("operation", PBX_CALLS)
async def test_what_the_fence_refuses_is_not_sent_and_not_asked_for_again(operation: str) -> None:
    gates, erp = Gatekeeper("pbx"), ScriptedErp()
    with pytest.raises(Unavailable) as caught:
        await PBX_CALLS[operation](erp.build(fences=gates))
    assert (type(caught.value), caught.value.cause) == (Unavailable, "erp.circuit_open")
    assert erp.requests == []
    assert len(gates.turns) == 1


async def test_where_the_third_party_is_shut_the_pbx_answers() -> None:
    gates, erp = Gatekeeper("third_party"), ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    erp.on(BILLETS, says([]))
    erp.on(LIST, says([]))
    ports = erp.build(THIRD_PARTY, fences=gates)
    assert await ports.customers.find(CPF) is not None
    assert list(await ports.billing.open_invoices(customer(), contract())) == []
    assert list(await ports.tickets.open_tickets(customer())) == []
    assert (await ports.outages.affecting(customer())).outages == ()
    assert {request.url.path for request in erp.requests} == {VALIDATE, BILLETS, LIST}


async def test_a_ticket_that_the_third_party_is_shut_for_is_surely_not_opened() -> None:
    gates, erp = Gatekeeper("third_party"), ScriptedErp()
    with pytest.raises(Unavailable) as caught:
        await erp.build(THIRD_PARTY, fences=gates).tickets.open(new_ticket("20743"))
    assert type(caught.value) is Unavailable
    assert erp.requests == []


async def many_times(erp: ScriptedErp, paths: list[str], question: Callable[[Erp], Awaitable[object]]) -> None:
    """Asks one thing five times at once; the ERP answers at `paths` once everybody has asked."""
    all_asked = asyncio.Event()

    async def not_found(_: httpx.Request) -> httpx.Response:
        await all_asked.wait()
        return says({"success": False, "messages": "Não encontrado", "response": None})

    for path in paths:
        erp.on(path, not_found)
    ports = erp.build(THIRD_PARTY)
    asked = asyncio.gather(*(ask(question, ports) for _ in range(5)))
    for _ in range(50):
        await asyncio.sleep(0)
    all_asked.set()
    await asked


@pytest.mark.parametrize(
    ("paths", "operation"),
    [
        ([PERSON, CONTRACTS], "people"),
        ([TITLES, CONTRACT_BILLETS], "titles"),
        ([POINT], "access_point"),
    ],
)
async def test_equal_reads_at_the_same_moment_are_one_call(paths: list[str], operation: str) -> None:
    erp = ScriptedErp()
    erp.on(VALIDATE, recorded("client_validate"))
    await many_times(erp, paths, THIRD_PARTY_CALLS[operation])
    assert [erp.count(path) for path in paths] == [1] * len(paths)


async def test_what_is_asked_about_others_is_a_call_of_its_own() -> None:
    erp = ScriptedErp()
    other = POINT.replace("20743", "20744")
    await many_times(
        erp, [POINT, other], lambda ports: ports.outages.affecting(customer(contract(), contract("20744")))
    )
    assert (erp.count(POINT), erp.count(other)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "question"),
    [
        (UNBLOCK, lambda erp: erp.unblocks.unblock(contract())),
        (OPEN, lambda erp: erp.tickets.open(new_ticket())),
        (f"{API}/opensolicitation", lambda erp: erp.tickets.open(new_ticket("20743"))),
        (f"{API}/solicitationlist/12345", lambda erp: erp.tickets.open_tickets(customer())),
    ],
)
async def test_writes_and_what_reads_them_back_are_never_shared(
    path: str, question: Callable[[Erp], Awaitable[object]]
) -> None:
    erp = ScriptedErp()
    await many_times(erp, [path], question)
    assert erp.count(path) == 5

"""A write that is called off while it waits to be sent is told apart from one that may have taken effect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec.structs import replace

from application.ports import Erp
from application.unsent import is_unsent
from domain.installation import Policies
from tests.adapters.voalle.scripted import (
    API,
    OPEN,
    THIRD_PARTY,
    UNBLOCK,
    ScriptedErp,
    contract,
    customer,
    new_ticket,
    says,
)
from tests.application.office import unblock
from tests.application.test_answer_flow import Desk

Write = Callable[[Erp], Awaitable[object]]
WRITES: dict[str, tuple[str, Write]] = {
    "unblock": (UNBLOCK, lambda erp: erp.unblocks.unblock(contract())),
    "ticket": (OPEN, lambda erp: erp.tickets.open(new_ticket())),
    "ticket of a contract": (f"{API}/opensolicitation", lambda erp: erp.tickets.open(new_ticket("20743"))),
}


class Queue:
    """A fence at which some operations never have their turn."""

    def __init__(self, *full: str) -> None:
        self.full = set(full)
        self.waits = asyncio.Event()

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[None]:
        if operation in self.full:
            self.waits.set()
            await asyncio.Event().wait()
        yield


async def tells_that_it_was_not_sent(write: Awaitable[object], when: asyncio.Event) -> bool:
    """Called off `when` it has come so far."""

    async def attempt() -> bool:
        try:
            await write
        except asyncio.CancelledError as cancelled:
            return is_unsent(cancelled)
        raise AssertionError("it was not called off")

    attempted = asyncio.create_task(attempt())
    await when.wait()
    attempted.cancel()
    return await attempted


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("full", [("unblock", "open_solicitation"), ("unblock", "open_solicitation", "token")])
async def test_what_still_waits_for_its_turn_was_not_sent(write: str, full: tuple[str, ...]) -> None:
    scripted, queue = ScriptedErp(), Queue(*full)
    path, call = WRITES[write]
    erp = scripted.build(THIRD_PARTY, fences=lambda _: queue)
    assert await tells_that_it_was_not_sent(call(erp), queue.waits)
    assert scripted.count(path) == 0


@pytest.mark.parametrize("write", WRITES)
async def test_what_is_on_its_way_may_have_been(write: str) -> None:
    scripted, asked = ScriptedErp(), asyncio.Event()
    path, call = WRITES[write]

    async def hang(_: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    scripted.on(path, hang)
    assert not await tells_that_it_was_not_sent(call(scripted.build(THIRD_PARTY)), asked)


async def test_an_unblock_whose_turn_did_not_come_in_time_is_asked_for_when_the_flow_asks_again() -> None:
    office, scripted, queue = Desk(Policies(flow_api_deadline_s=0.2)), ScriptedErp(), Queue("unblock")
    office.world.add(customer())
    scripted.on(UNBLOCK, says({"return": True, "protocol": 77}))
    office.erp = replace(office.erp, unblocks=scripted.build(fences=lambda _: queue).unblocks)
    told = await office.ask(unblock())
    assert (told["resultado"], told["motivo"]) == ("auxiliary", "deadline.erp_too_slow")
    queue.full.clear()
    told = await office.ask(unblock())
    assert (told["resultado"], told["protocolo"]) == ("unblock_granted", "77")
    assert scripted.count(UNBLOCK) == 1

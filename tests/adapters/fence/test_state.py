"""What the status card shows of the fences."""

import pytest

from adapters.fence.breaker import FAILURES_IN_A_ROW
from adapters.fence.local import LocalFences
from adapters.fence.postgres import PostgresFences
from application.failures import Unavailable
from application.history import FenceState
from domain.identifiers import InstallationId

HERE, THERE = InstallationId("inst-1"), InstallationId("inst-2")


async def shown(fences: LocalFences | PostgresFences) -> None:
    pbx = fences.fence(HERE, "pbx", concurrency=3, per_minute=None, call_s=8)
    fences.fence(THERE, "pbx", concurrency=3, per_minute=None, call_s=8)
    async with pbx.turn("billets"), pbx.turn("client_validate"):
        assert list(await fences.state(HERE)) == [FenceState(api="pbx", taken=2, places=3, open_circuits=())]

    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(Unavailable):
            async with pbx.turn("billets"):
                raise Unavailable("erp.timeout")
    (state,) = await fences.state(HERE)
    assert state.open_circuits == ("billets",)
    assert list(await fences.state(InstallationId("nobody"))) == []


async def test_the_fences_of_one_process_show_their_places_and_open_circuits() -> None:
    await shown(LocalFences())


async def test_fences_over_a_database_show_the_places_that_all_processes_take(fence_url: str) -> None:
    fences, elsewhere = PostgresFences(fence_url), PostgresFences(fence_url)
    await fences.open()
    await elsewhere.open()
    try:
        await shown(fences)
        there = elsewhere.fence(HERE, "third_party", concurrency=2, per_minute=None, call_s=8)
        async with there.turn("people"):
            assert [(each.api, each.taken) for each in await fences.state(HERE) if each.api == "third_party"] == [
                ("third_party", 1)
            ]
    finally:
        await fences.close()
        await elsewhere.close()


async def test_fences_that_can_not_be_read_say_so() -> None:
    with pytest.raises(Unavailable):
        await PostgresFences("postgresql://nobody@127.0.0.1:1/none").state(HERE)

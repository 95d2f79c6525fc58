import asyncio

from structlog.testing import capture_logs

from application.failures import Unavailable
from entrypoints.steady_round import repeating


async def test_a_round_comes_again_whatever_became_of_the_last_one_and_ends_with_its_block() -> None:
    came: asyncio.Queue[int] = asyncio.Queue()
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        came.put_nowait(rounds)
        if rounds == 1:
            raise Unavailable("storage.busy")
        if rounds == 2:
            raise KeyError("ours")
        if rounds == 3:
            await asyncio.Event().wait()

    with capture_logs() as logged:
        async with repeating(work, every_s=0, first_after_s=0):
            for expected in (1, 2, 3):
                async with asyncio.timeout(10):
                    assert await came.get() == expected
    assert [entry["event"] for entry in logged] == ["round.failed", "round.crashed"]
    assert all(entry["round"].endswith("<locals>.work") for entry in logged)
    assert came.empty()

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from application.failures import Failure, InDoubt, Unavailable, Unintelligible
from application.ports import Lane
from application.unsent import before_sending
from application.write_once import WriteOnce
from tests.application.office import CHAT, Office, unblock


@pytest.mark.parametrize("failure", [InDoubt("erp.dropped"), Unintelligible("erp.not_json")])
async def test_a_write_that_may_have_happened_is_never_made_again_whoever_asks(failure: Failure) -> None:
    office = Office()
    await office.accept(unblock())
    entry = await office.journal.head(Lane(installation_id=office.installation.id, chat_id=CHAT.id))
    assert entry is not None
    write: WriteOnce[str, str] = WriteOnce(journal=office.journal, entry=entry, before=str, answer=str)
    made: list[str] = []

    async def act() -> str:
        made.append("once")
        raise failure

    async def read_back(_: str) -> str | None:
        return None

    for _ in range(2):
        with pytest.raises(InDoubt):
            await write("before", act=act, read_back=read_back)
    assert made == ["once"]


class Attempts:
    """Attempts at one write, each called off while it hangs."""

    def __init__(self) -> None:
        self.office = Office()
        self.hangs = asyncio.Event()

    async def write(self, act: Callable[[], Awaitable[str]]) -> str:
        lane = Lane(installation_id=self.office.installation.id, chat_id=CHAT.id)
        if await self.office.journal.head(lane) is None:
            await self.office.accept(unblock())
        entry = await self.office.journal.head(lane)
        assert entry is not None
        write: WriteOnce[str, str] = WriteOnce(journal=self.office.journal, entry=entry, before=str, answer=str)
        return await write.earlier(read_back=nothing) or await write("before", act=act, read_back=nothing)

    async def called_off(self, act: Callable[[], Awaitable[str]]) -> None:
        attempt = asyncio.create_task(self.write(act))
        await self.hangs.wait()
        attempt.cancel()
        await asyncio.wait((attempt,))
        assert attempt.cancelled()

    async def hang_unsent(self) -> str:
        with before_sending():
            return await self.hang()

    async def hang(self) -> str:
        self.hangs.set()
        await asyncio.Event().wait()
        raise AssertionError("never")


async def nothing(_: str) -> str | None:
    return None


async def answered() -> str:
    return "answer"


async def test_a_write_that_was_called_off_before_it_was_sent_may_be_made() -> None:
    attempts = Attempts()
    await attempts.called_off(attempts.hang_unsent)
    assert await attempts.write(answered) == "answer"


async def test_a_write_that_was_called_off_nobody_knows_when_is_never_made_again() -> None:
    attempts = Attempts()
    await attempts.called_off(attempts.hang)
    with pytest.raises(InDoubt):
        await attempts.write(answered)


async def test_a_write_that_was_called_off_before_it_was_sent_stays_in_doubt_where_that_can_not_be_recorded() -> None:
    attempts = Attempts()
    journal = attempts.office.journal

    async def full(*_: object) -> None:
        raise Unavailable("storage.failed")

    journal.forget = full  # type: ignore[assignment,method-assign]
    await attempts.called_off(attempts.hang_unsent)
    with pytest.raises(InDoubt):
        await attempts.write(answered)

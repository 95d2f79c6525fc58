import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from application.failures import Failure, InDoubt, Unavailable, Unintelligible
from application.ports import Begun, Entry, Lane
from application.unsent import before_sending
from application.write_once import WriteOnce
from domain.identifiers import EffectKey
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


async def test_a_write_of_which_surely_nothing_was_sent_may_be_made_after_all() -> None:
    attempts = Attempts()

    async def unreachable() -> str:
        raise Unavailable("erp.unreachable")

    with pytest.raises(Unavailable, match=r"erp\.unreachable"):
        await attempts.write(unreachable)
    assert await attempts.write(answered) == "answer"


async def test_what_the_erp_answered_is_known_to_the_next_attempt_which_asks_it_nothing() -> None:
    attempts = Attempts()
    await attempts.write(answered)
    assert await attempts.write(attempts.hang) == "answer"


async def test_what_reading_back_showed_is_known_to_the_next_attempt_which_reads_nothing_back() -> None:
    attempts = Attempts()
    shown = ["seen"]

    async def dropped() -> str:
        raise InDoubt("erp.dropped")

    async def read_back(before: str) -> str | None:
        assert before == "before"
        return shown.pop()

    for _ in range(2):
        assert await attempts.write(dropped, read_back=read_back) == "seen"


class Attempts:
    """Attempts at one write, each called off while it hangs."""

    def __init__(self) -> None:
        self.office = Office()
        self.hangs = asyncio.Event()

    async def write(
        self,
        act: Callable[[], Awaitable[str]],
        *,
        looked_before: bool = False,
        read_back: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> str:
        read_back = read_back or nothing
        lane = Lane(installation_id=self.office.installation.id, chat_id=CHAT.id)
        if await self.office.journal.head(lane) is None:
            await self.office.accept(unblock())
        entry = await self.office.journal.head(lane)
        assert entry is not None
        write: WriteOnce[str, str] = WriteOnce(journal=self.office.journal, entry=entry, before=str, answer=str)
        earlier = None if looked_before else await write.earlier(read_back=read_back)
        return earlier or await write("before", act=act, read_back=read_back)

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


class SlowBegin:
    """A journal that records an intent at once and is slow to say so."""

    def __init__(self, attempts: Attempts) -> None:
        self._begin, attempts.office.journal.begin = attempts.office.journal.begin, self  # type: ignore[method-assign]
        self._attempts = attempts
        self.says_so = asyncio.Event()

    async def __call__(self, entry: Entry, key: EffectKey, note: bytes = b"", **more: Any) -> Begun:
        begun = await self._begin(entry, key, note, **more)
        self._attempts.hangs.set()
        await self.says_so.wait()
        return begun


async def test_a_write_that_was_called_off_while_its_intent_was_recorded_may_be_made() -> None:
    attempts = Attempts()
    slow = SlowBegin(attempts)
    attempt = asyncio.create_task(attempts.write(answered))
    await attempts.hangs.wait()
    attempt.cancel()
    slow.says_so.set()
    await asyncio.wait((attempt,))
    assert attempt.cancelled()
    assert await attempts.write(answered) == "answer"


async def test_a_write_that_was_called_off_while_its_intent_could_not_be_recorded_is_called_off_and_may_be_made() -> (
    None
):
    attempts = Attempts()
    journal = attempts.office.journal
    begin, failed = journal.begin, asyncio.Event()

    async def full(*_: object, **__: object) -> Begun:
        attempts.hangs.set()
        await failed.wait()
        raise Unavailable("storage.full")

    journal.begin = full  # type: ignore[method-assign]
    attempt = asyncio.create_task(attempts.write(answered))
    await attempts.hangs.wait()
    attempt.cancel()
    failed.set()
    await asyncio.wait((attempt,))
    assert attempt.cancelled()
    journal.begin = begin  # type: ignore[method-assign]
    assert await attempts.write(answered) == "answer"


async def test_the_intent_of_another_attempt_stays_when_one_is_called_off_meanwhile() -> None:
    attempts = Attempts()
    slow = SlowBegin(attempts)
    both = [asyncio.create_task(attempts.write(attempts.hang, looked_before=True)) for _ in range(2)]
    await attempts.hangs.wait()
    await asyncio.sleep(0)
    both[1].cancel()
    slow.says_so.set()
    await asyncio.wait(both[1:])
    both[0].cancel()
    await asyncio.wait(both)
    with pytest.raises(InDoubt):
        await attempts.write(answered)

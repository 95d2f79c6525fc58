import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from adapters.engine.lanes import Lanes
from adapters.memory.clock import SetClock
from adapters.memory.journal import MemoryJournal
from application.ports import Arrival, Lane
from domain.identifiers import ChatId, InstallationId, NotificationKey
from domain.notification import ChatRef, CustomerLookup
from entrypoints.worker import Unfinished, ages_of_unfinished, stop_signal, work_until_stopped, working


def lane(chat: str) -> Lane:
    return Lane(installation_id=InstallationId("i-1"), chat_id=ChatId(chat))


def left(*lanes: Lane) -> Unfinished:
    """What an earlier process did not finish."""

    async def unfinished() -> Mapping[Lane, float]:
        return dict.fromkeys(lanes, 1.0)

    return unfinished


class Shift:
    """Work that notes the lanes in their order, and tells when so many have been there."""

    def __init__(self, expected: int) -> None:
        self.worked: list[Lane] = []
        self.all_there = asyncio.Event()
        self._expected = expected

    async def work(self, lane: Lane) -> None:
        self.worked.append(lane)
        if len(self.worked) == self._expected:
            self.all_there.set()


async def test_what_an_earlier_process_left_is_worked_on() -> None:
    shift = Shift(expected=3)
    lanes = Lanes(work=shift.work, concurrency=1)

    async with working(left(lane("1"), lane("2")), lanes):
        lanes.wake(lane("3"))
        await shift.all_there.wait()

    assert set(shift.worked) == {lane("1"), lane("2"), lane("3")}


async def test_what_an_earlier_process_left_comes_with_its_age_the_oldest_first() -> None:
    clock = SetClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    journal = MemoryJournal(clock=clock)
    for chat, later_s in (("1", 3.0), ("2", 1.0), ("1", 0.5)):
        asked = CustomerLookup(key=NotificationKey(f"{chat} {later_s}"), chat=ChatRef(id=ChatId(chat)), document="")
        await journal.accept(InstallationId("i-1"), [Arrival(notification=asked, raw=b"{}")], window_s=60)
        clock.advance(later_s)

    assert list((await ages_of_unfinished(journal)).items()) == [(lane("1"), 4.5), (lane("2"), 1.5)]


async def test_nothing_is_worked_on_after_the_block() -> None:
    shift = Shift(expected=1)
    lanes = Lanes(work=shift.work)

    async with working(left(lane("1")), lanes):
        await shift.all_there.wait()
    lanes.wake(lane("2"))
    await asyncio.sleep(0)

    assert shift.worked == [lane("1")]


async def test_the_engine_stops_although_the_block_failed() -> None:
    shift = Shift(expected=1)
    lanes = Lanes(work=shift.work)

    with pytest.raises(RuntimeError):
        async with working(left(), lanes):
            raise RuntimeError
    lanes.wake(lane("1"))
    await asyncio.sleep(0)

    assert shift.worked == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_lone_worker_after_its_running_work(number: signal.Signals) -> None:
    begun, finish, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(lane: Lane) -> None:
        begun.set()
        await finish.wait()
        finished.set()

    stop = stop_signal()
    worker = asyncio.create_task(work_until_stopped(left(lane("1")), Lanes(work=work), stop))
    await begun.wait()
    os.kill(os.getpid(), number)
    await stop.wait()
    finish.set()
    await worker

    assert finished.is_set()

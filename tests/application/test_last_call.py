"""Whoever has waited in vain is let go in time, without a question to the ERP, and nothing that was begun is forgotten."""

import pytest

from application.failures import Unavailable
from application.handle_notification import time_to_ask_s
from application.ports import Lane
from domain.installation import FlowKey, Policies
from domain.outcome import CustomerFound, Failed, UnblockGranted
from tests.application.office import CHAT, Office, lookup, unblock
from tests.application.test_deadlines_and_crashes import Killed, Mortal
from tests.application.test_operations import BLOCKED
from tests.domain.builders import customer

WAITED = "deadline.waited_too_long"


async def last_call(office: Office) -> float | None:
    return await office.work_lane.last_call(Lane(installation_id=office.installation.id, chat_id=CHAT.id))


def causes(office: Office) -> list[str]:
    return [outcome.cause for outcome in office.notebook.finished_with if isinstance(outcome, Failed)]


async def test_a_last_call_asks_the_erp_nothing_however_much_time_is_left() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    assert await last_call(office) is None
    assert causes(office) == [WAITED]
    assert office.flows == [FlowKey.AUXILIARY]


async def test_a_last_call_ends_all_that_is_in_the_chat_in_order() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup(key="n-1"), unblock(key="n-2"))
    assert await last_call(office) is None
    assert causes(office) == [WAITED] * 2
    assert office.world.writes == []


async def test_a_last_call_waits_for_huggy_like_all_work() -> None:
    office = Office()
    await office.accept(lookup())
    office.chat.fail(Unavailable("huggy.busy", retry_after_s=7))
    assert await last_call(office) == 7
    assert await last_call(office) is None
    assert office.flows == [FlowKey.AUXILIARY]


async def test_what_was_concluded_before_is_told_at_the_last_call() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.chat.fail(Unavailable("huggy.unreachable"))
    await office.work()
    assert await last_call(office) is None
    assert isinstance(office.notebook.finished_with[-1], CustomerFound)
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_what_was_asked_of_the_erp_before_a_crash_is_told_at_the_last_call() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    Mortal(office, dies_at=2, after_effect=True)  # begin, unblock
    with pytest.raises(Killed):
        await office.work()
    office.journal.crash()
    assert await last_call(office) is None
    assert isinstance(office.notebook.finished_with[-1], UnblockGranted)
    assert office.world.writes == ["unblock 20743"]


@pytest.mark.parametrize(("deadline_s", "to_ask_s"), [(20, 17), (12, 9), (4, 3), (0.04, 0.03)])
def test_the_erp_may_be_asked_until_what_is_left_is_needed_for_telling(deadline_s: float, to_ask_s: float) -> None:
    assert time_to_ask_s(Policies(reply_deadline_s=deadline_s)) == pytest.approx(to_ask_s)

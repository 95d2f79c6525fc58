"""No customer is left stuck, nothing happens twice that must not: whatever fails, and wherever a crash cuts in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from application import conclude
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from application.perform import PDFS_TIMEOUT_S
from application.ports import Begun, Entry, Erp, Lane
from application.write_once import write_key
from domain.action import Action, LeaveNote, Say, SayCode, SendFile, StartFlow
from domain.customer import Contract, Customer
from domain.identifiers import EffectKey, InvoiceId
from domain.installation import FlowKey, Policies
from domain.notification import ChatRef, Situation
from domain.outcome import BoletosIssued, CustomerFound, Failed, TicketOpened, UnblockGranted
from domain.tax_id import TaxId
from domain.trail import Ending
from tests.application.office import CHAT, Office, boleto, lookup, ticket, unblock
from tests.application.test_operations import BLOCKED, HOME, LINE, OFFICE, invoice
from tests.domain.builders import customer, installation


class Hanging:
    """An ERP that accepts and never answers."""

    async def find(self, tax_id: TaxId) -> Customer | None:
        await asyncio.Event().wait()
        raise AssertionError("never")


def replace_customers(erp: Erp, customers: object) -> Erp:
    fields = {name: getattr(erp, name) for name in erp.__struct_fields__}
    return Erp(**(fields | {"customers": customers}))


async def test_an_erp_that_never_answers_ends_in_the_auxiliary_flow_within_the_deadline() -> None:
    office = Office(Policies(reply_deadline_s=0.04))
    office.erp = replace_customers(office.erp, Hanging())
    assert await office.receive(lookup()) == Failed(cause="deadline.erp_too_slow")
    assert office.flows == [FlowKey.AUXILIARY]


async def test_what_waited_too_long_asks_the_erp_nothing_any_more() -> None:
    office = Office()
    office.world.fail("find", Unavailable("must not be asked"))
    await office.accept(lookup())
    office.clock.advance(18)
    await office.work()
    assert office.notebook.finished_with == [Failed(cause="deadline.waited_too_long")]
    assert office.flows == [FlowKey.AUXILIARY]


async def test_a_clock_that_is_set_forward_makes_nobody_late() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.clock.jump(3600)
    await office.work()
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_fault_of_ours_ends_in_the_auxiliary_flow_and_is_reported() -> None:
    office = Office()
    office.erp = replace_customers(office.erp, None)
    assert await office.receive(lookup()) == Failed(cause="ponte.fault")
    assert office.flows == [FlowKey.AUXILIARY]
    assert [type(fault) for fault in office.notebook.faults] == [AttributeError]


async def test_the_notifications_of_a_chat_are_worked_in_the_order_of_their_arrival() -> None:
    office = Office()
    office.world.add(customer(HOME))
    await office.receive(lookup(key="n-1"), boleto(key="n-2"), ticket(key="n-3"))
    assert office.flows == [FlowKey.CUSTOMER_FOUND, FlowKey.BOLETOS_NONE, FlowKey.TICKET_OPENED]


async def test_a_second_delivery_changes_nothing() -> None:
    office = Office()
    office.world.add(customer())
    await office.receive(lookup(), lookup())
    await office.receive(lookup())
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_an_installation_that_is_gone_leaves_nothing_to_do() -> None:
    office = Office()
    await office.accept(lookup())
    await office.installations.remove(office.installation.id)
    assert await office.work() is None
    assert office.chat.done == []


# --- agents ---------------------------------------------------------------------------------------------------


async def test_a_chat_that_an_agent_took_gets_notes_and_no_flow() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    office.chat.situations[CHAT.id] = Situation.WITH_AGENT
    await office.receive(lookup())
    assert [note.message.key for note in office.chat.notes(CHAT.id)] == [
        "contracts.list",
        "note.outcome.customer.found",
    ]
    assert office.heard == []
    assert office.flows == []


async def test_the_codes_of_a_late_boleto_reach_the_agent_as_notes() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(), invoice("8", digitable_line="", link="https://erp.example/b/8")]
    office.chat.situations[CHAT.id] = Situation.WITH_AGENT
    await office.receive(boleto())
    assert LINE in [note.message.values.get("code") for note in office.chat.notes(CHAT.id)]
    assert office.heard == []


async def test_a_chat_that_ended_meanwhile_is_left_alone() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.situations[CHAT.id] = Situation.CLOSED
    await office.receive(lookup())
    assert office.chat.done == []


async def test_a_refused_note_in_an_agents_chat_starts_no_flow() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.situations[CHAT.id] = Situation.WITH_AGENT
    office.chat.fail(Rejected("huggy.not_found"))
    await office.receive(lookup())
    assert office.flows == []


async def test_an_agent_who_takes_the_chat_while_a_slow_answer_is_told_keeps_it() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    said = office.chat.perform

    async def slow(chat: object, action: object) -> None:
        await said(chat, action)  # type: ignore[arg-type]
        office.clock.advance(6)
        office.chat.situations[CHAT.id] = Situation.WITH_AGENT

    office.chat.perform = slow  # type: ignore[method-assign]
    await office.receive(lookup())
    assert office.said_keys == ["contracts.list"]
    assert office.flows == []


async def test_an_agent_who_takes_the_chat_between_two_messages_reads_the_rest_as_notes() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(str(number), reference=f"FAT{number}") for number in range(1, 4)]
    said = office.chat.perform

    async def slow(chat: ChatRef, action: Action) -> None:
        await said(chat, action)
        office.clock.advance(3)
        office.chat.situations[CHAT.id] = Situation.WITH_AGENT

    office.chat.perform = slow  # type: ignore[method-assign]
    await office.receive(boleto())
    assert len(office.heard) == 2, "until the chat was looked at again"
    notes = office.chat.notes(CHAT.id)
    assert len(notes) == 9 - 2 + 1, "all that was not said, and what came of it"
    assert notes[-1].message.key == "note.outcome.boleto.issued"
    assert office.flows == []


async def test_what_an_agent_read_is_said_to_the_customer_when_the_chat_was_handed_back_meanwhile() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice()]
    office.chat.situations[CHAT.id] = Situation.WITH_AGENT
    await office.accept(boleto())
    with refusing(office, LeaveNote, Unavailable("huggy.unavailable"), after=3):
        assert await office.work() is not None
    assert len(office.chat.notes(CHAT.id)) == 3
    office.chat.situations[CHAT.id] = Situation.AUTOMATIC
    assert await office.work() is None
    assert office.said_keys == ["boleto.intro.line", "boleto.link"]
    assert office.flows == [FlowKey.BOLETOS_FOUND]


@pytest.mark.parametrize(
    ("contracts", "said"), [((HOME,), []), ((HOME, OFFICE), ["contracts.list"])], ids=["nothing said", "list told"]
)
async def test_a_slow_chat_that_nobody_took_goes_on_to_its_flow(contracts: Sequence[Contract], said: list[str]) -> None:
    office = Office()
    office.world.add(customer(*contracts))
    looked = office.chat.situation

    async def slow(chat: ChatRef) -> Situation:
        office.clock.advance(6)
        return await looked(chat)

    office.chat.situation = slow  # type: ignore[method-assign]
    await office.receive(lookup())
    assert office.said_keys == said
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_chat_that_was_just_looked_at_is_not_looked_at_again_before_each_message() -> None:
    office = Office()
    office.clock.advance(3600)
    with_pdf(office)
    looks, looked = [], office.chat.situation

    async def counted(chat: ChatRef) -> Situation:
        looks.append(chat.id)
        return await looked(chat)

    office.chat.situation = counted  # type: ignore[method-assign]
    await office.receive(boleto())
    assert len(office.heard) == 3
    assert len(looks) == 1


# --- Huggy fails ----------------------------------------------------------------------------------------------


async def test_while_huggy_is_down_the_notification_waits_and_then_ends_in_its_flow() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    office.chat.fail(Unavailable("huggy.unreachable"), Unavailable("huggy.busy", retry_after_s=7))
    await office.accept(lookup())
    assert await office.work() == 1.0
    office.clock.advance(40)
    assert await office.work() == 7
    assert await office.work() is None
    assert office.said_keys == ["contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert office.world.writes == []


async def test_the_longer_huggy_is_down_the_rarer_it_is_asked_but_twice_a_minute_at_least() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    waits = []
    with refusing(office, StartFlow, Unavailable("huggy.unreachable")):
        for seconds in (2, 38, 60, 30, 4000):
            office.clock.advance(seconds)
            waits.append(await office.work())
    assert waits == [1, 10, 25, 30, 30]
    assert await office.work() is None
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_after_a_day_without_huggy_nobody_waits_any_more() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.clock.advance(24 * 3600)
    office.chat.fail(Unavailable("huggy.unreachable"))
    assert await office.work() is None
    assert office.flows == []


async def test_a_look_at_a_late_chat_that_fails_is_tried_again_before_anything_is_said() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.clock.advance(6)
    looked = office.chat.situation

    async def failing(chat: object) -> Situation:
        office.chat.situation = looked  # type: ignore[method-assign]
        raise Unavailable("huggy.unreachable")

    office.chat.situation = failing  # type: ignore[method-assign]
    assert await office.work() is not None
    assert office.chat.done == []
    office.journal.crash()
    office.world.customers.clear()
    assert await office.work() is None
    assert office.flows == [FlowKey.CUSTOMER_FOUND], "the conclusion of the first attempt"


async def test_a_look_that_fails_for_minutes_keeps_nobody_waiting_any_more() -> None:
    office = Office()
    office.world.add(customer())

    async def failing(chat: object) -> Situation:
        raise Unavailable("huggy.unavailable")

    office.chat.situation = failing  # type: ignore[method-assign]
    await office.accept(lookup())
    office.clock.advance(6)
    assert await office.work() is not None
    assert office.flows == []
    office.clock.advance(114)
    assert await office.work() is None
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_what_was_said_is_on_record_before_a_slow_chat_is_looked_at_again() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    await office.accept(lookup())
    office.clock.advance(6)
    looked, said = office.chat.situation, office.chat.perform

    async def slow(chat: object, action: object) -> None:
        await said(chat, action)  # type: ignore[arg-type]
        office.clock.advance(6)
        office.chat.perform = said  # type: ignore[method-assign]
        office.chat.situation = failing  # type: ignore[method-assign]

    async def failing(chat: object) -> Situation:
        office.chat.situation = looked  # type: ignore[method-assign]
        raise Unavailable("huggy.unreachable")

    office.chat.perform = slow  # type: ignore[method-assign]
    assert await office.work() is not None
    assert await office.work() is None
    assert office.said_keys == ["contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_look_that_huggy_does_not_allow_keeps_the_answer_from_nobody() -> None:
    office = Office()
    office.world.add(customer())

    async def refusing(chat: object) -> Situation:
        raise Unintelligible("huggy.not_json")

    office.chat.situation = refusing  # type: ignore[method-assign]
    await office.receive(lookup())
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_flow_that_huggy_refuses_is_replaced_by_the_auxiliary_one() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Rejected("huggy.not_found"))
    await office.receive(lookup())
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.notebook.alerts == ["huggy.not_found"]


@pytest.mark.parametrize(
    ("document", "refusals"),
    [("529.982.247-25", 1), ("111.111.111-11", 2)],
    ids=["auxiliary", "its own, then auxiliary"],
)
async def test_when_huggy_refuses_every_flow_the_customer_gets_a_sentence(document: str, refusals: int) -> None:
    office = Office()
    office.world.fail("find", Unavailable("erp.timeout"))
    office.chat.fail(*[Rejected("huggy.not_found")] * refusals)
    await office.receive(lookup(document))
    assert office.said_keys == ["chat.no_flow"]
    assert office.flows == []


async def test_a_message_that_huggy_refuses_leads_to_the_auxiliary_flow() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    office.chat.fail(Rejected("huggy.refused"))
    await office.receive(lookup())
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.journal.ending(1) == Ending(flow=FlowKey.AUXILIARY, cause="huggy.refused")


async def test_a_file_that_huggy_refuses_is_replaced_by_its_link() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(digitable_line="")]
    office.world.pdfs[invoice().id] = b"%PDF-"
    said = office.chat.perform

    async def no_files(chat: object, action: object) -> None:
        if type(action).__name__ == "SendFile":
            raise Rejected("huggy.refused")
        await said(chat, action)  # type: ignore[arg-type]

    office.chat.perform = no_files  # type: ignore[method-assign]
    await office.receive(boleto())
    assert office.said_keys == ["boleto.intro.document", "boleto.link"]
    assert office.flows == [FlowKey.BOLETOS_FOUND]


@contextmanager
def refusing(office: Office, kind: type[object], failure: BaseException, *, after: int = 0) -> Iterator[None]:
    """Huggy takes so many actions of this kind, then none; everything else it takes."""
    taken, left = office.chat.perform, [after]

    async def perform(chat: ChatRef, action: Action) -> None:
        if isinstance(action, kind):
            left[0] -= 1
            if left[0] < 0:
                raise failure
        await taken(chat, action)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.chat, "perform", perform)
        yield


def with_pdf(office: Office, **changes: object) -> None:
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(**changes)]  # type: ignore[arg-type]
    office.world.pdfs[invoice().id] = b"%PDF-"


async def test_a_file_that_huggy_does_not_take_now_is_replaced_by_its_link() -> None:
    office = Office()
    with_pdf(office)
    with refusing(office, SendFile, Unavailable("huggy.unavailable")):
        await office.receive(boleto())
    assert office.said_keys == ["boleto.intro.line", "boleto.link"]
    assert office.flows == [FlowKey.BOLETOS_FOUND]


UNSURE = [InDoubt("huggy.timeout"), Unintelligible("huggy.unexpected_status")]
"""what Huggy may have done all the same"""


@pytest.mark.parametrize("failure", UNSURE)
async def test_a_file_that_may_have_arrived_is_sent_once_more_before_its_link_would_be(failure: Failure) -> None:
    office = Office()
    with_pdf(office)
    await office.accept(boleto())
    with refusing(office, SendFile, failure):
        assert await office.work() is not None
    assert await office.work() is None
    assert [type(action) for action in office.heard][-1] is SendFile
    assert office.said_keys == ["boleto.intro.line"]


async def test_what_huggy_takes_for_minutes_in_vain_gives_way_to_the_auxiliary_flow() -> None:
    office = Office()
    with_pdf(office, link="")
    await office.accept(boleto())
    with refusing(office, SendFile, Unavailable("huggy.unavailable")):
        assert await office.work() is not None
        office.clock.advance(60)
        assert await office.work() is not None
        assert office.flows == []
        office.clock.advance(60)
        assert await office.work() is None
    assert office.flows == [FlowKey.AUXILIARY]
    assert "huggy.unavailable" in office.notebook.alerts


async def test_notes_for_an_agent_wait_for_huggy_however_long() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    office.chat.situations[CHAT.id] = Situation.WITH_AGENT
    await office.accept(lookup())
    with refusing(office, LeaveNote, Unavailable("huggy.unavailable")):
        for _ in range(3):
            assert await office.work() is not None
            office.clock.advance(120)
    assert await office.work() is None
    assert [note.message.key for note in office.chat.notes(CHAT.id)] == [
        "contracts.list",
        "note.outcome.customer.found",
    ]
    assert office.flows == []


async def test_once_the_auxiliary_flow_was_begun_no_other_one_is_started_in_its_place() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.chat.fail(Rejected("huggy.not_found"))
    office.chat.fail(InDoubt("huggy.timeout"), after_effect=True)
    with refusing(office, Say, Unavailable("huggy.unavailable")):
        assert await office.work() is not None
    assert await office.work() is None
    assert office.flows == [FlowKey.AUXILIARY]
    assert office.said_keys == ["chat.in_doubt"]


async def test_where_neither_pdf_nor_link_can_be_had_and_there_is_no_code_a_person_helps() -> None:
    office = Office()
    with_pdf(office, digitable_line="", link="")
    del office.world.pdfs[invoice().id]
    await office.receive(boleto())
    assert office.flows == [FlowKey.AUXILIARY]
    assert "invoice.no_way_to_pay" in office.notebook.alerts


async def test_all_pdfs_of_one_answer_share_the_time_for_fetching_them() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(str(number)) for number in range(3)]
    asked: list[InvoiceId] = []

    async def slow(invoice_id: InvoiceId) -> None:
        asked.append(invoice_id)
        office.clock.advance(PDFS_TIMEOUT_S / 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.erp.billing, "pdf", slow)
        await office.receive(boleto())
    assert len(asked) == 2
    assert office.said_keys.count("boleto.link") == 3
    assert office.flows == [FlowKey.BOLETOS_FOUND]


@pytest.mark.parametrize("failure", UNSURE)
async def test_a_flow_whose_answer_got_lost_is_not_started_again_and_the_customer_is_told(failure: Failure) -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(failure, after_effect=True)
    await office.receive(lookup())
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert office.said_keys == ["chat.in_doubt"]


@pytest.mark.parametrize("failure", UNSURE)
async def test_a_message_whose_answer_got_lost_is_said_once_more_and_not_for_ever(failure: Failure) -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    office.chat.fail(failure, failure, after_effect=True)
    await office.accept(lookup())
    assert await office.work() is not None
    assert await office.work() is None
    assert office.said_keys == ["contracts.list", "contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


@pytest.mark.parametrize(("crashes", "said"), [(1, 1), (2, 1), (3, 0)])
async def test_a_message_that_crashes_kept_back_is_said_all_the_same_but_not_for_ever(crashes: int, said: int) -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    await office.accept(lookup())
    for _ in range(crashes):
        with refusing(office, Say, Killed()), pytest.raises(Killed):
            await office.work()
        office.journal.crash()
    assert await office.work() is None
    assert office.said_keys == ["contracts.list"] * said
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_fault_of_ours_while_telling_ends_in_the_auxiliary_flow() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    said = office.chat.perform

    async def broken(chat: object, action: object) -> None:
        if isinstance(action, Say):
            raise KeyError("no such sentence")
        await said(chat, action)  # type: ignore[arg-type]

    office.chat.perform = broken  # type: ignore[method-assign]
    await office.receive(lookup())
    assert office.flows == [FlowKey.AUXILIARY]
    assert [type(fault) for fault in office.notebook.faults] == [KeyError]
    assert office.journal.ending(1) == Ending(flow=FlowKey.AUXILIARY, cause="ponte.fault")


async def test_without_any_flow_chosen_the_chat_platform_is_still_asked_and_the_customer_gets_a_sentence() -> None:
    office = Office()
    office.installation = installation(flows={})
    office.world.add(customer())
    office.chat.fail(Rejected("huggy.flow_not_chosen"))
    await office.receive(lookup())
    assert office.said_keys == ["chat.no_flow"]


# --- crashes --------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies here."""


class Mortal:
    """A journal and a chat between which a crash cuts in at the n-th step: before it, or after it took effect."""

    def __init__(self, office: Office, *, dies_at: int, after_effect: bool) -> None:
        self._left = dies_at
        self._after_effect = after_effect
        for target, name in [
            *[(office.journal, name) for name in ("begin", "finish", "forget", "conclude", "finish_entry")],
            (office.chat, "perform"),
            (office.erp.unblocks, "unblock"),
            (office.erp.tickets, "open"),
        ]:
            setattr(target, name, self._mortal(getattr(target, name)))

    def _mortal(self, step: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def call(*args: object, **kwargs: object) -> object:
            self._left -= 1
            if self._left == 0 and not self._after_effect:
                raise Killed
            result = await step(*args, **kwargs)
            if self._left == 0:
                raise Killed
            return result

        return call


async def die_and_go_on(office: Office, *, after_step: int) -> None:
    """The process dies right after that step took effect, and the next one takes over."""
    Mortal(office, dies_at=after_step, after_effect=True)
    with pytest.raises(Killed):
        await office.work()
    office.journal.crash()
    await office.work()


@pytest.mark.parametrize("after_effect", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("dies_at", range(1, 20))
@pytest.mark.parametrize(
    "request_", [lookup(), boleto("1"), unblock("1"), ticket()], ids=["lookup", "boleto", "unblock", "ticket"]
)
async def test_wherever_the_process_dies_the_notification_ends_once(
    dies_at: int,
    after_effect: bool,
    request_: object,
) -> None:
    office = Office()
    office.world.add(customer(BLOCKED, OFFICE))
    office.world.invoices[BLOCKED.id] = [invoice()]
    await office.accept(request_)  # type: ignore[arg-type]
    Mortal(office, dies_at=dies_at, after_effect=after_effect)
    try:
        await office.work()
    except Killed:
        office.journal.crash()
        await office.work()

    assert office.flows or "chat.in_doubt" in office.said_keys
    assert len(office.flows) <= 1
    assert len(office.world.writes) <= 1
    codes = [action for action in office.heard if isinstance(action, SayCode)]
    assert len(codes) <= 2
    if office.flows and office.flows[0] is not FlowKey.AUXILIARY:
        done = office.notebook.finished_with[-1]
        assert not isinstance(done, Failed)
        assert bool(office.world.writes) == isinstance(done, UnblockGranted | TicketOpened)


async def test_after_a_crash_a_finished_unblock_is_granted_not_denied() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    await die_and_go_on(office, after_step=3)  # begin, unblock, finish
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]
    assert office.world.writes == ["unblock 20743"]


async def test_after_a_crash_in_the_middle_of_an_unblock_the_erp_is_read_back() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    await die_and_go_on(office, after_step=2)  # begin, unblock
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]
    assert office.world.writes == ["unblock 20743"]


async def test_after_a_crash_in_the_middle_of_a_flow_start_no_second_flow_is_started() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    await die_and_go_on(office, after_step=2)  # begin, perform
    assert office.flows == [FlowKey.CUSTOMER_FOUND]
    assert office.said_keys == ["chat.in_doubt"]
    assert office.journal.ending(1) == Ending(flow="chat.in_doubt", cause="huggy.flow_in_doubt")


async def test_who_wakes_with_a_notification_that_another_has_finished_does_nothing_again() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    await office.accept(lookup())
    in_hand = await office.journal.head(Lane(installation_id=office.installation.id, chat_id=CHAT.id))
    assert in_hand is not None
    await office.work()
    done = list(office.chat.done)
    await office.handle(in_hand)
    assert office.chat.done == done
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_write_that_is_cut_off_by_the_deadline_goes_to_a_person() -> None:
    office = Office(Policies(reply_deadline_s=0.04))
    office.world.add(customer(BLOCKED))

    async def hang(contract: object) -> object:
        await asyncio.Event().wait()
        raise AssertionError("never")

    office.erp.unblocks.unblock = hang  # type: ignore[assignment,method-assign]
    assert await office.receive(unblock()) == Failed(cause="deadline.erp_too_slow", write_in_doubt=True)


def after_the_write_is_recorded(office: Office, then: Callable[[], Awaitable[None]]) -> None:
    record = office.journal.finish

    async def finish(entry: Entry, key: EffectKey, note: bytes = b"") -> None:
        await record(entry, key, note)
        if key == write_key(entry):
            await then()

    office.journal.finish = finish  # type: ignore[method-assign]


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_write_that_the_erp_answered_just_before_the_deadline_is_told() -> None:
    office = Office(Policies(reply_deadline_s=0.04))
    office.world.add(customer(BLOCKED))
    after_the_write_is_recorded(office, never)
    assert isinstance(await office.receive(unblock()), UnblockGranted)
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]


async def test_a_write_that_was_answered_and_can_not_be_told_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conclude, "LOOK_BACK_S", 0.02)
    office = Office(Policies(reply_deadline_s=0.04))
    office.world.add(customer(BLOCKED))

    async def fall_silent() -> None:
        office.erp = replace_customers(office.erp, Hanging())
        await never()

    after_the_write_is_recorded(office, fall_silent)
    assert await office.receive(unblock()) == Failed(cause="deadline.erp_too_slow", write_in_doubt=True)
    assert [note.message.key for note in office.chat.notes(CHAT.id)] == ["note.write_in_doubt"]


async def test_after_a_fault_of_ours_behind_a_write_a_person_looks() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))

    async def break_down() -> None:
        raise LookupError

    after_the_write_is_recorded(office, break_down)
    assert await office.receive(unblock()) == Failed(cause="ponte.fault", write_in_doubt=True)
    assert [note.message.key for note in office.chat.notes(CHAT.id)] == ["note.write_in_doubt"]


async def test_the_same_conclusion_is_performed_after_a_crash_even_if_the_erp_now_says_something_else() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Unavailable("huggy.unreachable"))
    await office.accept(lookup())
    await office.work()
    office.journal.crash()
    office.world.customers.clear()
    await office.work()
    assert isinstance(office.notebook.finished_with[-1], CustomerFound)
    assert office.flows == [FlowKey.CUSTOMER_FOUND]


async def test_a_pdf_whose_answer_got_lost_is_sent_once_more_and_without_pdf_and_link_nothing_is_said() -> None:
    office = Office()
    office.world.add(customer(HOME))
    office.world.invoices[HOME.id] = [invoice(link="")]
    assert isinstance(await office.receive(boleto()), BoletosIssued)
    assert office.said_keys == ["boleto.intro.line"]


@pytest.mark.parametrize("failure", [Rejected("huggy.forbidden"), *UNSURE])
async def test_an_apology_that_cannot_be_said_either_leaves_an_alert(failure: Failure) -> None:
    office = Office()
    office.world.fail("find", Unavailable("erp.timeout"))
    office.chat.fail(Rejected("huggy.not_found"), failure)
    await office.receive(lookup())
    assert office.notebook.alerts == ["erp.timeout", "huggy.not_found", failure.cause]


async def test_a_cause_that_stops_several_steps_of_one_attempt_is_one_alert() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(*[Rejected("huggy.unauthorized")] * 3)
    await office.receive(lookup())
    assert office.journal.ending(1) == Ending(flow="chat.no_flow", cause="huggy.unauthorized")
    assert office.notebook.alerts == ["huggy.unauthorized"]
    office.chat.fail(Rejected("huggy.unauthorized"))
    await office.receive(lookup(key="n-2"))
    assert office.notebook.alerts == ["huggy.unauthorized"] * 2


async def test_after_a_crash_a_ticket_that_was_opened_is_told_as_opened_not_as_a_duplicate() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(ticket())
    await die_and_go_on(office, after_step=3)  # begin, open, finish
    assert office.said_keys == ["ticket.opened"]
    assert office.world.writes == ["ticket 12345"]


@contextmanager
def full_for(what: Literal["concluded", "happened"], office: Office) -> Iterator[None]:
    """Nothing that would record this goes in, with an intent or by itself."""
    begin = office.journal.begin

    async def begin_without(*args: Any, **told: Any) -> Begun:
        if told.get(what) is not None:
            raise Unavailable("storage.full")
        return await begin(*args, **told)

    async def full(*_: object) -> None:
        raise Unavailable("storage.full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.journal, "begin", begin_without)
        patch.setattr(office.journal, {"concluded": "conclude", "happened": "finish"}[what], full)
        yield


async def test_a_write_whose_intent_was_left_open_by_a_journal_that_failed_is_read_back() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    with full_for("concluded", office):
        assert await office.work() is not None
    assert (office.world.writes, office.flows) == (["unblock 20743"], [])
    await office.work()
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]
    assert office.world.writes == ["unblock 20743"]


@pytest.mark.parametrize("policies", [Policies(), Policies(paused=True)], ids=["late", "paused meanwhile"])
async def test_what_was_asked_of_the_erp_before_a_crash_is_told_however_late(policies: Policies) -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    Mortal(office, dies_at=2, after_effect=True)  # begin, unblock
    with pytest.raises(Killed):
        await office.work()
    office.journal.crash()
    office.clock.advance(120)
    office.installation = installation(policies)
    await office.installations.save(office.installation)
    await office.work()
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]
    assert office.world.writes == ["unblock 20743"]


async def test_what_the_erp_did_is_told_even_while_it_can_not_be_recorded() -> None:
    office = Office()
    office.world.add(customer(BLOCKED))
    await office.accept(unblock())
    recorded = office.journal.finish

    async def full(*args: object) -> None:
        office.journal.finish = recorded  # type: ignore[method-assign]
        raise Unavailable("storage.full")

    office.journal.finish = full  # type: ignore[assignment,method-assign]
    await office.work()
    assert office.flows == [FlowKey.UNBLOCK_GRANTED]
    assert office.world.writes == ["unblock 20743"]


async def test_a_doubt_that_can_not_be_told_now_is_told_later() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    office.chat.fail(InDoubt("huggy.timeout"), Unavailable("huggy.unavailable"))
    assert await office.work() is not None
    assert await office.work() is None
    assert office.flows == []
    assert office.said_keys == ["chat.in_doubt"]


async def test_a_message_whose_sending_cannot_be_recorded_is_said_twice_at_most() -> None:
    office = Office()
    office.world.add(customer(HOME, OFFICE))
    await office.accept(lookup())
    with full_for("happened", office):
        for _ in range(4):
            assert await office.work() is not None
    assert await office.work() is None
    assert office.said_keys == ["contracts.list", "contracts.list"]
    assert office.flows == [FlowKey.CUSTOMER_FOUND]

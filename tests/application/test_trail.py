"""What is kept of each attempt, how a chat's turn ended in truth, and what is paused."""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.memory.clock import SetClock
from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible
from application.trail import STEPS_MAX, gather, note, take
from domain.installation import FlowKey, Policies
from domain.notification import Situation
from domain.outcome import CustomerFound, Failed, Paused
from domain.trail import SHARED, Ending, Step, Trail
from tests.application.office import CHAT, NOON, Office, boleto, lookup
from tests.domain.builders import customer


def named(trail: Trail) -> Sequence[tuple[str, str]]:
    return [(step.what, step.ended) for step in trail.steps]


async def test_steps_are_told_with_their_times_in_the_order_of_their_beginnings() -> None:
    clock = SetClock(NOON)
    with gather(clock) as gathering:
        clock.advance(0.01)
        with take("outer", lambda: "sent") as outer:
            clock.advance(0.02)
            with take("inner", ended=SHARED):
                clock.advance(0.005)
            outer.answered(lambda: "received")
        note("noted")

    assert gathering.trail() == Trail(
        at=NOON,
        steps=(
            Step(what="outer", at_ms=10, took_ms=25, request="sent", answer="received"),
            Step(what="inner", at_ms=30, took_ms=5, ended=SHARED),
            Step(what="noted", at_ms=35, took_ms=0),
        ),
    )


async def test_a_step_ends_as_what_was_raised_in_it() -> None:
    with gather(SetClock(NOON)) as gathering:
        for error in (Unavailable("erp.timeout"), asyncio.CancelledError(), KeyError("529.982.247-25")):
            with pytest.raises(type(error)), take("step"):
                raise error

    assert named(gathering.trail()) == [("step", "erp.timeout"), ("step", "given_up"), ("step", "KeyError")]


async def test_where_nobody_gathers_nothing_is_kept_and_nothing_is_redacted() -> None:
    def never() -> str:
        raise AssertionError("redacted for nobody")

    with take("step", never) as step:
        step.answered(never)
    note("step")


async def test_a_text_that_can_not_be_redacted_is_left_out_and_stops_nobody() -> None:
    def broken() -> str:
        raise RecursionError

    with gather(SetClock(NOON)) as gathering, take("step") as step:
        step.answered(broken)

    assert gathering.trail().steps == (Step(what="step", at_ms=0, took_ms=0),)


async def test_what_two_attempts_do_at_the_same_time_is_kept_apart_and_what_comes_late_is_nobodys() -> None:
    async def attempt(name: str) -> Trail:
        with gather(SetClock(NOON)) as gathering:
            late = asyncio.create_task(_note_later(name))
            await asyncio.gather(_note_later(name), asyncio.create_task(_note_later(name)))
            trail = gathering.trail()
            note("late")
            await late
            assert gathering.trail().steps == trail.steps
            return trail

    one, two = await asyncio.gather(attempt("one"), attempt("two"))
    assert {step.what for step in one.steps} == {"one"}
    assert {step.what for step in two.steps} == {"two"}


async def _note_later(name: str) -> None:
    await asyncio.sleep(0)
    note(name)


async def test_a_trail_has_an_end() -> None:
    with gather(SetClock(NOON)) as gathering:
        for _ in range(STEPS_MAX + 1):
            note("step")

    assert len(gathering.trail().steps) == STEPS_MAX


async def test_the_trail_of_a_notification_tells_what_was_decided_and_how_it_ended() -> None:
    office = Office()
    office.world.add(customer())
    await office.receive(lookup())

    (trail,) = office.journal.trails(1)
    assert named(trail) == [("decision.customer.found", "ok"), ("ended.customer_found", "ok")]
    assert office.journal.ending(1) == Ending(flow="customer_found")


async def test_each_attempt_has_a_trail_of_its_own() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Unavailable("huggy.http_5xx"))
    await office.accept(lookup())
    assert await office.work() is not None
    assert await office.work() is None

    first, second = office.journal.trails(1)
    assert named(first) == [("decision.customer.found", "ok"), ("put_off", "huggy.http_5xx")]
    assert named(second) == [("ended.customer_found", "ok")]


async def test_of_very_many_attempts_the_first_and_the_last_are_kept() -> None:
    office = Office()
    office.world.add(customer())
    await office.accept(lookup())
    for _ in range(30):
        office.chat.fail(Unavailable("huggy.http_5xx"))
        await office.work()
    await office.work()

    trails = office.journal.trails(1)
    assert len(trails) == 21
    assert named(trails[0])[0] == ("decision.customer.found", "ok")
    assert named(trails[-1]) == [("ended.customer_found", "ok")]


async def test_a_chat_that_huggy_never_let_us_answer_ends_as_given_up() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Unavailable("huggy.http_5xx"), Unavailable("huggy.http_5xx"))
    await office.accept(lookup())
    await office.work()
    office.clock.advance(25 * 3600)
    assert await office.work() is None

    assert office.journal.ending(1) == Ending(flow="chat.given_up", cause="huggy.http_5xx")


async def test_a_flow_that_huggy_refuses_ends_in_the_auxiliary_flow_with_the_cause() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Rejected("huggy.not_found"))
    await office.receive(lookup())

    assert office.flows == [FlowKey.AUXILIARY]
    assert office.journal.ending(1) == Ending(flow="auxiliary", cause="huggy.not_found")
    (trail,) = office.journal.trails(1)
    assert named(trail)[-1] == ("ended.auxiliary", "huggy.not_found")


async def test_where_no_flow_at_all_can_be_started_the_ending_says_so() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Rejected("huggy.not_found"), Rejected("huggy.unauthorized"))
    await office.receive(lookup())
    assert office.journal.ending(1) == Ending(flow="chat.no_flow", cause="huggy.not_found")

    office.chat.fail(Rejected("huggy.not_found"))
    await office.receive(lookup("not a document at all", key="n-2"), boleto(document="x", key="n-3"))
    assert office.journal.ending(2) == Ending(flow="auxiliary", cause="huggy.not_found")


@pytest.mark.parametrize("doubt", [InDoubt("huggy.timeout"), Unintelligible("huggy.unexpected_status")])
async def test_a_start_in_doubt_counts_as_failed_and_is_not_told_as_a_flow_that_started(doubt: Failure) -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(doubt)
    await office.receive(lookup())

    assert office.journal.ending(1) == Ending(flow="chat.in_doubt", cause=doubt.cause)
    assert named(office.journal.trails(1)[0])[-1] == ("ended.chat.in_doubt", doubt.cause)


async def test_a_refused_flow_whose_replacement_is_in_doubt_ends_so_with_the_cause_of_the_refusal() -> None:
    office = Office()
    office.world.add(customer())
    office.chat.fail(Rejected("huggy.not_found"), InDoubt("huggy.timeout"))
    await office.receive(lookup())

    assert office.journal.ending(1) == Ending(flow="chat.in_doubt", cause="huggy.not_found")


@pytest.mark.parametrize(
    ("situation", "flow"), [(Situation.WITH_AGENT, "agent.keep"), (Situation.CLOSED, "chat.closed")]
)
async def test_a_chat_that_is_not_ours_any_more_ends_as_what_it_is(situation: Situation, flow: str) -> None:
    office = Office()
    office.world.add(customer())
    office.chat.situations[CHAT.id] = situation
    await office.receive(lookup())

    assert office.journal.ending(1) == Ending(flow=flow)


async def test_a_paused_operation_goes_to_the_auxiliary_flow_and_the_others_do_not() -> None:
    office = Office(Policies(paused_operations=("boleto_requested",)))
    office.world.add(customer())

    assert isinstance(await office.receive(lookup(key="n-1")), CustomerFound)
    assert await office.receive(boleto(key="n-2")) == Paused()
    assert office.flows == [FlowKey.CUSTOMER_FOUND, FlowKey.AUXILIARY]


@pytest.mark.parametrize("paused", [True, False])
async def test_in_shadow_mode_a_chat_ends_as_untouched_whatever_was_decided(*, paused: bool) -> None:
    office = Office(Policies(shadow=True, paused=paused))
    office.world.add(customer())
    await office.receive(lookup())

    assert office.journal.ending(1) == Ending(flow="chat.shadow")
    decided = "decision.paused" if paused else "decision.customer.found"
    assert named(office.journal.trails(1)[0]) == [(decided, "ok"), ("ended.chat.shadow", "ok")]


async def test_a_trail_that_can_not_be_kept_puts_off_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.world.fail("find", Unavailable("erp.timeout"))
    office.chat.fail(Unavailable("huggy.http_5xx"))
    full = Unavailable("storage.busy")

    async def refuse(*_: object) -> None:
        raise full

    monkeypatch.setattr(office.journal, "keep_trail", refuse)
    await office.accept(lookup())
    assert await office.work() is not None
    assert await office.work() is None
    assert office.notebook.finished_with == [Failed(cause="erp.timeout")]

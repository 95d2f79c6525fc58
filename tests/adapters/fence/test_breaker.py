"""The circuit breaker against a model of it."""

import asyncio
from contextlib import AbstractContextManager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from adapters.fence.breaker import (
    FAILURES_IN_A_ROW,
    FIRST_COOL_DOWN_S,
    HANGS_AFTER_S,
    LONGEST_COOL_DOWN_S,
    Breaker,
    Breakers,
)
from application.failures import InDoubt, Rejected, Unavailable

ENDS: dict[str, BaseException | None] = {
    "answered": None,
    "refused": Rejected("erp.refused"),
    "our own fault": ZeroDivisionError(),
    "away": Unavailable("erp.http_5xx"),
    "in doubt": InDoubt("erp.timeout"),
    "given up": asyncio.CancelledError(),
}


class Phase:
    """A time between two changes of the circuit; only calls that began in it can end it."""

    def __init__(self, cool_down_s: float | None, until: float = 0.0) -> None:
        self.cool_down_s = cool_down_s
        """None: closed"""
        self.until = until
        self.failures = 0
        self.trial: object = None


class Call:
    def __init__(self, attempt: AbstractContextManager[None], phase: Phase, began: float) -> None:
        self.attempt = attempt
        self.phase = phase
        self.began = began


class BreakerMachine(RuleBasedStateMachine):
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.phase = Phase(None)
        self.breaker = Breaker(lambda: self.now)

    def refuses(self) -> bool:
        return self.phase.cool_down_s is not None and (self.phase.trial is not None or self.now < self.phase.until)

    @rule(seconds=st.sampled_from([0.25, HANGS_AFTER_S, FIRST_COOL_DOWN_S, 2 * FIRST_COOL_DOWN_S, LONGEST_COOL_DOWN_S]))
    def let_pass(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=calls)
    def begin(self) -> object:
        attempt = self.breaker.attempt()
        if self.refuses():
            with pytest.raises(Unavailable) as caught:
                attempt.__enter__()
            assert (type(caught.value), caught.value.cause) == (Unavailable, "erp.circuit_open")
            return multiple()
        attempt.__enter__()
        call = Call(attempt, self.phase, self.now)
        if self.phase.cool_down_s is not None:
            self.phase.trial = call
        return call

    @rule(call=consumes(calls), end=st.sampled_from(sorted(ENDS)))
    def end(self, call: Call, end: str) -> None:
        error = ENDS[end]
        assert not call.attempt.__exit__(type(error) if error else None, error, None)
        if call.phase is not self.phase:
            return
        if end == "given up" and self.now - call.began < HANGS_AFTER_S:
            self.phase.trial = None
        elif end in ("away", "in doubt", "given up"):
            self.fail()
        elif self.phase.cool_down_s is not None:
            self.phase = Phase(None)
        else:
            self.phase.failures = 0

    def fail(self) -> None:
        self.phase.failures += 1
        if self.phase.cool_down_s is not None:
            cool_down_s = min(2 * self.phase.cool_down_s, LONGEST_COOL_DOWN_S)
        elif self.phase.failures == FAILURES_IN_A_ROW:
            cool_down_s = FIRST_COOL_DOWN_S
        else:
            return
        self.phase = Phase(cool_down_s, self.now + cool_down_s)

    @invariant()
    def refuses_when_the_model_does(self) -> None:
        if self.refuses():
            with pytest.raises(Unavailable) as caught:
                self.breaker.refuse_if_open()
            assert caught.value.retry_after_s == max(0.0, self.phase.until - self.now)
        else:
            self.breaker.refuse_if_open()


BreakerMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
test_it_does_what_the_model_does = BreakerMachine.TestCase


def test_the_cool_down_grows_to_its_longest_and_no_further() -> None:
    now = 0.0
    breaker, waited = Breaker(lambda: now), []
    for failure in range(FAILURES_IN_A_ROW + 2000):
        with pytest.raises(Unavailable, match="away"), breaker.attempt():
            raise Unavailable("away")
        if failure < FAILURES_IN_A_ROW - 1:
            continue
        with pytest.raises(Unavailable) as caught:
            breaker.refuse_if_open()
        assert caught.value.retry_after_s is not None
        waited.append(caught.value.retry_after_s)
        now += caught.value.retry_after_s
    assert waited[:3] == [FIRST_COOL_DOWN_S, LONGEST_COOL_DOWN_S, LONGEST_COOL_DOWN_S]
    assert waited[-1] == LONGEST_COOL_DOWN_S


def test_each_operation_has_its_own() -> None:
    breakers = Breakers(lambda: 0.0)
    assert breakers.of("people") is breakers.of("people")
    assert breakers.of("people") is not breakers.of("titles")

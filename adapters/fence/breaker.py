"""Circuit breakers: an operation that keeps failing is not asked for a while, so that nobody waits for it in vain.

    closed ── 5 failures in a row ──> open ── cool-down over ──> one call is let through
      ^                                ^                              │
      └──────────── it succeeds ───────┼──────────────────────────────┤
                                       └── it fails: twice as long ───┘

An operation that fails now and then is worth asking, hence failures in a row and not a share of them. Results of calls
that began before the circuit opened or closed are too old to count.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from application.failures import Unavailable

FAILURES_IN_A_ROW = 5
FIRST_COOL_DOWN_S, LONGEST_COOL_DOWN_S = 0.25, 0.5
"""Short on purpose: one call at a time is what a sick ERP can bear, a hanging one is held by its own trial for the whole
time-out, and the first customer after its recovery must not be turned away."""
HANGS_AFTER_S = 1.0
"""A call that its caller gives up later than this shows an ERP that hangs. One given up earlier shows only that its
caller had little time left after waiting: a crowd must not open the circuit of a healthy ERP."""


class Breaker:
    """One operation's circuit. Used within one event loop."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures = 0
        """in a row, while closed"""
        self._openings = 0
        """in a row; 0: closed"""
        self._open_until = 0.0
        self._trying = False
        """the one call after the cool-down is under way"""
        self._era = 0
        """how often it has opened or closed"""

    def refuse_if_open(self) -> None:
        """`Unavailable` at once, unless a call may be made now."""
        left_s = self._open_until - self._monotonic()
        if self._openings and (self._trying or left_s > 0):
            raise Unavailable("erp.circuit_open", retry_after_s=max(left_s, 0.0))

    @property
    def is_open(self) -> bool:
        """Until a call has succeeded again."""
        return self._openings > 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """The block is one call, whose end is judged as `application.ports.Fence` says; refuses as `refuse_if_open`."""
        self.refuse_if_open()
        self._trying = self._openings > 0
        era, began, end = self._era, self._monotonic(), self._succeeded
        try:
            yield
        except Unavailable:
            end = self._failed
            raise
        except asyncio.CancelledError:
            hung = self._monotonic() - began >= HANGS_AFTER_S
            end = self._failed if hung else self._given_up
            raise
        finally:
            if era == self._era:
                end()

    def _failed(self) -> None:
        self._failures += 1
        if self._openings or self._failures >= FAILURES_IN_A_ROW:
            cool_down_s = min(FIRST_COOL_DOWN_S * 2.0 ** min(self._openings, 16), LONGEST_COOL_DOWN_S)
            self._open_until = self._monotonic() + cool_down_s
            self._turn_over(openings=self._openings + 1)

    def _succeeded(self) -> None:
        self._failures = 0
        if self._openings:
            self._turn_over(openings=0)

    def _given_up(self) -> None:
        self._trying = False

    def _turn_over(self, *, openings: int) -> None:
        self._openings = openings
        self._failures = 0
        self._trying = False
        self._era += 1


class Breakers:
    """One for each operation, made when first asked for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._breakers: defaultdict[str, Breaker] = defaultdict(lambda: Breaker(monotonic))

    def of(self, operation: str) -> Breaker:
        return self._breakers[operation]

    def open_ones(self) -> tuple[str, ...]:
        return tuple(sorted(operation for operation, breaker in list(self._breakers.items()) if breaker.is_open))

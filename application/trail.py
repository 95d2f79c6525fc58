"""What happened to one notification, step by step: gathered while it is worked on, kept with it, shown to the admin.

Adapters `take` a step around each call to the outside and `note` what took no time; where nobody gathers, both do
nothing. What was sent and answered is redacted only when the trail is closed, by what the adapter gave along: a trail
never holds a token, a document, a name, a number or an address of anybody.
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self

from application.failures import Failure
from application.ports import Clock
from domain.trail import OK, Step, Trail

STEPS_MAX = 100

Redacted = Callable[[], str]
"""What was sent or answered, as redacted text of a few kilobytes at most; asked for once, when the trail is closed."""


class Taken:
    """A step under way; leaving the block ends it, with the cause of what was raised."""

    __slots__ = ("_answer", "_began", "_ended", "_gathering", "_request", "_what")

    def __init__(self, gathering: "Gathering", what: str, request: Redacted | None, ended: str) -> None:
        self._gathering = gathering
        self._what = what
        self._request = request
        self._ended = ended
        self._answer: Redacted | None = None

    def answered(self, answer: Redacted) -> None:
        self._answer = answer

    def __enter__(self) -> Self:
        self._began = self._gathering.elapsed_ms()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._gathering.add(self._what, self._began, _ending(error) or self._ended, self._request, self._answer)


class _NotTaken:
    """Nobody gathers."""

    __slots__ = ()

    def answered(self, answer: Redacted) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass


_NOT_TAKEN = _NotTaken()


class Gathering:
    """The trail of an attempt while it grows. After `trail` nothing is added: what still runs belongs to others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.now()
        self._began = clock.monotonic()
        self._steps: list[tuple[str, float, float, str, Redacted | None, Redacted | None]] = []
        self._closed = False

    def elapsed_ms(self) -> float:
        return (self._clock.monotonic() - self._began) * 1000

    def add(self, what: str, at_ms: float, ended: str, request: Redacted | None, answer: Redacted | None) -> None:
        if not self._closed and len(self._steps) < STEPS_MAX:
            self._steps.append((what, at_ms, self.elapsed_ms() - at_ms, ended, request, answer))

    def trail(self) -> Trail:
        self._closed = True
        steps = (
            Step(
                what=what,
                at_ms=round(at_ms, 2),
                took_ms=round(took_ms, 2),
                ended=ended,
                request=_redacted(request),
                answer=_redacted(answer),
            )
            for what, at_ms, took_ms, ended, request, answer in sorted(self._steps, key=_start)
        )
        return Trail(at=self._at, steps=tuple(steps))


_gathering: ContextVar[Gathering | None] = ContextVar("ponte_trail", default=None)


@contextmanager
def gather(clock: Clock) -> Iterator[Gathering]:
    """Whatever is taken and noted inside the block, in tasks that are begun there too, is one attempt's."""
    gathering = Gathering(clock)
    before = _gathering.set(gathering)
    try:
        yield gathering
    finally:
        _gathering.reset(before)


def take(what: str, request: Redacted | None = None, *, ended: str = OK) -> Taken | _NotTaken:
    """`with take("erp.customer") as step: …; step.answered(…)`. `ended`: how, unless something is raised."""
    gathering = _gathering.get()
    return _NOT_TAKEN if gathering is None else Taken(gathering, what, request, ended)


def note(what: str, ended: str = OK) -> None:
    """A step that took no time."""
    gathering = _gathering.get()
    if gathering is not None:
        gathering.add(what, gathering.elapsed_ms(), ended, None, None)


def _start(step: tuple[str, float, float, str, Redacted | None, Redacted | None]) -> float:
    return step[1]


def _redacted(text: Redacted | None) -> str | None:
    try:
        return None if text is None else text()
    except Exception:  # noqa: BLE001  # a trail is no reason to leave a customer stuck
        return None


def _ending(error: BaseException | None) -> str | None:
    match error:
        case None:
            return None
        case Failure(cause=cause):
            return cause
        case CancelledError():
            return "given_up"
        case _:
            return type(error).__name__

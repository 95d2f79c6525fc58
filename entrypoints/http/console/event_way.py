"""One event's way through Ponte: stations for the drawing, steps for the timeline, and what the customer was told."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from application.handle_notification import GIVEN_UP, SHADOW
from application.history import Attempt, EffectRow, Event
from application.perform import IN_DOUBT, NO_FLOW, auxiliary_key, note_key, step_key
from application.ports import EffectState, Render
from domain.action import CloseChat, LeaveNote, LeaveToAgent, Message, Remark, Say, SayCode, SendPdf, StartFlow
from domain.causes import advise
from domain.identifiers import EffectKey
from domain.installation import FlowKey
from domain.outcome import Shadowed
from domain.redaction import Redaction
from domain.trail import OK, SHARED, Step, cause_of, planned_ending
from entrypoints.http.console.event_rows import RowShown, outcome_of, show_row, show_rows
from entrypoints.http.console.run_words import (
    FLOWS,
    IN_SHADOW,
    ending_words,
    kind_words,
    step_end,
    step_words,
    why,
    why_in_doubt,
)
from entrypoints.http.console.words import OUTCOMES, Word

PIX_BEGINS = "0002"
_OF_ERP = ("erp.", "deadline.erp")
_received = Redaction(("event", "evento", "type", "situation", "channel", "key", "chave", "campo", "field"))


class Station(Struct, frozen=True, kw_only=True):
    """A place that the event came by, and how it went there."""

    picture: str
    name: str
    word: Word
    note: str = ""


class StepShown(Struct, frozen=True, kw_only=True):
    slug: str
    what: str
    at_ms: float
    took_ms: float
    end: Word
    cause: str
    """the slug of what went wrong; empty: nothing did"""
    request: str
    answer: str
    start: float
    """where its bar begins, and how long it is, in hundredths of the attempt"""
    length: float


class AttemptShown(Struct, frozen=True, kw_only=True):
    number: int
    at: datetime
    took_ms: float
    steps: tuple[StepShown, ...]


class Told(Struct, frozen=True, kw_only=True):
    """One thing that was said, as far as it may be shown here."""

    text: str
    is_note: bool
    word: Word


class EventShown(Struct, frozen=True, kw_only=True):
    row: RowShown
    why: tuple[str, ...]
    protocol: str
    stations: tuple[Station, ...]
    attempts: tuple[AttemptShown, ...]
    told: tuple[Told, ...]
    planned: str
    """how the chat's turn was to end, where it ended otherwise"""
    received: str
    """the notification's shape, its values reduced to their form"""
    chain: tuple[RowShown, ...]
    by_flow: bool


def show_event(event: Event, render: Render) -> EventShown:
    outcome = event.outcome
    return EventShown(
        row=show_row(event.row),
        why=why_of(event),
        protocol=event.row.protocol or "",
        stations=tuple(_stations(event)),
        attempts=tuple(_attempt(attempt) for attempt in event.attempts if attempt.steps),
        told=tuple(_told(event, render)) if outcome is not None else (),
        planned=_planned_otherwise(event),
        received=_received.body(event.raw),
        chain=tuple(show_rows(event.chain)),
        by_flow=event.row.shell == "flow",
    )


def why_of(event: Event) -> tuple[str, ...]:
    """Why it did not end as planned, then the outcome's reasons."""
    reasons = why(event.outcome) if event.outcome is not None else ()
    return (*_why_otherwise(event), *reasons)


def _why_otherwise(event: Event) -> tuple[str, ...]:
    cause = event.row.cause
    if event.row.flow == SHADOW:
        return (IN_SHADOW,)
    if event.row.flow == IN_DOUBT:
        return why_in_doubt(cause, closes=_was_to_be_closed(event))
    if cause is None or cause == _failure_of(event):
        return ()
    advice = advise(cause)
    return (f"{advice.title}.", advice.what_to_do)


def _was_to_be_closed(event: Event) -> bool:
    """Not where Huggy refused that, so that a flow was to start in its place."""
    closes = event.route is not None and isinstance(event.route.terminal, CloseChat)
    return closes and all(effect.key != auxiliary_key(event.row.key) for effect in event.effects)


def _failure_of(event: Event) -> str | None:
    """Why there was no answer, whatever went wrong after it."""
    return cause_of(event.outcome) if event.outcome is not None else None


# --- the drawing


def _stations(event: Event) -> list[Station]:
    row, steps = event.row, [step for attempt in event.attempts for step in attempt.steps]
    by_flow = row.shell == "flow"
    asked = Station(
        picture="chat",
        name="Flow da Huggy" if by_flow else "Huggy",
        word=Word("Pergunta recebida" if by_flow else "Pedido recebido", "good"),
        note=kind_words(row.kind),
    )
    return [asked, _at_ponte(event), _at_erp(event, steps), _decision(event), _at_end(event, steps)]


def _at_ponte(event: Event) -> Station:
    row = event.row
    cause = row.cause or ""
    ours = cause.startswith(("ponte.", "storage.", "deadline.waited"))
    word = Word("Guardado", "good")
    if ours:
        word = Word(advise(cause).title, "bad")
    elif row.waiting and not event.attempts:
        word = Word("Na fila")
    waited_ms = 0.0
    if event.attempts:
        waited_ms = max(0.0, (event.attempts[0].at - row.accepted_at).total_seconds() * 1000)
    return Station(
        picture="bridge", name="Ponte", word=word, note=f"esperou {_ms(waited_ms)}" if waited_ms >= 100 else ""
    )


def _at_erp(event: Event, steps: Sequence[Step]) -> Station:
    calls = [step for step in steps if step.what.startswith("erp.")]
    took = _ms(sum(step.took_ms for step in calls))
    note = "" if not calls else f"1 consulta, {took}" if len(calls) == 1 else f"{len(calls)} consultas, {took}"
    causes = [cause for cause in (event.row.cause, _failure_of(event)) if cause and cause.startswith(_OF_ERP)]
    wrong = [step.ended for step in calls if step.ended not in {OK, SHARED}]
    if causes:
        word = Word(advise(causes[0]).title, "bad")
    elif wrong and len(wrong) < len(calls):
        word = Word("Respondeu em parte", "warn")
    elif wrong:
        word = Word(advise(wrong[-1]).title if wrong[-1].startswith(_OF_ERP) else "Não respondeu", "bad")
    elif calls:
        word = Word("Respondeu", "good")
    elif isinstance(event.outcome, Shadowed):
        word = Word("Só leitura: modo sombra", "warn")
    else:
        word = Word("Não consultado")
    return Station(picture="server", name="ERP", word=word, note=note)


def _decision(event: Event) -> Station:
    """As it was taken: what went wrong after it stands at its own place."""
    tag = event.row.outcome
    word = outcome_of(event.row) if tag is None else OUTCOMES.get(tag, Word(tag))
    return Station(picture="fork", name="Decisão", word=word)


def _at_end(event: Event, steps: Sequence[Step]) -> Station:
    row = event.row
    if row.shell == "flow":
        word = Word(ending_words(row.flow), "bad" if row.cause else "good") if row.flow else Word("Sem resposta ainda")
        return Station(picture="flow", name="Resposta ao flow", word=word)
    if row.waiting:
        put_off = any(step.what == "put_off" for step in steps)
        return Station(
            picture="flow",
            name="Chat",
            word=Word("Adiado: a Huggy não respondeu", "warn") if put_off else Word("Ainda não"),
        )
    if row.flow in {None, SHADOW}:
        return Station(picture="flow", name="Chat", word=Word("Nada foi feito no chat"))
    words = ending_words(row.flow)
    failed_here = (row.cause or "").startswith("huggy.") or row.flow in {NO_FLOW, IN_DOUBT, GIVEN_UP}
    if failed_here:
        return Station(picture="flow", name="Chat", word=Word(words, "bad"), note=advise(row.cause or "huggy.").title)
    tone = "warn" if row.flow == FlowKey.AUXILIARY else "good"
    return Station(
        picture="flow", name="Chat", word=Word(words, tone), note="flow iniciado" if row.flow in FLOWS else ""
    )


# --- the timeline


def _attempt(attempt: Attempt) -> AttemptShown:
    took_ms = max((step.at_ms + step.took_ms for step in attempt.steps), default=0.0)
    return AttemptShown(
        number=attempt.number,
        at=attempt.at,
        took_ms=took_ms,
        steps=tuple(_step(step, took_ms or 1.0) for step in attempt.steps),
    )


def _step(step: Step, whole_ms: float) -> StepShown:
    end = step_end(step.ended)
    start = min(99.0, 100 * step.at_ms / whole_ms)
    return StepShown(
        slug=step.what,
        what=step_words(step.what),
        at_ms=step.at_ms,
        took_ms=step.took_ms,
        end=end,
        cause=step.ended if end.tone == "bad" else "",
        request=step.request or "",
        answer=step.answer or "",
        start=round(start, 2),
        length=round(max(0.6, min(100 - start, 100 * step.took_ms / whole_ms)), 2),
    )


# --- what the customer was told


def _told(event: Event, render: Render) -> list[Told]:
    route = event.route
    if route is None:
        return []
    states = {effect.key: effect for effect in event.effects}
    told = [_told_at(index, remark, event, states, render) for index, remark in enumerate(route.remarks)]
    flow = event.row.flow
    return [*told, _last_words(event, flow, render)] if flow in {NO_FLOW, IN_DOUBT} else told


def _told_at(index: int, remark: Remark, event: Event, states: Mapping[EffectKey, EffectRow], render: Render) -> Told:
    said, note = states.get(step_key(event.row.key, index)), states.get(note_key(event.row.key, index))
    left_to_agent = said is None and event.row.flow == planned_ending(LeaveToAgent())
    return Told(
        text=_words(remark, render),
        is_note=isinstance(remark, LeaveNote) or left_to_agent,
        word=_state(said or note, event),
    )


def _last_words(event: Event, ending: str, render: Render) -> Told:
    """Their key is the ending's name. No effect is kept of them: whether they were sent, the last step in the chat tells."""
    in_chat = [step for attempt in event.attempts for step in attempt.steps if step.what.startswith("huggy.")]
    is_said = bool(in_chat) and (in_chat[-1].what, in_chat[-1].ended) == ("huggy.say", OK)
    word = Word("Enviado", "good") if is_said else Word("Não sabemos se chegou", "warn")
    return Told(text=render(Message(key=ending)), is_note=False, word=word)


def _state(effect: EffectRow | None, event: Event) -> Word:
    if event.row.shell == "flow":
        return Word("Entregue ao flow", "good")
    if effect is None:
        return Word("Ainda não" if event.row.waiting else "Não enviado")
    return Word("Enviado", "good") if effect.state is EffectState.DONE else Word("Não sabemos se chegou", "warn")


def _words(remark: Remark, render: Render) -> str:
    match remark:
        case SayCode(code=code):
            return _masked_code(code)
        case SendPdf(name=name, caption=caption):
            return f"PDF: {name}\n{render(_masked(caption))}"
        case Say(message=message) | LeaveNote(message=message):
            return render(_masked(message))


def _masked(message: Message) -> Message:
    """As it was said, without what names somebody or can be paid."""
    values = {name: _MASKS[name](value) if name in _MASKS else value for name, value in message.values.items()}
    return replace(message, values=values, lines=tuple(map(_masked, message.lines)))


def _masked_code(code: str) -> str:
    kind = "Pix copia e cola" if code.startswith(PIX_BEGINS) else "Linha digitável"
    return f"{kind}: •••• {code[-4:]}"


_MASKS: dict[str, Callable[[str], str]] = {
    "first_name": lambda name: f"{name[:1]}…" if name else "",
    "code": _masked_code,
    "link": lambda link: f"{urlsplit(link).scheme}://{urlsplit(link).hostname}/…",
}


def _planned_otherwise(event: Event) -> str:
    if event.route is None or event.row.flow is None or event.row.shell == "flow":
        return ""
    terminal: StartFlow | CloseChat | LeaveToAgent = event.route.terminal
    planned = planned_ending(terminal)
    return "" if planned == event.row.flow else ending_words(planned)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s".replace(".", ",")

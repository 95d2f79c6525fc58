"""Flows as plain data, and the small interpreter that runs them in a chat.

A flow is a set of named sections and begins at `start`. `{{name}}` in a text is replaced by the chat's variable of that name; one that
was never filled stays as it is written, like on the real platform.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec import Struct

from entrypoints.sandbox.chats import Awaits, Chat, Place

START = "start"
HANDOVER_WORDS = frozenset({"atendente", "humano", "falar com atendente"})
_VARIABLE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


class Say(Struct, frozen=True, kw_only=True, tag="say"):
    text: str


class Ask(Struct, frozen=True, kw_only=True, tag="ask"):
    """Asks and keeps the answer, as typed, in a variable."""

    question: str
    variable: str
    once: bool = False
    """not asked again when the variable is filled already"""


class Option(Struct, frozen=True, kw_only=True):
    key: str
    """what the menu's variable becomes"""
    title: str
    goto: str


class Menu(Struct, frozen=True, kw_only=True, tag="menu"):
    """Numbered options; the answer is a number or the title, and is asked for until it is one of them."""

    question: str
    variable: str
    options: tuple[Option, ...]


class NotifyApp(Struct, frozen=True, kw_only=True, tag="notify_app"):
    """Tells the app. The branch ends here: what follows is a flow that the app starts."""

    event: str
    fields: dict[str, str]


class Branch(Struct, frozen=True, kw_only=True, tag="branch"):
    variable: str
    cases: dict[str, str]
    """value -> section"""
    otherwise: str


class Goto(Struct, frozen=True, kw_only=True, tag="goto"):
    section: str
    flow_id: int | None = None
    """None: the same flow"""


class ToAgent(Struct, frozen=True, kw_only=True, tag="to_agent"):
    pass


class Close(Struct, frozen=True, kw_only=True, tag="close"):
    pass


Step = Say | Ask | Menu | NotifyApp | Branch | Goto | ToAgent | Close


class Flow(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    sections: dict[str, tuple[Step, ...]]


Notify = Callable[[Chat, str, dict[str, str]], None]
"""chat, event, fields with their variables filled in"""


class Interpreter:
    """Runs flows in chats. Everything happens at once; it returns when a person or the app has to speak."""

    def __init__(self, flows: Mapping[int, Flow], notify: Notify) -> None:
        self._flows = flows
        self._notify = notify

    def start(self, chat: Chat, flow_id: int) -> None:
        """Starts a flow; whatever the chat was waiting for is forgotten. `KeyError`: no such flow."""
        self._enter(chat, flow_id, START)

    def answer(self, chat: Chat, text: str) -> None:
        """The customer's words, for the step that waits for them; without one they change nothing."""
        place = chat.waits_at
        if place is None:
            return
        if _plain(text) in HANDOVER_WORDS:
            chat.to_queue()
            return
        match self._flows[place.flow_id].sections[place.section][place.step]:
            case Ask() as ask:
                chat.variables[ask.variable] = text
                self._run(chat, place.next())
            case Menu() as menu:
                self._choose(chat, place, menu, text)
            case step:
                raise AssertionError(f"{type(step).__name__} waits for nobody")

    def _choose(self, chat: Chat, place: Place, menu: Menu, text: str) -> None:
        option = _chosen(menu, text)
        if option is None:
            chat.flow_says("Não entendi 😅 Responda com o número de uma das opções.")
            chat.flow_says(_printed(menu, chat))
            return
        chat.variables[menu.variable] = option.key
        self._run(chat, Place(place.flow_id, option.goto, 0))

    def _enter(self, chat: Chat, flow_id: int, section: str) -> None:
        chat.flow_started(flow_id, self._flows[flow_id].name)
        self._run(chat, Place(flow_id, section, 0))

    def _run(self, chat: Chat, place: Place) -> None:
        steps = self._flows[place.flow_id].sections[place.section]
        for index in range(place.step, len(steps)):
            if self._ends_run(chat, steps[index], Place(place.flow_id, place.section, index)):
                return
        chat.awaits(Awaits.NOBODY)

    def _ends_run(self, chat: Chat, step: Step, place: Place) -> bool:
        match step:
            case Say():
                chat.flow_says(substitute(step.text, chat.variables))
                return False
            case Ask():
                if step.once and chat.variables.get(step.variable):
                    return False
                chat.flow_says(substitute(step.question, chat.variables))
                chat.awaits(Awaits.CUSTOMER, place)
            case Menu():
                chat.flow_says(_printed(step, chat))
                chat.awaits(Awaits.CUSTOMER, place)
            case NotifyApp():
                chat.awaits(Awaits.APP)
                fields = {key: substitute(value, chat.variables) for key, value in step.fields.items()}
                self._notify(chat, step.event, fields)
            case Branch():
                section = step.cases.get(chat.variables.get(step.variable, ""), step.otherwise)
                self._run(chat, Place(place.flow_id, section, 0))
            case Goto():
                if step.flow_id is not None:
                    self._enter(chat, step.flow_id, step.section)
                else:
                    self._run(chat, Place(place.flow_id, step.section, 0))
            case ToAgent():
                chat.to_queue()
            case Close():
                chat.close()
            case _:
                assert_never(step)
        return True


def substitute(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)


def _printed(menu: Menu, chat: Chat) -> str:
    options = "\n".join(f"{number}. {option.title}" for number, option in enumerate(menu.options, start=1))
    return f"{substitute(menu.question, chat.variables)}\n{options}"


def _chosen(menu: Menu, text: str) -> Option | None:
    answer = _plain(text)
    for number, option in enumerate(menu.options, start=1):
        if answer in (str(number), _plain(option.title), option.key):
            return option
    return None


def _plain(text: str) -> str:
    """Lower case, without accents, signs or the rings of keycap digits."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] in "LNZ")
    return " ".join("".join(letters).casefold().split())

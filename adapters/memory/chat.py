"""A chat platform in plain lists: what was said and started in each chat, and failures on demand."""

from collections import deque

from application.failures import Failure, Rejected
from domain.action import Action, CloseChat, LeaveNote, LeaveToAgent, Say, SayCode, SendFile, StartFlow
from domain.identifiers import ChatId
from domain.notification import ChatRef, Situation


class MemoryChat:
    def __init__(self) -> None:
        self.situations: dict[ChatId, Situation] = {}
        self.missing: set[ChatId] = set()
        """chats that the platform does not know"""
        self.done: list[tuple[ChatId, Action]] = []
        """every action that took effect, in order"""
        self._failures: deque[tuple[Failure, bool]] = deque()

    def fail(self, *failures: Failure, after_effect: bool = False) -> None:
        """The next actions raise these, one an action; `after_effect`: the action is done all the same."""
        self._failures.extend((failure, after_effect) for failure in failures)

    async def situation(self, chat: ChatRef) -> Situation:
        return self.situations.get(chat.id, Situation.AUTOMATIC)

    async def perform(self, chat: ChatRef, action: Action) -> None:
        if chat.id in self.missing:
            raise Rejected("huggy.not_found")
        failure, after_effect = self._failures.popleft() if self._failures else (None, False)
        if failure is not None and not after_effect:
            raise failure
        self.done.append((chat.id, action))
        if isinstance(action, CloseChat):
            self.situations[chat.id] = Situation.CLOSED
        if failure is not None:
            raise failure

    def flows(self, chat_id: ChatId) -> list[StartFlow]:
        return [action for chat, action in self.done if chat == chat_id and isinstance(action, StartFlow)]

    def heard(self, chat_id: ChatId) -> list[Say | SayCode | SendFile]:
        """What the customer could read, in order."""
        return [
            action for chat, action in self.done if chat == chat_id and isinstance(action, Say | SayCode | SendFile)
        ]

    def notes(self, chat_id: ChatId) -> list[LeaveNote]:
        return [action for chat, action in self.done if chat == chat_id and isinstance(action, LeaveNote)]

    def terminals(self, chat_id: ChatId) -> list[StartFlow | CloseChat | LeaveToAgent]:
        return [
            action
            for chat, action in self.done
            if chat == chat_id and isinstance(action, StartFlow | CloseChat | LeaveToAgent)
        ]

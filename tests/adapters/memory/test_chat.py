import pytest

from adapters.memory.chat import MemoryChat
from adapters.messages.catalog import read_catalog
from application.failures import Unavailable
from domain.action import Say, SayCode, SendFile
from domain.identifiers import ChatId
from domain.notification import ChatRef, Situation
from tests.contracts.chat import ChatContract

REF = ChatRef(id=ChatId("55501"))
render = read_catalog().render


class MemoryChatStage:
    ref = REF

    def __init__(self) -> None:
        self.chat = MemoryChat()
        self.chat.missing.add(ChatId("404"))

    def heard(self) -> list[str]:
        return [_words(action) for action in self.chat.heard(REF.id)]

    def notes(self) -> list[str]:
        return [render(note.message) for note in self.chat.notes(REF.id)]

    def flows(self) -> list[str]:
        return [start.flow_id or "" for start in self.chat.flows(REF.id)]

    def agent_takes(self) -> None:
        self.chat.situations[REF.id] = Situation.WITH_AGENT

    def goes_down(self) -> None:
        self.chat.fail(Unavailable("huggy.unreachable"))


class TestMemoryChat(ChatContract):
    @pytest.fixture
    async def stage(self) -> MemoryChatStage:
        return MemoryChatStage()


def _words(action: Say | SayCode | SendFile) -> str:
    match action:
        case Say(message=message):
            return render(message)
        case SayCode(code=code):
            return code
        case SendFile(name=name):
            return name

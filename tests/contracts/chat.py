"""What every chat platform adapter promises: `application.ports.Chat`."""

from abc import abstractmethod
from typing import Protocol

import pytest

from application.failures import Rejected, Unavailable
from application.ports import Chat
from domain.action import CloseChat, LeaveNote, LeaveToAgent, Message, Say, SayCode, SendFile, StartFlow
from domain.identifiers import ChatId, FlowId
from domain.installation import FlowKey
from domain.notification import ChatRef, Situation

SENTENCE = Message(key="ticket.opened", values={"protocol": "20261123"})
PIX = "00020126580014br.gov.bcb.pix***6304ABCD"
AUXILIARY = StartFlow(flow=FlowKey.AUXILIARY, flow_id=FlowId("19"))


class ChatStage(Protocol):
    chat: Chat
    ref: ChatRef
    """a chat that stands in its flow"""

    def heard(self) -> list[str]:
        """What the customer could read from the app, files by name, in order."""
        ...

    def notes(self) -> list[str]: ...

    def flows(self) -> list[str]:
        """ids of the flows that the app started"""
        ...

    def agent_takes(self) -> None: ...

    def goes_down(self) -> None: ...


class ChatContract:
    @pytest.fixture
    @abstractmethod
    async def stage(self) -> ChatStage: ...

    async def test_what_is_said_arrives_in_order_and_a_code_byte_for_byte(self, stage: ChatStage) -> None:
        for action in (
            Say(message=SENTENCE),
            SayCode(code=PIX),
            SendFile(name="boleto.pdf", content=b"%PDF-1.4\n%%EOF\n", caption=SENTENCE),
        ):
            await stage.chat.perform(stage.ref, action)
        sentence, code, file = stage.heard()
        assert "20261123" in sentence
        assert code == PIX
        assert "boleto.pdf" in file

    async def test_a_note_is_read_by_agents_alone(self, stage: ChatStage) -> None:
        await stage.chat.perform(stage.ref, LeaveNote(message=SENTENCE))
        assert len(stage.notes()) == 1
        assert stage.heard() == []

    async def test_a_flow_is_started_once_for_each_asking(self, stage: ChatStage) -> None:
        await stage.chat.perform(stage.ref, AUXILIARY)
        assert stage.flows() == ["19"]

    async def test_leaving_it_to_the_agent_does_nothing(self, stage: ChatStage) -> None:
        await stage.chat.perform(stage.ref, LeaveToAgent())
        assert (stage.heard(), stage.notes(), stage.flows()) == ([], [], [])

    async def test_the_situation_is_told_as_it_changes(self, stage: ChatStage) -> None:
        assert await stage.chat.situation(stage.ref) is Situation.AUTOMATIC
        stage.agent_takes()
        assert await stage.chat.situation(stage.ref) is Situation.WITH_AGENT
        await stage.chat.perform(stage.ref, CloseChat())
        assert await stage.chat.situation(stage.ref) is Situation.CLOSED

    async def test_a_chat_that_there_is_not_is_refused(self, stage: ChatStage) -> None:
        with pytest.raises(Rejected):
            await stage.chat.perform(ChatRef(id=ChatId("404")), Say(message=SENTENCE))

    async def test_a_platform_that_is_away_is_a_failure_without_effect(self, stage: ChatStage) -> None:
        stage.goes_down()
        with pytest.raises(Unavailable):
            await stage.chat.perform(stage.ref, AUXILIARY)
        assert stage.flows() == []

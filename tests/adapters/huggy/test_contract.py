"""Huggy keeps what every chat platform promises, against its simulator over real HTTP."""

import ssl
from collections.abc import AsyncGenerator
from datetime import date

import pytest

from adapters.huggy.client import HuggyChat
from adapters.messages.catalog import read_catalog
from adapters.web.client import open_http
from domain.identifiers import ChatId, CompanyId, Secret
from domain.installation import FlowStart
from domain.notification import ChatRef
from entrypoints.sandbox.chats import Entry, Who
from entrypoints.sandbox.city import City, start_city
from tests.contracts.chat import ChatContract


class HuggyStage:
    def __init__(self, city: City, chat: HuggyChat) -> None:
        self.chat = chat
        self._city = city
        self._chat = city.huggy.new_chat(city.huggy.customer_writes(city.phone("ana"), "oi").contact)
        self._before = len(self._chat.transcript)
        self.ref = ChatRef(id=ChatId(str(self._chat.id)))

    def _since(self) -> list[Entry]:
        return self._chat.transcript[self._before :]

    def heard(self) -> list[str]:
        return [entry.file or entry.text for entry in self._since() if entry.who is Who.APP and not entry.internal]

    def notes(self) -> list[str]:
        return [entry.text for entry in self._since() if entry.internal]

    def flows(self) -> list[str]:
        return [str(entry.flow_id) for entry in self._since() if entry.flow_id is not None]

    def agent_takes(self) -> None:
        self._chat.agent_takes()

    def goes_down(self) -> None:
        self._city.faults.set("huggy", "down")


class HuggyContract(ChatContract):
    flow_start: FlowStart

    @pytest.fixture
    async def stage(self) -> AsyncGenerator[HuggyStage]:
        async with start_city(date(2026, 11, 23)) as city:
            http = open_http(tls=ssl.create_default_context(), max_connections=4)
            chat = HuggyChat(
                http=http,
                base_url=city.huggy.api_url,
                token=Secret(value=city.huggy.token),
                company_id=CompanyId(str(city.company_id)),
                flow_start=self.flow_start,
                render=read_catalog().render,
            )
            try:
                yield HuggyStage(city, chat)
            finally:
                await http.aclose()


class TestHuggyByChat(HuggyContract):
    flow_start = FlowStart.CHAT


class TestHuggyByChatWithVariables(HuggyContract):
    flow_start = FlowStart.CHAT_WITH_VARIABLES

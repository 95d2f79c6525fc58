from datetime import UTC, datetime

import httpx
import pytest
from msgspec.structs import replace

from adapters.huggy.client import HuggyChat, Limits
from adapters.memory.world import World, memory_erp
from application.failures import Unavailable
from application.ports import Chat, Erp
from domain.identifiers import ChatId, CompanyId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, Installation, Policies
from domain.notification import ChatRef
from entrypoints.upstreams import ChatRegistry, ErpTrials, Throttles
from tests.entrypoints.fakes import INSTALLATION

CHAT = ChatRef(id=ChatId("55501"))
NEW_TOKEN = replace(INSTALLATION, huggy_token=Secret(value="renewed"))


class BusyHuggy:
    """Answers every call with "not now, in 30 seconds"."""

    def __init__(self) -> None:
        self.calls = 0
        self._throttles = Throttles()
        self._http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return httpx.Response(429, headers={"Retry-After": "30"})

    def chat(self, installation: Installation) -> Chat:
        return HuggyChat(
            http=self._http,
            base_url="https://huggy.example",
            token=installation.huggy_token,
            company_id=installation.company_id,
            flow_start=installation.policies.flow_start,
            render=lambda message: message.key,
            throttle=self._throttles(installation.company_id),
            limits=Limits(patience_s=1),
        )


async def refused(chat: Chat) -> None:
    with pytest.raises(Unavailable):
        await chat.situation(CHAT)


async def test_a_chat_is_kept_until_what_it_was_built_from_changes() -> None:
    chats = ChatRegistry(BusyHuggy().chat)
    assert chats(INSTALLATION) is chats(replace(INSTALLATION, name="Outro nome"))
    assert chats(INSTALLATION) is not chats(NEW_TOKEN)


async def test_what_huggy_asks_of_a_company_holds_for_a_chat_that_is_built_anew() -> None:
    huggy = BusyHuggy()
    chats = ChatRegistry(huggy.chat)
    await refused(chats(INSTALLATION))
    await refused(chats(NEW_TOKEN))
    assert huggy.calls == 1


async def test_it_holds_for_every_installation_of_the_company_and_for_no_other_company() -> None:
    huggy = BusyHuggy()
    chats = ChatRegistry(huggy.chat)
    await refused(chats(INSTALLATION))
    await refused(chats(replace(INSTALLATION, id=InstallationId("inst-2"))))
    assert huggy.calls == 1
    await refused(chats(replace(INSTALLATION, id=InstallationId("inst-3"), company_id=CompanyId("1002"))))
    assert huggy.calls == 2


async def test_a_trial_has_a_client_of_its_own_that_ends_with_it() -> None:
    opened: list[httpx.AsyncClient] = []

    def open_http(access: ErpAccess, policies: Policies) -> httpx.AsyncClient:
        opened.append(httpx.AsyncClient())
        return opened[-1]

    def build(installation: Installation, http: httpx.AsyncClient) -> Erp:
        assert not http.is_closed
        return memory_erp(World(now=datetime(2026, 11, 23, tzinfo=UTC)))

    trials = ErpTrials(builders=lambda: {ErpKind.VOALLE: build}, open_http=open_http)
    for _ in range(2):
        async with trials(INSTALLATION) as erp:
            assert erp.kind is ErpKind.VOALLE

    assert [http.is_closed for http in opened] == [True, True]

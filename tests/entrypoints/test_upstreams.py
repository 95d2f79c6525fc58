import ssl
from datetime import UTC, datetime

import httpx
import pytest
from msgspec.structs import replace

from adapters.clock.system import SystemClock
from adapters.fence.local import LocalFences
from adapters.huggy.client import HuggyChat, Limits
from adapters.memory.world import World, memory_erp
from adapters.web.client import Client, open_http
from application.failures import Unavailable
from application.ports import Chat, Erp
from domain.identifiers import ChatId, CompanyId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, IdentityPolicy, Installation, Policies
from domain.notification import ChatRef
from entrypoints.composition.erps import make_erp_builders
from entrypoints.upstreams import ChatRegistry, ErpRegistry, ErpTrials, Throttles
from tests.adapters.web.elsewhere import serve_elsewhere
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


class Registry:
    """Builds Voalle's adapter, over clients that a test can look at."""

    def __init__(self) -> None:
        self.opened: list[Client] = []
        builders = make_erp_builders(SystemClock(), frozenset(), LocalFences())
        self.erps = ErpRegistry(builders=builders, open_http=self.open)

    def open(self, access: ErpAccess, policies: Policies) -> Client:
        self.opened.append(open_http(tls=ssl.create_default_context(), max_connections=8))
        return self.opened[-1]


READ_BY_AN_ERP = {"erp_timeout_s": 9.0, "erp_concurrency": 5, "erp_per_minute": 60, "timezone": "America/Manaus"}
OTHERS = {
    "keep_days": 91,
    "paused": True,
    "invoices_max": 5,
    "outage_message": "Outra",
    "identity": IdentityPolicy.DOCUMENT_AND_PHONE,
}


def with_policy(name: str, value: object) -> Installation:
    return replace(INSTALLATION, policies=replace(INSTALLATION.policies, **{name: value}))


async def test_an_erp_is_kept_until_what_it_was_built_from_changes() -> None:
    erps = Registry().erps
    erp = erps(INSTALLATION)
    assert erps(replace(INSTALLATION, name="Outro nome")) is erp
    for name, value in OTHERS.items():
        assert erps(with_policy(name, value)) is erp
    built = [erp, *(erps(with_policy(name, value)) for name, value in READ_BY_AN_ERP.items())]
    built.append(erps(replace(INSTALLATION, erp=replace(INSTALLATION.erp, token=Secret(value="renewed")))))
    assert len({id(each) for each in built}) == len(built)


def test_what_an_adapter_is_built_from_shows_it_no_policy_that_it_may_not_read() -> None:
    seen: list[Policies] = []

    def build(installation: Installation, http: httpx.AsyncClient) -> Erp:
        seen.append(installation.policies)
        return memory_erp(World(now=datetime(2026, 11, 23, tzinfo=UTC)))

    everything = replace(INSTALLATION, policies=Policies(**READ_BY_AN_ERP, **OTHERS))  # type: ignore[arg-type]
    ErpRegistry(builders={ErpKind.VOALLE: build}, open_http=Registry().open)(everything)
    assert seen == [Policies(**READ_BY_AN_ERP)]  # type: ignore[arg-type]


async def test_the_connections_of_what_is_replaced_end_and_its_calls_are_answered() -> None:
    registry = Registry()
    async with serve_elsewhere() as server:
        registry.erps(INSTALLATION)
        (before,) = registry.opened
        answer = await before.send(before.build_request("GET", server.url), stream=True)
        registry.erps(with_policy("erp_timeout_s", 9.0))
        assert await answer.aread() == b"no"
        await server.nobody()
        assert (await before.get(server.url)).content == b"no"
        await server.nobody()
        await registry.erps.close()


async def test_at_the_end_all_clients_are_closed_those_that_were_replaced_too() -> None:
    registry = Registry()
    async with serve_elsewhere() as server:
        for timeout_s in (8.0, 9.0):
            registry.erps(with_policy("erp_timeout_s", timeout_s))
            client = registry.opened[-1]
            await client.send(client.build_request("GET", server.url), stream=True)
        await registry.erps.close()
        await server.nobody()
    assert [client.is_closed for client in registry.opened] == [True, True]

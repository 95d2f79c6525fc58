"""Access to Huggy kept good: against the simulated Huggy, whose refresh tokens are good once, over real databases."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from adapters.huggy.client import HuggyChat
from adapters.huggy.oauth import HuggyAccounts
from adapters.memory.clock import SetClock
from adapters.memory.installations import MemoryInstallations
from adapters.memory.notebook import Notebook
from adapters.storage.database import visit_database
from adapters.storage.file_turns import FileTurns
from adapters.storage.migrate import upgrade
from adapters.web.client import open_http
from application.console_ports import Turns
from application.failures import Rejected, Unavailable
from application.ports import Installations
from domain.action import Message, Say
from domain.huggy_access import connected
from domain.identifiers import ChatId, InstallationId, Secret
from domain.installation import Installation
from domain.notification import ChatRef, Situation
from entrypoints.huggy_tokens import HuggyTokens
from entrypoints.sandbox.accounts import ADMIN, CLIENT_ID, CLIENT_SECRET
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.huggy import Huggy
from entrypoints.sandbox.huggy_server import running_huggy
from entrypoints.sandbox.provider_flows import PROVIDER_FLOWS, WELCOME
from entrypoints.upstreams import ChatRegistry
from tests.adapters.storage.files import KEY, served
from tests.contracts.journal import NOON
from tests.entrypoints.fakes import INSTALLATION

DAYS = 24 * 3600
BACK = "https://ponte.example/oauth/huggy/callback"


class FullDisk(MemoryInstallations):
    """Takes no change while it is full."""

    is_full = False
    stumbles_over: InstallationId | None = None
    """a fault of our own whenever this one is changed"""

    async def change(self, installation_id: Any, change: Any) -> Installation | None:
        if installation_id == self.stumbles_over:
            raise KeyError("ours")
        before = await self.get(installation_id)
        if self.is_full and before is not None and change(before) != before:
            raise Unavailable("storage.failed")
        return await super().change(installation_id, change)


class Stumbling(MemoryInstallations):
    """A fault of our own the first time that everybody is asked for, once `rounds` is there to count."""

    rounds: asyncio.Queue[None] | None = None
    has_stumbled = False

    async def all(self) -> Sequence[Installation]:
        if self.rounds is not None:
            self.rounds.put_nowait(None)
            if not self.has_stumbled:
                self.has_stumbled = True
                raise KeyError("ours")
        return await super().all()


class Process:
    """One that keeps tokens good, over installations that it may share with another; or a command beside it."""

    def __init__(self, desk: "Desk", installations: Installations, turns: Turns, *, serves: bool = True) -> None:
        self.installations = installations
        self.alerts = Notebook()
        self.tokens = HuggyTokens(
            installations=installations,
            accounts=desk.accounts,
            alerts=self.alerts if serves else None,
            turns=turns,
            clock=desk.clock,
        )

    async def kept(self) -> Installation:
        installation = await self.installations.get(INSTALLATION.id)
        assert installation is not None
        return installation


class Desk:
    def __init__(self, huggy: Huggy, faults: Faults, http: httpx.AsyncClient, turns: Turns) -> None:
        self.huggy = huggy
        self._turns = turns
        self.faults = faults
        self.http = http
        self.clock = SetClock(NOON)
        self.renewals = 0
        huggy.accounts.redirect_uri = BACK
        self.accounts = HuggyAccounts(
            http=http,
            auth_url=huggy.url,
            api_url=huggy.api_url,
            client_id=CLIENT_ID,
            client_secret=Secret(value=CLIENT_SECRET),
            clock=self.clock,
        )

    async def connected(self) -> Installation:
        code = Secret(value=self.huggy.accounts.code_for(ADMIN))
        return connected(INSTALLATION, await self.accounts.exchange(code, redirect_uri=BACK))

    async def works(self, installation: Installation) -> bool:
        return self.huggy.accounts.agent(installation.huggy_token.reveal()) == ADMIN

    def process(
        self, installations: Installations | None = None, turns: Turns | None = None, *, serves: bool = True
    ) -> Process:
        return Process(self, installations or MemoryInstallations(), turns or self._turns, serves=serves)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    faults = Faults()
    async with (
        open_http(tls=ssl.create_default_context(), max_connections=8) as http,
        running_huggy(PROVIDER_FLOWS, WELCOME, faults) as huggy,
    ):
        yield Desk(huggy, faults, http, FileTurns(tmp_path / "turns"))


@pytest.fixture
async def process(desk: Desk) -> Process:
    process = desk.process()
    await process.installations.save(await desk.connected())
    return process


async def test_a_token_is_renewed_a_month_before_it_ends_and_not_sooner(desk: Desk, process: Process) -> None:
    first = await process.kept()
    desk.clock.advance(150 * DAYS)
    await process.tokens.look_round()
    assert await process.kept() == first
    desk.clock.advance(2 * DAYS)
    await process.tokens.look_round()
    renewed = await process.kept()
    assert renewed.huggy_token != first.huggy_token
    assert renewed.huggy_refresh_token != first.huggy_refresh_token
    assert await desk.works(renewed)
    await process.tokens.look_round()
    assert await process.kept() == renewed


async def test_a_refused_token_is_renewed_and_whoever_comes_later_gets_the_new_one(
    desk: Desk, process: Process
) -> None:
    refused = (await process.kept()).huggy_token
    desk.huggy.accounts.revoke_access()
    renewed = await process.tokens.instead_of(INSTALLATION.id, refused)
    kept = await process.kept()
    assert renewed == kept.huggy_token != refused
    assert await process.tokens.instead_of(INSTALLATION.id, refused) == renewed
    assert await process.kept() == kept


async def test_many_who_are_refused_at_once_make_one_renewal(desk: Desk, process: Process) -> None:
    refused = (await process.kept()).huggy_token
    desk.huggy.accounts.revoke_access()
    asked = [process.tokens.instead_of(INSTALLATION.id, refused) for _ in range(20)]
    (renewed,) = set(map(_reveal, await asyncio.gather(*asked)))
    assert renewed == (await process.kept()).huggy_token.reveal()
    assert (await process.kept()).huggy_lost_at is None


def _reveal(token: Secret | None) -> str:
    assert token is not None
    return token.reveal()


async def test_a_renewal_goes_on_when_whoever_asked_gives_up(desk: Desk, process: Process) -> None:
    refused = (await process.kept()).huggy_token
    desk.huggy.accounts.revoke_access()
    async with process.tokens.going():
        asking = asyncio.create_task(process.tokens.instead_of(INSTALLATION.id, refused))
        for _ in range(3):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    kept = await process.kept()
    assert kept.huggy_token != refused
    assert await desk.works(kept)


async def test_a_fault_of_our_own_ends_neither_the_rounds_nor_goes_unnoticed(desk: Desk) -> None:
    installations = Stumbling()
    process = desk.process(installations)
    await installations.save(await desk.connected())
    first = await process.kept()
    desk.clock.advance(152 * DAYS)
    came: asyncio.Queue[None] = asyncio.Queue()
    installations.rounds = came
    with capture_logs() as logs:
        async with asyncio.timeout(10), process.tokens.going(every_s=0):
            for _ in range(3):
                await came.get()
    assert (await process.kept()).huggy_token != first.huggy_token
    assert [(line["event"], line.get("round")) for line in logs] == [
        ("round.crashed", "HuggyTokens.look_round"),
        ("huggy.token_renewed", None),
    ]


async def test_a_fault_of_our_own_in_a_renewal_is_logged_and_the_company_next_to_it_is_renewed(desk: Desk) -> None:
    disk = FullDisk()
    process = desk.process(disk)
    await disk.save(replace(await desk.connected(), id=InstallationId("a-first"), webhook_key=Secret(value="other")))
    await disk.save(await desk.connected())
    first, before = await disk.get(InstallationId("a-first")), await process.kept()
    assert first is not None
    disk.stumbles_over = first.id
    desk.clock.advance(152 * DAYS)
    with capture_logs() as logs:
        assert await process.tokens.instead_of(first.id, first.huggy_token) is None
        await process.tokens.look_round()
    assert await desk.works(await process.kept())
    assert await process.kept() != before
    assert [line["event"] for line in logs] == [
        "huggy.token_renewal_crashed",
        "huggy.token_renewal_crashed",
        "huggy.token_renewed",
    ]


async def test_several_processes_make_one_renewal(desk: Desk, postgres_url: str) -> None:
    upgrade(postgres_url)
    with served(postgres_url) as first:
        await first.installations.save(await desk.connected())
    with served(postgres_url) as here, served(postgres_url) as there:
        processes = [desk.process(each.installations, each.turns) for each in (here, there)]
        refused = (await processes[0].kept()).huggy_token
        desk.huggy.accounts.revoke_access()
        got = await asyncio.gather(*(each.tokens.instead_of(INSTALLATION.id, refused) for each in processes * 3))
        (renewed,) = set(map(_reveal, got))
        fresh = await there.installations.change(INSTALLATION.id, lambda each: each)
        assert fresh is not None
        assert fresh.huggy_token.reveal() == renewed
        assert fresh.huggy_lost_at is None
        assert await desk.works(fresh)


async def test_a_command_beside_whoever_serves_from_a_file_makes_no_second_renewal(desk: Desk, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ponte.db"
    upgrade(url)
    with served(url) as database:
        await database.installations.save(await desk.connected())
    with served(url) as database, closing(visit_database(url, keys=[KEY], clock=desk.clock)) as visited:
        server = desk.process(database.installations, database.turns)
        command = desk.process(visited.installations, visited.turns, serves=False)
        refused = (await server.kept()).huggy_token
        desk.huggy.accounts.revoke_access()
        async with asyncio.timeout(10):
            got = await asyncio.gather(
                *(each.tokens.renewed(INSTALLATION.id, refused) for each in (server, command) * 3)
            )
        (renewed,) = set(map(_reveal, got))
        kept = await server.installations.change(INSTALLATION.id, lambda each: each)
        assert kept is not None
        assert kept.huggy_token.reveal() == renewed
        assert kept.huggy_lost_at is None
        assert await desk.works(kept)


async def test_a_command_tells_why_it_could_not_renew_and_leaves_the_access_as_it_is(desk: Desk) -> None:
    command = desk.process(serves=False)
    await command.installations.save(await desk.connected())
    before = await command.kept()
    desk.accounts._client_secret = Secret(value="another")
    with pytest.raises(Rejected, match=r"huggy\.client_refused"):
        await command.tokens.renewed(INSTALLATION.id, before.huggy_token)
    desk.accounts._client_secret = Secret(value=CLIENT_SECRET)
    desk.huggy.accounts.revoke()
    with pytest.raises(Rejected, match=r"huggy\.grant_refused"):
        await command.tokens.renewed(INSTALLATION.id, before.huggy_token)
    assert await command.kept() == before


async def test_without_the_app_at_huggy_nothing_is_renewed_and_nothing_is_lost(desk: Desk, process: Process) -> None:
    before = await process.kept()
    desk.accounts._client_secret = Secret(value="")
    with pytest.raises(Rejected, match=r"huggy\.client_missing"):
        await process.tokens.renewed(INSTALLATION.id, before.huggy_token)
    assert await process.kept() == before
    assert process.alerts.alerts == ["huggy.client_missing"]
    desk.accounts._client_secret = Secret(value=CLIENT_SECRET)
    assert await process.tokens.instead_of(INSTALLATION.id, before.huggy_token) is not None


async def test_an_access_that_is_over_is_lost_once_and_somebody_is_told(desk: Desk, process: Process) -> None:
    refused = (await process.kept()).huggy_token
    desk.huggy.accounts.revoke()
    assert await process.tokens.instead_of(INSTALLATION.id, refused) is None
    assert (await process.kept()).huggy_lost_at == NOON
    assert process.alerts.alerts == ["huggy.reconnect"]
    desk.clock.advance(999 * DAYS)
    assert await process.tokens.instead_of(INSTALLATION.id, refused) is None
    await process.tokens.look_round()
    assert process.alerts.alerts == ["huggy.reconnect"]
    assert (await process.kept()).huggy_lost_at == NOON


async def test_a_typed_token_that_is_refused_is_lost_until_huggy_takes_it_again(desk: Desk) -> None:
    process = desk.process()
    typed = replace(INSTALLATION, huggy_token=Secret(value=desk.huggy.token))
    await process.installations.save(typed)
    desk.faults.set("huggy", "wrong_token")
    assert await process.tokens.instead_of(INSTALLATION.id, typed.huggy_token) is None
    await process.tokens.look_round()
    assert (await process.kept()).huggy_lost_at == NOON
    desk.faults.clear()
    await process.tokens.look_round()
    assert (await process.kept()).huggy_lost_at == NOON
    desk.clock.advance(300)
    await process.tokens.look_round()
    assert await process.kept() == typed


@pytest.mark.parametrize("fault", ["500", "429:1", "html", "down"])
async def test_a_huggy_that_fails_costs_no_access(desk: Desk, process: Process, fault: str) -> None:
    before = await process.kept()
    desk.faults.set("huggy", fault)
    assert await process.tokens.instead_of(INSTALLATION.id, before.huggy_token) is None
    assert await process.kept() == before
    desk.faults.clear()
    assert await process.tokens.instead_of(INSTALLATION.id, before.huggy_token) is not None
    assert process.alerts.alerts == []


async def test_a_wrong_client_is_told_and_costs_no_access(desk: Desk, process: Process) -> None:
    before = await process.kept()
    desk.accounts._client_secret = Secret(value="another")
    assert await process.tokens.instead_of(INSTALLATION.id, before.huggy_token) is None
    assert await process.kept() == before
    assert process.alerts.alerts == ["huggy.client_refused"]


async def test_what_could_not_be_stored_is_stored_later_and_not_asked_for_twice(desk: Desk) -> None:
    disk = FullDisk()
    process = desk.process(disk)
    await disk.save(await desk.connected())
    before = await process.kept()
    desk.clock.advance(160 * DAYS)
    disk.is_full = True
    await process.tokens.look_round()
    assert await process.kept() == before
    disk.is_full = False
    await process.tokens.look_round()
    after = await process.kept()
    assert after.huggy_token != before.huggy_token
    assert await desk.works(after)
    assert after.huggy_lost_at is None


async def test_a_sign_in_meanwhile_is_not_undone_by_a_renewal(desk: Desk) -> None:
    disk = FullDisk()
    process = desk.process(disk)
    await disk.save(await desk.connected())
    refused = (await process.kept()).huggy_token
    disk.is_full = True
    await process.tokens.instead_of(INSTALLATION.id, refused)
    disk.is_full = False
    again = await desk.connected()
    await disk.save(again)
    assert await process.tokens.instead_of(INSTALLATION.id, refused) == again.huggy_token
    assert await process.kept() == again


async def test_nobody_is_renewed_who_is_gone(process: Process) -> None:
    token = (await process.kept()).huggy_token
    await process.installations.remove(INSTALLATION.id)
    assert await process.tokens.instead_of(INSTALLATION.id, token) is None


async def test_no_token_reaches_a_log(desk: Desk, process: Process) -> None:
    first = await process.kept()
    with capture_logs() as logs:
        desk.huggy.accounts.revoke_access()
        await process.tokens.instead_of(INSTALLATION.id, first.huggy_token)
        second = await process.kept()
        desk.huggy.accounts.revoke()
        await process.tokens.instead_of(INSTALLATION.id, second.huggy_token)
    assert {line["event"] for line in logs} == {"huggy.token_renewed", "huggy.access_lost"}
    for installation in (first, second):
        assert installation.huggy_refresh_token is not None
        for secret in (installation.huggy_token, installation.huggy_refresh_token):
            assert secret.reveal() not in repr(logs)


async def test_a_chat_goes_on_with_the_new_token_at_once(desk: Desk, process: Process) -> None:
    def build(installation: Installation) -> HuggyChat:
        return HuggyChat(
            http=desk.http,
            base_url=desk.huggy.api_url,
            token=installation.huggy_token,
            company_id=installation.company_id,
            flow_start=installation.policies.flow_start,
            render=lambda message: message.key,
            renew=lambda refused: process.tokens.instead_of(installation.id, refused),
        )

    chats = ChatRegistry(build)
    chat = desk.huggy.customer_writes("+5511987654321", "oi")
    ref = ChatRef(id=ChatId(str(chat.id)))
    before = chats(await process.kept())
    desk.huggy.accounts.revoke_access()
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for number in range(5):
            tasks.create_task(before.perform(ref, Say(message=Message(key=f"m-{number}"))))
    assert sorted(entry.text for entry in chat.messages if entry.text.startswith("m-")) == [
        f"m-{number}" for number in range(5)
    ]
    after = chats(await process.kept())
    assert after is not before
    assert await after.situation(ref) is Situation.AUTOMATIC
    desk.huggy.accounts.revoke()
    with pytest.raises(Unavailable) as refused:
        await after.perform(ref, Say(message=Message(key="late")))
    assert refused.value.cause == "huggy.unauthorized"
    assert "late" not in [entry.text for entry in chat.messages]

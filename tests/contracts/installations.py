"""What `application.ports.Installations` promises. Subclasses bring a `bench` fixture."""

import asyncio
from abc import abstractmethod
from typing import Protocol

import pytest
from msgspec.structs import replace

from application.failures import Rejected, Unavailable
from application.ports import Arrival, Conclusion, Installations, Journal, Lane
from domain.action import CloseChat, Route
from domain.identifiers import ChatId, CompanyId, EffectKey, FlowId, InstallationId, NotificationKey, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, FlowStart, IdentityPolicy, Installation, Policies
from domain.notification import ChatRef, CustomerLookup, NotForUs
from domain.outcome import NoOpenBoleto

FIRST = Installation(
    id=InstallationId("inst-1"),
    company_id=CompanyId("1001"),
    name="Provedor Exemplo",
    email="avisos@provedor.example",
    erp=ErpAccess(
        kind=ErpKind.VOALLE,
        url="https://erp.example",
        token=Secret(value="erp-token-1"),
        pbx="PBX",
        settings={"client_id": "c", "client_secret": "erp-secret-1"},
    ),
    huggy_token=Secret(value="huggy-token-1"),
    flows={FlowKey.AUXILIARY: FlowId("19"), FlowKey.CUSTOMER_FOUND: FlowId("11")},
    policies=Policies(
        identity=IdentityPolicy.DOCUMENT_AND_PHONE,
        flow_start=FlowStart.CONTACT,
        erp_per_minute=90,
        boleto_banks=("001", "237"),
    ),
    webhook_key=Secret(value="webhook-key-1"),
    flow_api_key=Secret(value="flow-key-1"),
)
SECOND = replace(
    FIRST,
    id=InstallationId("inst-2"),
    company_id=CompanyId("1002"),
    name="Segundo Provedor",
    webhook_key=Secret(value="webhook-key-2"),
)
ARRIVAL = Arrival(
    notification=CustomerLookup(key=NotificationKey("n"), chat=ChatRef(id=ChatId("1")), document=""), raw=b"{}"
)
LANE = Lane(installation_id=FIRST.id, chat_id=ChatId("1"))
"""where `ARRIVAL` goes at the first installation"""


class InstallationsBench(Protocol):
    """Installations and the journal beside them."""

    @property
    def installations(self) -> Installations: ...

    @property
    def journal(self) -> Journal: ...

    @abstractmethod
    async def crash(self) -> None:
        """The process dies; what stands here is that of the next one."""

    @abstractmethod
    async def elsewhere(self) -> Installations:
        """The same installations as another process sees and changes them."""

    @abstractmethod
    def let_it_be_noticed(self) -> None:
        """So much time passes that a change by another process must be seen."""

    @abstractmethod
    async def traces(self, installation_id: InstallationId) -> int:
        """How much is kept for an installation besides itself: notifications and what was not understood."""


class InstallationsContract:
    async def test_an_unknown_id_and_an_unknown_key_name_nothing(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)

        assert await bench.installations.get(SECOND.id) is None
        assert await bench.installations.by_webhook_key("webhook-key-2") is None
        assert await bench.installations.by_webhook_key("") is None
        assert await bench.installations.by_webhook_key("\ud800") is None

    async def test_what_is_saved_is_found_by_id_and_by_key_as_it_was(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.save(SECOND)

        for _ in range(2):
            assert await bench.installations.get(FIRST.id) == FIRST
            assert await bench.installations.by_webhook_key("webhook-key-2") == SECOND
            assert list(await bench.installations.all()) == [FIRST, SECOND]
            await bench.crash()

    async def test_what_was_asked_for_is_at_hand_afterwards(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.get(FIRST.id)

        assert bench.installations.at_hand(FIRST.id) == FIRST
        assert bench.installations.at_hand(SECOND.id) is None

    async def test_saving_again_replaces(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        changed = replace(FIRST, name="Outro nome", webhook_key=Secret(value="new-key"))
        await bench.installations.save(changed)

        assert list(await bench.installations.all()) == [changed]
        assert await bench.installations.by_webhook_key("webhook-key-1") is None
        assert await bench.installations.by_webhook_key("new-key") == changed

    async def test_a_webhook_key_belongs_to_one_installation(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        with pytest.raises(Rejected) as refused:
            await bench.installations.save(replace(SECOND, webhook_key=FIRST.webhook_key))

        assert refused.value.cause == "installation.webhook_key_taken"
        assert "webhook-key-1" not in str(refused.value)
        assert list(await bench.installations.all()) == [FIRST]

    async def test_a_value_that_is_changed_after_saving_changes_nothing_that_is_kept(
        self, bench: InstallationsBench
    ) -> None:
        mine = replace(FIRST, flows=dict(FIRST.flows))
        await bench.installations.save(mine)
        mine.flows.clear()

        assert await bench.installations.get(FIRST.id) == FIRST

    async def test_removing_takes_the_installation_and_all_that_is_kept_for_it(self, bench: InstallationsBench) -> None:
        for installation in (FIRST, SECOND):
            await bench.installations.save(installation)
            await bench.journal.accept(installation.id, [ARRIVAL], window_s=60)
            await bench.journal.keep_unknown(installation.id, NotForUs(reason="chat_missing"), b"{}")

        assert await bench.installations.remove(FIRST.id) is True

        for _ in range(2):
            assert await bench.installations.get(FIRST.id) is None
            assert await bench.installations.by_webhook_key("webhook-key-1") is None
            assert list(await bench.installations.all()) == [SECOND]
            assert await bench.journal.head(LANE) is None
            assert list(await bench.journal.unfinished()) == [Lane(installation_id=SECOND.id, chat_id=LANE.chat_id)]
            assert (await bench.traces(FIRST.id), await bench.traces(SECOND.id)) == (0, 2)
            await bench.crash()

    async def test_after_removal_a_notification_of_the_same_key_is_new(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.journal.accept(FIRST.id, [ARRIVAL], window_s=60)
        await bench.installations.remove(FIRST.id)
        await bench.installations.save(FIRST)

        assert (await bench.journal.accept(FIRST.id, [ARRIVAL], window_s=60)).accepted == 1

    async def test_nothing_more_can_be_begun_for_an_entry_whose_installation_was_removed(
        self, bench: InstallationsBench
    ) -> None:
        await bench.installations.save(FIRST)
        await bench.journal.accept(FIRST.id, [ARRIVAL], window_s=60)
        entry = await bench.journal.head(LANE)
        assert entry is not None
        await bench.installations.remove(FIRST.id)

        with pytest.raises(Unavailable):
            await bench.journal.begin(entry, EffectKey("n:0"))
        await bench.journal.finish(entry, EffectKey("n:0"))
        await bench.journal.forget(entry, EffectKey("n:0"))
        await bench.journal.conclude(entry, Conclusion(outcome=NoOpenBoleto(), route=Route(terminal=CloseChat())))
        await bench.journal.finish_entry(entry)
        assert await bench.journal.recall(entry, EffectKey("n:0")) is None
        assert list(await bench.journal.unfinished()) == []
        assert await bench.traces(FIRST.id) == 0

    async def test_removing_what_is_not_there_says_so(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)

        assert await bench.installations.remove(SECOND.id) is False
        assert list(await bench.installations.all()) == [FIRST]

    async def test_a_pinned_token_is_kept_and_nothing_else_changes(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.save(SECOND)
        await bench.installations.pin_webhook_token(FIRST.id, "pinned")

        pinned = replace(FIRST, webhook_token=Secret(value="pinned"))
        for _ in range(2):
            assert await bench.installations.by_webhook_key("webhook-key-1") == pinned
            assert list(await bench.installations.all()) == [pinned, SECOND]
            await bench.crash()

    async def test_a_token_once_pinned_stays(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.pin_webhook_token(FIRST.id, "pinned")
        await bench.installations.pin_webhook_token(FIRST.id, "another")

        assert await bench.installations.get(FIRST.id) == replace(FIRST, webhook_token=Secret(value="pinned"))

    async def test_where_a_pinned_token_is_forgotten_the_next_one_is_pinned(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.pin_webhook_token(FIRST.id, "pinned")
        await bench.installations.change(FIRST.id, lambda each: replace(each, webhook_token=None))
        assert await bench.installations.by_webhook_key("webhook-key-1") == FIRST

        await bench.installations.pin_webhook_token(FIRST.id, "renewed")

        renewed = replace(FIRST, webhook_token=Secret(value="renewed"))
        for _ in range(2):
            assert await bench.installations.by_webhook_key("webhook-key-1") == renewed
            await bench.crash()

    async def test_that_another_process_forgot_a_pinned_token_is_seen(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        await bench.installations.pin_webhook_token(FIRST.id, "pinned")
        elsewhere = await bench.elsewhere()
        await elsewhere.change(FIRST.id, lambda each: replace(each, webhook_token=None))
        bench.let_it_be_noticed()

        assert await bench.installations.by_webhook_key("webhook-key-1") == FIRST

    async def test_pinning_for_an_installation_that_is_gone_brings_nothing_back(
        self, bench: InstallationsBench
    ) -> None:
        await bench.installations.pin_webhook_token(FIRST.id, "pinned")

        assert list(await bench.installations.all()) == []

    async def test_what_another_process_changes_is_seen(self, bench: InstallationsBench) -> None:
        elsewhere = await bench.elsewhere()
        await elsewhere.save(FIRST)
        await elsewhere.save(SECOND)
        bench.let_it_be_noticed()
        assert await bench.installations.by_webhook_key("webhook-key-1") == FIRST

        changed = replace(FIRST, name="Outro nome")
        await elsewhere.save(changed)
        await elsewhere.remove(SECOND.id)
        bench.let_it_be_noticed()
        assert await bench.installations.by_webhook_key("webhook-key-1") == changed
        assert await bench.installations.by_webhook_key("webhook-key-2") is None
        assert await bench.installations.get(SECOND.id) is None
        assert list(await bench.installations.all()) == [changed]

    async def test_a_change_is_made_to_what_stands_there(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)
        assert await bench.installations.change(SECOND.id, lambda each: each) is None

        changed = await bench.installations.change(FIRST.id, lambda each: replace(each, name="Outro"))

        assert changed == replace(FIRST, name="Outro")
        assert await bench.installations.get(FIRST.id) == changed

    async def test_a_change_that_fails_changes_nothing(self, bench: InstallationsBench) -> None:
        await bench.installations.save(FIRST)

        def fail(_: Installation) -> Installation:
            raise Rejected("test.refused")

        with pytest.raises(Rejected):
            await bench.installations.change(FIRST.id, fail)
        assert await bench.installations.get(FIRST.id) == FIRST

    async def test_changes_at_the_same_moment_from_wherever_are_all_kept(self, bench: InstallationsBench) -> None:
        await bench.installations.save(replace(FIRST, name=""))
        elsewhere = await bench.elsewhere()
        await asyncio.gather(
            *(
                installations.change(FIRST.id, lambda each: replace(each, name=f"{each.name}x"))
                for installations in (bench.installations, elsewhere) * 4
            )
        )

        fresh = await bench.installations.change(FIRST.id, lambda each: each)
        assert fresh is not None
        assert fresh.name == "x" * 8

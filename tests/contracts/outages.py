"""What `application.outage_ports.OutageRegistry` promises. Subclasses bring a `bench` fixture."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from adapters.memory.clock import SetClock
from application.outage_ports import OutageRegistry, Told
from application.ports import Installations
from domain.identifiers import ChatId, InstallationId, NotificationKey, ProtocolNumber
from domain.outage import Outage
from domain.outage_scope import DeclaredOutage, OutageId, Reach, Scope, Source
from tests.contracts.installations import FIRST, SECOND
from tests.contracts.journal import NOON

HERE, THERE = FIRST.id, SECOND.id
OUTAGE = DeclaredOutage(
    id=OutageId("o-1"),
    source=Source.ADMIN,
    scope=Scope(reach=Reach.DISTRICT, names=("Vila Nova", "São José")),
    cause="rompimento de fibra",
    predicted_at=(NOON + timedelta(hours=4)).astimezone(ZoneInfo("America/Rio_Branco")),
    protocol=ProtocolNumber("2026-77"),
    started_at=NOON,
    expires_at=NOON + timedelta(hours=8),
)
AS_TOLD = Outage(id="o-1", predicted_at=OUTAGE.predicted_at)
CHAT = ChatId("55501")
ONE, ANOTHER = NotificationKey("n-1"), NotificationKey("n-2")


class OutagesBench(Protocol):
    """The registry beside the installations that its outages belong to. It stands at `NOON`."""

    @property
    def clock(self) -> SetClock: ...

    @property
    def installations(self) -> Installations: ...

    @property
    def outages(self) -> OutageRegistry: ...

    @abstractmethod
    async def crash(self) -> None:
        """The process dies; what stands here is that of the next one."""

    @abstractmethod
    async def outages_elsewhere(self) -> OutageRegistry:
        """The same registry as another process sees and changes it."""

    @abstractmethod
    def let_it_be_noticed(self) -> None:
        """So much time passes that a change by another process must be seen."""


async def declare(bench: OutagesBench, *outages: DeclaredOutage) -> None:
    await bench.installations.save(FIRST)
    for outage in outages:
        assert await put(bench.outages, outage) == outage


async def put(registry: OutageRegistry, outage: DeclaredOutage) -> DeclaredOutage | None:
    return await registry.change(HERE, outage.id, lambda _: outage)


class OutagesContract:
    async def test_what_is_declared_stands_as_it_was_and_survives_the_process(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)

        for _ in range(2):
            assert list(await bench.outages.standing(HERE)) == [OUTAGE]
            assert await bench.outages.get(HERE, OUTAGE.id) == OUTAGE
            assert list(await bench.outages.recent(HERE)) == [OUTAGE]
            await bench.crash()

    async def test_an_outage_belongs_to_one_installation(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)

        assert list(await bench.outages.standing(THERE)) == []
        assert list(await bench.outages.recent(THERE)) == []
        assert list(await bench.outages.just_ended(THERE)) == []
        assert await bench.outages.get(THERE, OUTAGE.id) is None

    async def test_it_stands_from_its_beginning_until_its_end_or_until_it_expires(self, bench: OutagesBench) -> None:
        coming = replace(OUTAGE, id=OutageId("o-2"), started_at=NOON + timedelta(hours=1))
        ending = replace(OUTAGE, id=OutageId("o-3"), ended_at=NOON + timedelta(hours=2))
        await declare(bench, coming, ending, OUTAGE)

        assert await ids(bench.outages.standing) == ["o-1", "o-3"]
        bench.clock.advance(3600)
        assert await ids(bench.outages.standing) == ["o-1", "o-3", "o-2"]
        bench.clock.advance(3600)
        assert await ids(bench.outages.standing) == ["o-1", "o-2"]
        bench.clock.advance(6 * 3600)
        assert await ids(bench.outages.standing) == []
        assert await ids(bench.outages.recent) == ["o-2", "o-1", "o-3"]
        assert [each.id for each in await bench.outages.recent(HERE, limit=1)] == ["o-2"]

    async def test_what_was_ended_is_known_as_such_for_an_hour(self, bench: OutagesBench) -> None:
        ended = replace(OUTAGE, ended_at=NOON)
        await declare(bench, ended, replace(OUTAGE, id=OutageId("o-2")))

        assert await ids(bench.outages.just_ended) == ["o-1"]
        bench.clock.advance(3599)
        assert await ids(bench.outages.just_ended) == ["o-1"]
        bench.clock.advance(1)
        assert await ids(bench.outages.just_ended) == []

    async def test_a_change_sees_what_stands_and_replaces_it(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        seen: list[DeclaredOutage | None] = []

        def end(outage: DeclaredOutage | None) -> DeclaredOutage | None:
            seen.append(outage)
            return outage and replace(outage, ended_at=NOON)

        assert await bench.outages.change(HERE, OUTAGE.id, end) == replace(OUTAGE, ended_at=NOON)
        assert seen == [OUTAGE]
        assert list(await bench.outages.standing(HERE)) == []

    async def test_a_change_to_nothing_leaves_what_stands(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)

        assert await bench.outages.change(HERE, OUTAGE.id, lambda _: None) == OUTAGE
        assert await bench.outages.change(HERE, OUTAGE.id, lambda outage: outage) == OUTAGE
        assert await bench.outages.change(HERE, OutageId("o-9"), lambda outage: outage) is None
        assert list(await bench.outages.recent(HERE)) == [OUTAGE]

    async def test_what_another_process_changes_is_seen(self, bench: OutagesBench) -> None:
        await declare(bench)
        assert list(await bench.outages.standing(HERE)) == []
        elsewhere = await bench.outages_elsewhere()
        await put(elsewhere, OUTAGE)
        bench.let_it_be_noticed()
        assert list(await bench.outages.standing(HERE)) == [OUTAGE]

        await put(elsewhere, replace(OUTAGE, ended_at=NOON))
        bench.let_it_be_noticed()
        assert list(await bench.outages.standing(HERE)) == []

    async def test_a_chat_is_told_once_as_long_as_the_prediction_is_the_same(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        tell = bench.outages.tell

        assert await tell(HERE, CHAT, AS_TOLD, ONE, closes=False)
        assert not await tell(HERE, CHAT, AS_TOLD, ANOTHER, closes=False)
        assert await tell(HERE, ChatId("55502"), AS_TOLD, ANOTHER, closes=False)
        assert await tell(HERE, CHAT, replace(AS_TOLD, id="o-2"), ANOTHER, closes=False)
        assert await tell(HERE, CHAT, replace(AS_TOLD, predicted_at=None), ANOTHER, closes=False)
        same_moment = OUTAGE.predicted_at and OUTAGE.predicted_at.astimezone(ZoneInfo("America/Sao_Paulo"))
        assert not await tell(HERE, CHAT, replace(AS_TOLD, predicted_at=same_moment), ANOTHER, closes=False)

    async def test_the_notification_that_told_hears_so_again_after_a_crash(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)

        for _ in range(2):
            assert await bench.outages.tell(HERE, CHAT, AS_TOLD, ONE, closes=False)
            await bench.crash()
        assert not await bench.outages.tell(HERE, CHAT, AS_TOLD, ANOTHER, closes=False)

    async def test_the_chats_that_were_told_are_counted_each_once(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        for chat, closes in (("1", False), ("2", True), ("3", True)):
            await bench.outages.tell(HERE, ChatId(chat), AS_TOLD, ONE, closes=closes)
        await bench.outages.tell(HERE, ChatId("3"), replace(AS_TOLD, predicted_at=None), ANOTHER, closes=True)

        assert await bench.outages.told(HERE) == {OUTAGE.id: Told(chats=3, closed=2)}
        assert await bench.outages.told(THERE) == {}

    async def test_people_are_asked_once_shortly_before_and_told_once_after_the_end(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        assert await lapses(bench.outages) == []
        bench.clock.advance(7.5 * 3600)

        elsewhere = await bench.outages_elsewhere()
        assert await lapses(bench.outages) == [("o-1", False)]
        assert await lapses(elsewhere) == await lapses(bench.outages) == []
        bench.clock.advance(1800)
        assert await lapses(elsewhere) == [("o-1", True)]
        assert await lapses(elsewhere) == await lapses(bench.outages) == []
        assert await bench.outages.get(HERE, OUTAGE.id) == OUTAGE

    async def test_nobody_is_asked_about_what_has_expired_already(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        bench.clock.advance(9 * 3600)
        assert await lapses(bench.outages) == [("o-1", True)]
        assert await lapses(bench.outages) == []

    async def test_an_outage_that_lasts_for_a_short_while_is_asked_about_in_its_last_quarter(
        self, bench: OutagesBench
    ) -> None:
        await declare(bench, replace(OUTAGE, expires_at=NOON + timedelta(minutes=40)))
        bench.clock.advance(29 * 60)
        assert await lapses(bench.outages) == []
        bench.clock.advance(60)
        assert await lapses(bench.outages) == [("o-1", False)]

    async def test_nobody_is_asked_about_what_was_ended_or_what_the_erp_told(self, bench: OutagesBench) -> None:
        await declare(
            bench,
            replace(OUTAGE, ended_at=NOON),
            replace(OUTAGE, id=OutageId("o-2"), source=Source.ERP),
        )
        bench.clock.advance(9 * 3600)
        assert await lapses(bench.outages) == []

    async def test_a_later_end_is_asked_about_anew_and_another_change_is_not(self, bench: OutagesBench) -> None:
        await declare(bench, OUTAGE)
        bench.clock.advance(8 * 3600)
        assert await lapses(bench.outages) == [("o-1", True)]
        await put(bench.outages, replace(OUTAGE, cause="energia"))
        assert await lapses(bench.outages) == []

        await put(bench.outages, replace(OUTAGE, expires_at=NOON + timedelta(hours=12)))
        assert await lapses(bench.outages) == []
        bench.clock.advance(4 * 3600)
        assert await lapses(bench.outages) == [("o-1", True)]

    async def test_with_an_installation_go_its_outages_and_whom_it_told(self, bench: OutagesBench) -> None:
        await bench.installations.save(SECOND)
        await declare(bench, OUTAGE)
        await bench.outages.change(THERE, OUTAGE.id, lambda _: OUTAGE)
        for installation in (HERE, THERE):
            await bench.outages.tell(installation, CHAT, AS_TOLD, ONE, closes=False)

        await bench.installations.remove(HERE)
        bench.let_it_be_noticed()
        assert list(await bench.outages.standing(HERE)) == list(await bench.outages.recent(HERE)) == []
        assert await bench.outages.told(HERE) == {}
        assert list(await bench.outages.standing(THERE)) == [OUTAGE]
        assert await bench.outages.told(THERE) == {OUTAGE.id: Told(chats=1)}


async def ids(ask: Callable[[InstallationId], Awaitable[Sequence[DeclaredOutage]]]) -> list[str]:
    return [each.id for each in await ask(HERE)]


async def lapses(registry: OutageRegistry) -> list[tuple[str, bool]]:
    return [(lapse.outage.id, lapse.expired) for lapse in await registry.lapsing()]

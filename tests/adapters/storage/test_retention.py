"""What has been kept long enough goes, little by little, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import Engine, event

from application.forget_old import ForgetOld
from domain.identifiers import ChatId, EffectKey, InstallationId, NotificationKey, Secret
from domain.installation import Policies
from domain.notification import NotForUs
from domain.outage import Outage
from domain.outage_scope import OutageId
from tests.adapters.storage.kept import Kept, kept, keys, lookup
from tests.contracts.installations import FIRST, SECOND
from tests.contracts.journal import HERE, THERE

__all__ = ["kept"]

DAY = 24 * 3600


class Round:
    def __init__(self, kept: Kept, *, keep_days: int, elsewhere: int = 90) -> None:
        self.kept = kept
        self.policies = {HERE: Policies(keep_days=keep_days), THERE: Policies(keep_days=elsewhere)}
        self.pauses = 0

    async def __call__(self) -> int:
        for installation, at in ((FIRST, HERE), (SECOND, THERE)):
            changed = msgspec.structs.replace(installation, id=at, policies=self.policies[at])
            await self.kept.served.installations.save(changed)
        forget = ForgetOld(
            installations=self.kept.served.installations,
            retention=self.kept.served.database.retention,
            clock=self.kept.clock,
            sleep=self._sleep,
            batch=2,
        )
        return await forget()

    async def _sleep(self, _: float) -> None:
        self.pauses += 1


async def test_finished_events_go_with_all_that_was_kept_of_them_after_their_days(kept: Kept) -> None:
    old = await kept.accept(lookup("n-1"))
    await kept.journal.begin(old, EffectKey("n-1:0"))
    await kept.end(old)
    kept.clock.advance(DAY)
    await kept.found("n-2")
    kept.clock.advance(29 * DAY + 1)

    assert await Round(kept, keep_days=30)() == 1
    assert keys((await kept.history.events(HERE)).rows) == ["n-2"]
    assert await kept.history.event(HERE, old.seq) is None


async def test_what_is_not_finished_stays_however_old(kept: Kept) -> None:
    waiting = await kept.accept(lookup("n-1"))
    kept.clock.advance(400 * DAY)

    assert await Round(kept, keep_days=30)() == 0
    assert await kept.journal.head(waiting.lane) is not None


async def test_each_installation_has_its_own_days(kept: Kept) -> None:
    await kept.found("n-1")
    await kept.found("n-2", at=THERE)
    kept.clock.advance(40 * DAY)

    assert await Round(kept, keep_days=30, elsewhere=60)() == 1
    assert (await kept.history.events(HERE)).rows == ()
    assert keys((await kept.history.events(THERE)).rows) == ["n-2"]


async def test_much_goes_in_small_batches_with_a_pause_after_each(kept: Kept) -> None:
    for number in range(5):
        await kept.found(f"n-{number}")
    kept.clock.advance(40 * DAY)
    forget = Round(kept, keep_days=30)

    assert await forget() == 5
    assert forget.pauses == 2


async def test_a_round_asks_little_however_many_installations_keep_nothing_old(kept: Kept) -> None:
    for number in range(250):
        ids = {"id": InstallationId(f"i-{number}"), "webhook_key": Secret(value=f"key-{number}")}
        await kept.served.installations.save(msgspec.structs.replace(FIRST, **ids))
    await kept.found("n-1")
    kept.clock.advance(40 * DAY)

    with counted_statements() as statements:
        assert await Round(kept, keep_days=30)() == 1
    assert len(statements) < 50


async def test_what_is_kept_besides_the_events_goes_after_the_same_days(kept: Kept) -> None:
    database, outage = kept.served.database, Outage(id="o-1")
    assert await Round(kept, keep_days=30)() == 0  # there is an installation now
    for number in range(3):
        chat, by = ChatId(str(number)), NotificationKey(f"n-{number}")
        await database.outages.tell(HERE, chat, outage, by, closes=False)
    await kept.journal.keep_unknown(HERE, NotForUs(reason="event_unknown", event="novo"), b"{}")
    kept.clock.advance(29 * DAY)
    assert await Round(kept, keep_days=30)() == 0
    assert (await database.outages.told(HERE))[OutageId("o-1")].chats == 3

    kept.clock.advance(2 * DAY)
    assert await Round(kept, keep_days=30)() == 3
    assert await database.outages.told(HERE) == {}
    assert await kept.history.unknown(HERE) == []


async def test_sessions_of_the_console_go_when_they_are_over(kept: Kept) -> None:
    sessions = kept.served.database.sessions
    await sessions.begin(b"over")
    kept.clock.advance(DAY)
    living = await sessions.begin(b"living")

    assert await Round(kept, keep_days=30)() == 1
    assert await sessions.read(living) == b"living"
    assert await Round(kept, keep_days=30)() == 0


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """What all databases are asked within the block."""
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", count)

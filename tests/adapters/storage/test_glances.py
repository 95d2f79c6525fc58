"""Many installations at a glance: the same figures as one at a time. Over either database."""

from application.history import Glance
from domain.identifiers import InstallationId
from tests.adapters.storage.kept import Kept, kept, lookup
from tests.contracts.journal import HERE, THERE

__all__ = ["kept"]


async def test_a_glance_at_many_tells_of_each_what_its_own_figures_tell(kept: Kept) -> None:
    nobody = InstallationId("inst-3")
    await kept.found("n-0")
    kept.clock.advance(26 * 3600)
    await kept.accept(lookup("n-1", chat="2"))
    kept.clock.advance(3600)
    for number in range(2, 5):
        await kept.found(f"n-{number}")
    await kept.failed("n-5")
    await kept.accept(lookup("n-6", chat="3"))
    await kept.found("n-1", at=THERE)
    now = kept.clock.now()
    glances = await kept.history.glances([HERE, THERE, nobody], now)

    for installation_id in (HERE, THERE, nobody):
        health = await kept.history.health(installation_id, now)
        assert glances[installation_id] == Glance(
            last_event_at=health.last_event_at, success=health.success, waiting=health.waiting
        )
    assert (glances[HERE].success, glances[HERE].waiting) == (0.75, 2)
    assert glances[nobody] == Glance(last_event_at=None, success=None, waiting=0)


async def test_a_glance_at_none_asks_nothing(kept: Kept) -> None:
    assert await kept.history.glances([], kept.clock.now()) == {}

"""SIGKILL at random moments under load: nothing acknowledged is lost, no flow and no write happens twice."""

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.deployment import Deployment, Form, deployment_of, scene_of
from tests.chaos.reckoning import Tally, reckon, recorded_by_chat, written_twice
from tests.chaos.talks import Huggy, Talk, crowd, settle
from tests.e2e import upstream
from tests.e2e.scene import Plan, Scene
from tests.e2e.upstream import Stage, Upstream

PLANS = (
    Plan(name="pbx", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
    Plan(name="both", third_party=True, policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
    Plan(name="other", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
)
TALKS = 40
TOUCHES_A_WISH = (1, 6)
"""how often the outside is touched for each notification while they come in, and until they are all finished"""


@pytest.fixture
def scene(stage: Stage, tmp_path: Path, form: Form) -> Iterator[Scene]:
    with scene_of(stage, tmp_path, PLANS, form=form) as scene:
        for provider in scene.providers.values():
            for each in provider.upstreams:
                each.misbehave("*", upstream.slow(0.01))
        scene.huggy.misbehave("*", upstream.slow(0.003))
        yield scene


async def test_whatever_is_killed_nothing_is_lost_doubled_or_overtaken(scene: Scene, rounds: int, tally: Tally) -> None:
    for seed in range(rounds):
        try:
            tally.add(await one_round(scene, random.Random(seed)))
        except AssertionError as broken:
            raise AssertionError(f"in the round of seed {seed}: {broken}") from broken
    assert not written_twice(scene.providers.values())


async def one_round(scene: Scene, rng: random.Random) -> Tally:
    talks = crowd(rng, list(scene.providers.values()), TALKS)
    wishes = sum(len(talk.wishes) for talk in talks)
    kills = rng.choice((1, 1, 2))
    async with Huggy() as huggy:
        touched = touches(scene, huggy)
        deliveries = asyncio.create_task(huggy.deliver(talks))
        for _ in range(kills):
            moment = rng.randrange(rng.choice(TOUCHES_A_WISH) * wishes)
            await asyncio.to_thread(wait_for_touches, scene, touched, moment, talks)
            huggy.hold()
            await asyncio.to_thread(kill_and_restart, deployment_of(scene), rng)
            huggy.go_on()
        await deliveries
        await settle(talks)
        records = await recorded_by_chat(deployment_of(scene), talks)
        tally = reckon(talks, records, kills=kills)
        await nothing_changes_when_all_is_delivered_again(huggy, talks)
    return tally


def touches(scene: Scene, huggy: Huggy) -> Callable[[], int]:
    """How often anybody outside was asked or answered since this was called: the clock by which the kill is chosen."""
    others: list[Upstream] = [scene.huggy]
    for provider in scene.providers.values():
        others += provider.upstreams
    before = sum(len(other.calls) for other in others)
    return lambda: sum(len(other.calls) for other in others) - before + huggy.acknowledged


def wait_for_touches(scene: Scene, touched: Callable[[], int], more: int, talks: list[Talk]) -> None:
    """Or until hardly anything is left to be killed in the middle of."""
    until = touched() + more

    def now() -> bool:
        return touched() >= until or all(talk.endings >= len(talk.wishes) for talk in talks)

    scene.stage.wait_until(now, "the moment of the kill", within_s=45.0)


def kill_and_restart(deployment: Deployment, rng: random.Random) -> None:
    """All at once, or any of them while the others go on."""
    names = deployment.processes
    deployment.kill(rng.sample(names, rng.randint(1, len(names))))
    deployment.serve()


async def nothing_changes_when_all_is_delivered_again(huggy: Huggy, talks: list[Talk]) -> None:
    before = {talk.chat: len(talk.ledger.deeds) for talk in talks}
    counted = await huggy.deliver_again(talks)
    assert set(counted) == {(0, 1)}, "a repeated delivery was taken for a new one"
    await settle(talks)
    grown = {talk.chat for talk in talks if len(talk.ledger.deeds) != before[talk.chat] + 1}
    assert not grown, f"more than the sentinel's flow after a repeated delivery, in chats {grown}"

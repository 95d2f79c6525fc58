"""Huggy away for a while: it refuses connections, then answers 500, then is back. Nobody is forgotten or told twice."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.deployment import Form, deployment_of, scene_of
from tests.chaos.reckoning import reckon, recorded_by_chat, written_twice
from tests.chaos.talks import Huggy, Talk, crowd, settle
from tests.e2e import upstream
from tests.e2e.notifications import LOOKUP
from tests.e2e.scene import Plan, Scene, new_chat
from tests.e2e.upstream import Stage

PLANS = (
    Plan(name="pbx", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
    Plan(name="both", third_party=True, policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
)
PATIENCE_S = 60.0


@pytest.fixture
def scene(stage: Stage, tmp_path: Path, form: Form) -> Iterator[Scene]:
    with scene_of(stage, tmp_path, PLANS, form=form) as scene:
        yield scene


@pytest.mark.parametrize("killed", [False, True], ids=["service stays up", "service is killed meanwhile"])
async def test_when_huggy_is_back_every_chat_gets_its_one_flow(scene: Scene, killed: bool) -> None:
    providers = list(scene.providers.values())
    talks = crowd(random.Random(7), providers, 24, longest=2)
    scene.huggy.stop()
    async with Huggy() as huggy:
        await huggy.deliver(talks)
    await asyncio.to_thread(scene.stage.wait_until, lambda: asked_of_erps(scene) >= len(talks), "the ERPs were asked")

    scene.huggy.misbehave("*", upstream.SERVER_ERROR)
    scene.huggy.start()
    await asyncio.to_thread(
        scene.stage.wait_until,
        lambda: len({call.path for call in scene.huggy.calls}) >= len(talks),
        "500 for each chat",
    )
    if killed:
        await asyncio.to_thread(deployment_of(scene).kill)
        await asyncio.to_thread(deployment_of(scene).serve)
    assert not any(talk.ledger.deeds for talk in talks)

    scene.huggy.heal()
    await settle(talks, PATIENCE_S)
    tally = reckon(talks, await recorded_by_chat(deployment_of(scene), talks), kills=int(killed))
    assert killed or (tally.sentences, tally.messages_twice) == (0, 0), "500 is a refusal: nothing was in doubt"
    assert not written_twice(providers)


async def test_a_doubt_that_can_not_be_told_at_once_is_told_when_huggy_is_back(scene: Scene) -> None:
    """The service dies while it starts flows, and Huggy answers 500 to the one that comes after it."""
    talks = [Talk(provider=scene.providers["pbx"], chat=new_chat()) for _ in range(4)]
    for talk in talks:
        talk.ask(LOOKUP)
    gate = upstream.Gate(scene.stage)
    scene.huggy.misbehave("huggy.flow", gate)
    async with Huggy() as huggy:
        await huggy.deliver(talks)
    await asyncio.to_thread(scene.stage.wait_until, lambda: gate.held == len(talks), "every flow under way")
    await asyncio.to_thread(deployment_of(scene).kill)
    scene.huggy.heal()
    scene.huggy.misbehave("*", upstream.SERVER_ERROR)
    asked_before = asked_of_huggy(scene)
    await asyncio.to_thread(deployment_of(scene).serve)
    await asyncio.to_thread(
        scene.stage.wait_until, lambda: asked_of_huggy(scene) >= asked_before + len(talks), "a try to tell each"
    )
    scene.huggy.heal()
    await settle(talks, PATIENCE_S)
    assert reckon(talks, await recorded_by_chat(deployment_of(scene), talks), kills=1).doubts_silent == len(talks)


def asked_of_huggy(scene: Scene) -> int:
    """An answer that is late looks at the chat first; while that fails, nothing is told."""
    return scene.huggy.count("huggy.message") + scene.huggy.count("huggy.chat")


def asked_of_erps(scene: Scene) -> int:
    return sum(len(each.calls) for provider in scene.providers.values() for each in provider.upstreams)

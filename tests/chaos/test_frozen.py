"""A worker stands still in the middle of its work, others take its chats over, and it wakes: no flow starts twice."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import WORKERS
from tests.chaos.deployment import Form, deployment_of, scene_of
from tests.chaos.reckoning import recorded_by_chat, written_twice
from tests.chaos.talks import SENTINEL, Huggy, crowd, settle
from tests.e2e import upstream
from tests.e2e.scene import Plan, Scene
from tests.e2e.upstream import Stage

PLANS = (
    Plan(name="pbx", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
    Plan(name="both", third_party=True, policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),
)
TALKS = 36
FROZEN, *OTHERS = (f"worker-{number}" for number in range(1, WORKERS + 1))


@pytest.fixture
def scene(stage: Stage, tmp_path: Path, postgres_url: str) -> Iterator[Scene]:
    form = Form(name="postgresql", database_url=postgres_url, workers=WORKERS)
    with scene_of(stage, tmp_path, PLANS, form=form) as scene:
        for each in (scene.huggy, *(each for provider in scene.providers.values() for each in provider.upstreams)):
            each.misbehave("*", upstream.slow(0.05))
        yield scene


async def test_a_worker_that_wakes_repeats_nothing_that_others_did_for_it(scene: Scene) -> None:
    providers, deployment = list(scene.providers.values()), deployment_of(scene)
    talks = crowd(random.Random(13), providers, TALKS, longest=2)
    wait_until = scene.stage.wait_until
    async with Huggy() as huggy:
        deliveries = asyncio.create_task(huggy.deliver(talks))
        await asyncio.to_thread(wait_until, lambda: any(talk.ledger.deeds for talk in talks), "the first deed")
        with deployment.frozen(FROZEN):
            await deliveries
            await asyncio.to_thread(
                wait_until, lambda: all(talk.endings >= len(talk.wishes) for talk in talks), "every wish's end"
            )
        assert "engine.chat_taken_over" in deployment.log.read_text(), "it stood still with nothing in its hands"
        deployment.kill(OTHERS)
        await settle(talks)  # by the one that was frozen: so it is awake, and has ended what it had begun

    records = await recorded_by_chat(deployment, talks)
    for talk in talks:
        asked = [wish.subscriber.tax_id for wish in talk.wishes]
        told = records[talk.chat][: len(asked)]
        assert [one.notification.document for one in told] == asked, f"chat {talk.chat}: lost, doubled or disordered"
        assert all(one.row.finished_at for one in told)
        flows = [flow for flow in talk.ledger.flows if flow != SENTINEL]
        assert len(flows) == len(set(flows)), f"chat {talk.chat}: a flow started twice"
        assert talk.ledger.flows.count(SENTINEL) == 1
    assert not written_twice(providers)

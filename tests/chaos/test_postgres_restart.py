"""PostgreSQL itself ends without a word, and is started again: what was accepted is worked off, and nothing is lost."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.deployment import Form, deployment_of, scene_of
from tests.chaos.reckoning import recorded_by_chat, written_twice
from tests.chaos.talks import Huggy, crowd, settle
from tests.e2e import upstream
from tests.e2e.scene import Plan, Scene
from tests.e2e.upstream import Stage
from tests.postgres import OwnServer, own_server

PLANS = (Plan(name="pbx", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),)
TALKS = 24
WORKED_OFF_WITHIN_S = 30.0


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """One of this test's own: that of the session serves other tests too."""
    with own_server() as server:
        yield server


@pytest.fixture
def scene(stage: Stage, tmp_path: Path, server: OwnServer) -> Iterator[Scene]:
    with server.database() as url:
        form = Form(name="postgresql", database_url=url, workers=2)
        with scene_of(stage, tmp_path, PLANS, form=form) as scene:
            for provider in scene.providers.values():
                for each in provider.upstreams:
                    each.misbehave("*", upstream.slow(0.05))
            yield scene


async def test_when_the_database_is_back_all_that_was_accepted_is_worked_off(scene: Scene, server: OwnServer) -> None:
    providers = list(scene.providers.values())
    talks = crowd(random.Random(11), providers, TALKS, longest=2)
    async with Huggy() as huggy:
        deliveries = asyncio.create_task(huggy.deliver(talks))
        await asyncio.to_thread(
            scene.stage.wait_until, lambda: any(talk.ledger.deeds for talk in talks), "the first deed", within_s=45.0
        )
        huggy.hold()
        await asyncio.to_thread(server.crash_and_start)
        await asyncio.to_thread(deployment_of(scene).serve)  # returns when it is ready
        huggy.go_on()
        await deliveries
        await settle(talks, WORKED_OFF_WITHIN_S)
    # Without its database a call of the ERP may get no turn: some chats end in the auxiliary flow, and none in silence.
    records = await recorded_by_chat(deployment_of(scene), talks)
    for talk in talks:
        asked = [wish.subscriber.tax_id for wish in talk.wishes]
        ended = [each.notification.document for each in records[talk.chat] if each.row.finished_at]
        assert ended[: len(asked)] == asked, f"chat {talk.chat}: lost, doubled or disordered"
    assert not written_twice(providers)

"""A machine whose clock stands elsewhere after a restart. Jumps within a process are tested at `tests/application`."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.deployment import deployment_of, scene_of
from tests.chaos.talks import Huggy, Talk, settle
from tests.e2e import upstream
from tests.e2e.notifications import LOOKUP
from tests.e2e.scene import FLOWS, Plan, Scene, new_chat
from tests.e2e.upstream import Stage

PLANS = (Plan(name="pbx"),)


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Iterator[Scene]:
    with scene_of(stage, tmp_path, PLANS) as scene:
        yield scene


@pytest.mark.skipif(shutil.which("faketime") is None, reason="a clock that jumps needs faketime")
@pytest.mark.parametrize(("jump", "flow"), [("-2h", "customer_found"), ("+30h", "auxiliary")])
async def test_after_a_restart_on_a_clock_that_jumped_every_chat_gets_its_one_flow(
    scene: Scene, jump: str, flow: str
) -> None:
    """Set back, nothing is too old; set forward, everything is, and nobody waits for an answer that comes too late."""
    provider, deployment = scene.providers["pbx"], deployment_of(scene)
    gate = upstream.Gate(scene.stage)
    provider.erp.misbehave("*", gate)
    talks = [Talk(provider=provider, chat=new_chat()) for _ in range(4)]
    async with Huggy() as huggy:
        for talk in talks:
            talk.ask(LOOKUP)
        await huggy.deliver(talks)
    await asyncio.to_thread(scene.stage.wait_until, lambda: gate.held == len(talks), "work under way")
    await asyncio.to_thread(deployment.kill)
    provider.erp.heal()
    gate.open()
    deployment.wrapped_in = ("faketime", "-f", jump)
    await asyncio.to_thread(deployment.serve)
    await settle(talks)
    assert {tuple(talk.ledger.flows[:-1]) for talk in talks} == {(FLOWS[flow],)}

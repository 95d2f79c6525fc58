"""One provider's ERP takes every request and answers none: the customers of all other providers notice nothing."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.chaos.deployment import Form, scene_of
from tests.chaos.talks import Huggy, Talk, settle
from tests.e2e import upstream
from tests.e2e.notifications import LOOKUP
from tests.e2e.scene import FLOWS, Plan, Provider, Scene, new_chat
from tests.e2e.upstream import Stage

INSTALLATIONS = 200
HUNG = Plan(name="hung", policies={"erp_timeout_s": "5", "reply_deadline_s": "10"})
PLANS = (HUNG, *(Plan(name=f"neighbour-{number}", pinned=False) for number in range(1, INSTALLATIONS)))
STORM = 100
"""customers of the provider whose ERP hangs; so many more before each wave of the others, because those who wait in vain
are soon let go"""
WAVES = 4
REPLY_DEADLINE_S = 20.0
"""of the others, who have the default policies"""
GENEROUS = 5.0


@pytest.fixture
def scene(stage: Stage, tmp_path: Path, form: Form) -> Iterator[Scene]:
    with scene_of(stage, tmp_path, PLANS, form=form) as scene:
        yield scene


async def test_the_other_199_providers_notice_nothing(scene: Scene) -> None:
    hung, *neighbours = scene.providers.values()
    waves = [neighbours[first::WAVES] for first in range(WAVES)]
    async with Huggy() as huggy:
        await flows_after_s(huggy, neighbours)  # connections are made, installations are read
        healthy = [after_s for wave in waves for after_s in await flows_after_s(huggy, wave)]

        hung.erp.misbehave("*", upstream.hangs(hung.erp))
        storm: list[Talk] = []
        beside_it: list[float] = []
        for wave in waves:
            more = [lookup(hung) for _ in range(STORM)]
            await huggy.deliver(more)
            storm += more
            await asyncio.to_thread(scene.stage.wait_until, lambda: hung.erp.count("pbx.validate") > 0, "the ERP hangs")
            beside_it += await flows_after_s(huggy, wave)

    for share in (50, 95):
        before, now = percentile(healthy, share), percentile(beside_it, share)
        assert now <= before * GENEROUS, f"p{share} {now:.3f} s beside a hanging ERP, {before:.3f} s without it"
    assert max(beside_it) < REPLY_DEADLINE_S

    await settle(storm)
    assert {tuple(talk.ledger.flows[:-1]) for talk in storm} == {(FLOWS["auxiliary"],)}, "one flow each"


def lookup(provider: Provider) -> Talk:
    talk = Talk(provider=provider, chat=new_chat())
    talk.ask(LOOKUP)
    return talk


async def flows_after_s(huggy: Huggy, providers: Sequence[Provider]) -> list[float]:
    """One customer of each provider asks; seconds from the first delivery until each had the right flow."""
    talks = [lookup(provider) for provider in providers]
    began = time.monotonic()
    await huggy.deliver(talks)
    stage = providers[0].stage
    await asyncio.to_thread(stage.wait_until, lambda: all(talk.ledger.flows for talk in talks), "a flow in each chat")
    assert {tuple(talk.ledger.flows) for talk in talks} == {(FLOWS["customer_found"],)}
    return [talk.ledger.deeds[0].at - began for talk in talks]


def percentile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]

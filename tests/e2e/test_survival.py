"""What was acknowledged ends in exactly one flow: in a storm, and whatever is killed in the middle."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from tests.e2e import notifications, upstream
from tests.e2e.books import Bill, Subscriber, today
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET, UNBLOCK, Body
from tests.e2e.scene import Plan, Provider, Scene, flow_key, new_chat

PROVIDERS = (Plan(name="pbx", policies={"erp_concurrency": "32"}),)
the_one = pytest.mark.parametrize("provider", ["pbx"], indirect=True)


async def post_all(provider: Provider, bodies: dict[str, Body]) -> set[str]:
    """Posts one body per chat, all at once; the chats whose notification was acknowledged."""
    limits = httpx.Limits(max_connections=len(bodies), max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:

        async def post(chat: str, body: Body) -> str | None:
            try:
                answer = await client.post(
                    provider.installed.webhook_url, content=body.content, headers={"Content-Type": body.content_type}
                )
            except httpx.TransportError:
                return None
            return chat if answer.status_code == httpx.codes.OK else None

        answered = await asyncio.gather(*(post(chat, body) for chat, body in bodies.items()))
    return {chat for chat in answered if chat is not None}


def wishes(provider: Provider, event: str, count: int) -> dict[str, Body]:
    chats = [new_chat() for _ in range(count)]
    return {
        chat: notifications.canonical(
            provider.asks(event, chat, document=provider.books.add().tax_id, description="sem sinal")
        )
        for chat in chats
    }


def with_bill(provider: Provider) -> tuple[Subscriber, Bill]:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    return provider.books.add(bills=[bill]), bill


@the_one
async def test_two_hundred_chats_at_once_over_a_slow_erp_get_one_flow_each(provider: Provider) -> None:
    provider.erp.misbehave("*", upstream.slow(0.2))
    bodies = wishes(provider, LOOKUP, 200)
    assert await post_all(provider, bodies) == set(bodies)
    chats = provider.huggy.chats
    await asyncio.to_thread(
        provider.stage.wait_until, lambda: all(chats[chat].flows for chat in bodies), "200 flows", 40.0
    )
    for chat in list(bodies)[::20]:
        await asyncio.to_thread(provider.settle, chat)
    started = [flow_key(flow) for chat in bodies for flow in chats[chat].flows]
    assert started.count("customer_found") == 200
    assert len(started) == 200 + 10, "one flow each, and the sentinels'"


@the_one
async def test_a_kill_while_the_erp_is_being_asked_loses_and_doubles_nothing(scene: Scene, provider: Provider) -> None:
    gate = upstream.Gate(scene.stage)
    provider.erp.misbehave("pbx.validate", gate)
    bodies = wishes(provider, LOOKUP, 40)
    acknowledged = await post_all(provider, bodies)
    await asyncio.to_thread(scene.stage.wait_until, lambda: gate.held >= 4, "requests under way")
    await asyncio.to_thread(restart_after_kill, scene, provider, gate)
    await one_flow_each(provider, acknowledged)
    assert acknowledged == set(bodies)


@the_one
async def test_a_kill_between_two_messages_ends_in_one_flow_and_silences_nothing(
    scene: Scene, provider: Provider
) -> None:
    subscriber, bill = with_bill(provider)
    chat, gate = new_chat(), upstream.Gate(scene.stage, let_pass=1)
    ledger = scene.huggy.chats[chat]
    scene.huggy.misbehave("huggy.message", gate)
    provider.notify(BOLETO, chat, document=subscriber.tax_id)
    scene.stage.wait_until(lambda: gate.held == 1, "the second message under way")
    await asyncio.to_thread(restart_after_kill, scene, provider, gate)
    await one_flow_each(provider, {chat})
    assert {bill.pix, bill.line} <= set(ledger.said)


@the_one
@pytest.mark.parametrize(("event", "operation"), [(UNBLOCK, "pbx.unblock"), (TICKET, "pbx.open")])
@pytest.mark.parametrize("effect", [False, True], ids=["before it took effect", "after it took effect"])
async def test_a_kill_while_the_erp_is_being_written_to_never_writes_twice(
    scene: Scene, provider: Provider, event: str, operation: str, effect: bool
) -> None:
    subscriber, chat = provider.books.add(), new_chat()
    gate = upstream.Gate(scene.stage, take_effect_first=effect)
    provider.erp.misbehave(operation, gate)
    provider.notify(event, chat, document=subscriber.tax_id, description="sem sinal")
    scene.stage.wait_until(lambda: gate.held == 1, "the write under way")
    await asyncio.to_thread(restart_after_kill, scene, provider, gate)
    await one_flow_each(provider, {chat})
    assert len(provider.books.writes_of(subscriber)) <= 1


@the_one
async def test_a_kill_at_any_moment_of_a_storm_leaves_one_flow_for_each_acknowledged_chat(
    scene: Scene, provider: Provider
) -> None:
    provider.erp.misbehave("*", upstream.slow(0.02))
    scene.huggy.misbehave("*", upstream.slow(0.005))
    bodies: dict[str, Body] = {}
    for event in (LOOKUP, BOLETO, UNBLOCK, TICKET):
        bodies |= wishes(provider, event, 40)
    posting = asyncio.create_task(post_all(provider, bodies))
    chats = scene.huggy.chats
    await asyncio.to_thread(
        scene.stage.wait_until, lambda: sum(bool(chats[chat].flows) for chat in bodies) >= 40, "work under way"
    )
    await asyncio.to_thread(scene.ponte.kill)
    acknowledged = await posting
    scene.huggy.heal()
    await asyncio.to_thread(scene.ponte.serve)
    await one_flow_each(provider, acknowledged, in_doubt=IN_DOUBT)
    assert all(len(provider.books.writes_of(one)) <= 1 for one in provider.books.subscribers.values())


@the_one
async def test_a_polite_stop_loses_nothing_either(scene: Scene, provider: Provider) -> None:
    provider.erp.misbehave("*", upstream.slow(0.1))
    bodies = wishes(provider, LOOKUP, 60)
    acknowledged = await post_all(provider, bodies)
    await asyncio.to_thread(scene.ponte.stop)
    await asyncio.to_thread(scene.ponte.serve)
    await one_flow_each(provider, acknowledged)
    assert acknowledged == set(bodies)


def restart_after_kill(scene: Scene, provider: Provider, gate: upstream.Gate) -> None:
    """What was held when the service died takes its effect then, and nobody is left to hear of it."""
    scene.ponte.kill()
    provider.erp.heal()
    scene.huggy.heal()
    gate.open()
    scene.ponte.serve()


IN_DOUBT = "é só me escrever de novo"
"""what a customer reads where nobody can tell whether the flow was started before the kill: see docs/adr/0002"""


async def one_flow_each(provider: Provider, chats: set[str], *, in_doubt: str | None = None) -> None:
    """Waits until each chat has its flow and all its work is finished, then counts. With `in_doubt`: or that sentence."""
    ledgers = provider.huggy.chats

    def doubted(chat: str) -> bool:
        return in_doubt is not None and any(in_doubt in text for text in ledgers[chat].said)

    await asyncio.to_thread(
        provider.stage.wait_until,
        lambda: all(ledgers[chat].flows or doubted(chat) for chat in chats),
        "a flow in each chat",
        45.0,
    )
    await asyncio.gather(*(asyncio.to_thread(provider.settle, chat) for chat in chats))
    counts = {chat: [flow_key(flow) for flow in ledgers[chat].flows[:-1]] for chat in chats}
    wrong = {chat: flows for chat, flows in counts.items() if len(flows) != 1 and not (doubted(chat) and not flows)}
    assert not wrong, f"not one flow each: {wrong}"

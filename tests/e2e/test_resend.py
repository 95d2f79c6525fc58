"""What failed is sent again and ends where it should have, once; and the trail of it tells of nobody."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from application.history import Event, Filters, Group
from application.resend import AlreadyResent, Resent
from domain.identifiers import InstallationId
from entrypoints.composition.container import Container
from entrypoints.composition.serving import build_server, serving
from entrypoints.settings import read_settings
from tests.e2e import upstream
from tests.e2e.books import Bill, today
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET, UNBLOCK
from tests.e2e.scene import FLOWS, Plan, Provider, Scene, flow_key, new_chat

HASTY = {"erp_timeout_s": "1", "reply_deadline_s": "4"}
PROVIDERS = (Plan(name="pbx", policies=HASTY), Plan(name="both", third_party=True, policies=HASTY))
each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)


@pytest.fixture
def stopped(scene: Scene) -> Iterator[None]:
    """The serving process is stopped for the test's end: the same database is served in here."""
    yield
    scene.ponte.serve()


@asynccontextmanager
async def served_here(scene: Scene) -> AsyncIterator[Container]:
    with serving(read_settings(scene.ponte.environment), works=True) as container:
        async with build_server(container).lifespan():
            yield container


async def events(container: Container, provider: Provider, group: Group = Group.ALL) -> list[Event]:
    history, installation_id = container.database().history, InstallationId(provider.installed.installation_id)
    page = await history.events(installation_id, Filters(group=group), limit=500)
    found = [await history.event(installation_id, row.seq) for row in page.rows]
    return [event for event in found if event is not None]


@each
def test_after_an_erp_failure_it_ends_in_the_right_flow_once(scene: Scene, provider: Provider, stopped: None) -> None:
    subscriber = provider.books.add()
    for one in provider.upstreams:
        one.misbehave("*", upstream.SERVER_ERROR)
    chat = new_chat()
    flow, ledger = provider.flow_after(LOOKUP, chat, document=subscriber.tax_id)
    assert flow == "auxiliary"
    for one in provider.upstreams:
        one.heal()
    scene.ponte.stop()

    async def send_again() -> None:
        async with served_here(scene) as container:
            (failed, *_) = await events(container, provider, Group.FAILED)
            assert failed.row.chat_id == chat
            of = InstallationId(provider.installed.installation_id)
            resend = container.resend()
            answers = await asyncio.gather(*(resend(of, failed.row.seq, seen=1) for _ in range(3)))
            assert sorted(type(answer).__name__ for answer in answers) == [
                *[AlreadyResent.__name__] * 2,
                Resent.__name__,
            ]
            await asyncio.to_thread(
                scene.stage.wait_until, lambda: len(ledger.flows) > 1, "the flow of the repetition", seen=ledger
            )

    asyncio.run(send_again())
    assert [flow_key(flow) for flow in ledger.flows] == ["auxiliary", "customer_found"]


@each
def test_no_trail_tells_whom_it_was_about_and_each_tells_what_was_asked(
    scene: Scene, provider: Provider, stopped: None
) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() - timedelta(days=5))
    for behaviour in (None, upstream.SERVER_ERROR, upstream.LOGIN_PAGE):
        subscriber = provider.books.add(bills=[bill])
        for one in provider.upstreams:
            if behaviour is None:
                one.heal()
            else:
                one.misbehave("*", behaviour)
        for event in (LOOKUP, BOLETO, UNBLOCK, TICKET):
            provider.flow_after(event, new_chat(), document=subscriber.tax_id, description=f"sou {subscriber.name}")
    scene.ponte.stop()

    async def trails() -> list[Event]:
        async with served_here(scene) as container:
            return await events(container, provider)

    found = asyncio.run(trails())
    told = msgspec.json.encode([kept.attempts for kept in found]).decode()
    assert scene.secrets_told(told) == []
    for kept in found:
        (attempt,) = kept.attempts
        steps = [step.what for step in attempt.steps]
        assert "erp.client_validate" in steps or "erp.people" in steps
        assert steps[-2:] == ["huggy.flow.start", f"ended.{kept.row.flow}"]
        assert kept.row.flow in FLOWS
        assert all(step.took_ms >= 0 for step in attempt.steps)
        asked = next(step for step in attempt.steps if step.what.startswith("erp."))
        assert asked.request is not None
        assert asked.request.startswith(("POST /", "GET /"))
        assert (asked.ended == "ok") == (asked.answer is not None and asked.answer.startswith("HTTP 200")) or (
            kept.row.cause is not None
        )

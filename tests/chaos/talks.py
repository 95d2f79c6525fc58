"""Many customers at once: chats in which one thing is asked after the other, each for a subscriber of its own."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import httpx

from adapters.messages.catalog import read_catalog
from domain.action import Message
from tests.e2e import notifications
from tests.e2e.books import Agreement, Bill, Subscriber, today
from tests.e2e.huggy_standin import ChatLedger
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET, UNBLOCK, Body
from tests.e2e.scene import FLOWS, Provider, new_chat

FLOW_OF = {LOOKUP: "customer_found", BOLETO: "boletos_found", UNBLOCK: "unblock_granted", TICKET: "ticket_opened"}
"""where each event leads while the ERP is well"""
WRITING = frozenset({UNBLOCK, TICKET})
IN_DOUBT = read_catalog().render(Message(key="chat.in_doubt"))
SENTINEL = FLOWS["customer_not_found"]
POSTING_AT_ONCE = 32


@dataclass(kw_only=True)
class Wish:
    """One notification. `subscriber` is nobody else's, so that its document tells the wish."""

    event: str
    subscriber: Subscriber
    body: Body
    deliveries: int = 0
    duplicate: bool = False
    """acknowledged as one that had come before: the first delivery was stored and its answer lost"""


@dataclass(kw_only=True)
class Talk:
    """One chat, and what is asked in it, in this order."""

    provider: Provider
    chat: str
    wishes: list[Wish] = field(default_factory=list)

    @property
    def ledger(self) -> ChatLedger:
        return self.provider.huggy.chats[self.chat]

    @property
    def endings(self) -> int:
        """Flows and in-doubt sentences: at least one for each notification that is finished."""
        return len(self.ledger.flows) + self.ledger.said.count(IN_DOUBT)

    def ask(self, event: str) -> None:
        books = self.provider.books
        held = Agreement(number=books.number(), status=6 if event == UNBLOCK else 1)
        if event == BOLETO:
            held.bills.append(Bill(number=books.number(), due_on=today() + timedelta(days=5)))
        subscriber = books.add(agreements=[held])
        asked = self.provider.asks(event, self.chat, document=subscriber.tax_id, description="sem sinal desde ontem")
        self.wishes.append(Wish(event=event, subscriber=subscriber, body=notifications.canonical(asked)))


def crowd(rng: random.Random, providers: Sequence[Provider], count: int, *, longest: int = 4) -> list[Talk]:
    """So many chats spread over the providers, each with one to `longest` different wishes."""
    talks = []
    for _ in range(count):
        talk = Talk(provider=rng.choice(providers), chat=new_chat())
        for event in rng.sample(list(FLOW_OF), rng.randint(1, longest)):
            talk.ask(event)
        talks.append(talk)
    return talks


class Huggy:
    """Delivers as Huggy would to a service that comes and goes: what was not acknowledged is delivered again, and
    nothing of a chat overtakes what stands before it."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.refused = 0
        self._reachable = asyncio.Event()
        self._reachable.set()
        limits = httpx.Limits(max_connections=POSTING_AT_ONCE, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=30, limits=limits, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def hold(self) -> None:
        """From now on whoever was not answered waits for `go_on`."""
        self._reachable.clear()

    def go_on(self) -> None:
        self._reachable.set()

    async def deliver(self, talks: Iterable[Talk]) -> None:
        """Returns when every wish is acknowledged."""
        await asyncio.gather(*(self._deliver(talk) for talk in talks))

    async def deliver_again(self, talks: Iterable[Talk]) -> list[tuple[int, int]]:
        """Every wish once more, all at once: how many of each were accepted and were duplicates."""
        answers = await asyncio.gather(*(self.post(talk.provider, each.body) for talk in talks for each in talk.wishes))
        return [(counted["accepted"], counted["duplicates"]) for counted in (answer.json() for answer in answers)]

    async def post(self, provider: Provider, body: Body) -> httpx.Response:
        headers = {"Content-Type": body.content_type}
        return await self._client.post(provider.installed.webhook_url, content=body.content, headers=headers)

    async def _deliver(self, talk: Talk) -> None:
        for wish in talk.wishes:
            while not await self._acknowledged(talk.provider, wish):
                await self._reachable.wait()
            self.acknowledged += 1

    async def _acknowledged(self, provider: Provider, wish: Wish) -> bool:
        wish.deliveries += 1
        try:
            answer = await self.post(provider, wish.body)
        except httpx.TransportError:
            return False
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert "retry-after" in answer.headers
            self.refused += 1
            return False
        assert answer.status_code == httpx.codes.OK, f"{answer.status_code} {answer.text[:300]}"
        wish.duplicate = answer.json()["duplicates"] == 1
        return True


async def settle(talks: Sequence[Talk], within_s: float = 60.0) -> None:
    """Returns when all that was asked in these chats is finished. At first nobody reminds Ponte of them; then each is
    asked one thing more, because what is asked last is answered last."""
    stage = talks[0].provider.stage
    await asyncio.to_thread(
        stage.wait_until, lambda: all(talk.endings >= len(talk.wishes) for talk in talks), "every wish's end", within_s
    )
    before = {talk.chat: talk.ledger.flows.count(SENTINEL) for talk in talks}
    async with Huggy() as huggy:
        for talk in talks:
            asked = talk.provider.asks(LOOKUP, talk.chat, document="00000000000")
            answer = await huggy.post(talk.provider, notifications.canonical(asked))
            assert answer.status_code == httpx.codes.OK, f"{answer.status_code} {answer.text[:300]}"
    await asyncio.to_thread(
        stage.wait_until,
        lambda: all(talk.ledger.flows.count(SENTINEL) > before[talk.chat] for talk in talks),
        "the end of every chat's work",
        within_s,
    )

"""A whole scene: Huggy, providers with their ERPs, and Ponte between them, over real sockets."""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import notifications
from tests.e2e.books import Books, Subscriber
from tests.e2e.documents import punctuated
from tests.e2e.huggy_standin import ChatLedger, Company, HuggyStandIn
from tests.e2e.notifications import Asked, Shape
from tests.e2e.ponte import Installed, Ponte
from tests.e2e.upstream import Stage, Upstream
from tests.e2e.voalle_standin import VoalleStandIn
from tests.e2e.voalle_third_party import VoalleSignIn, VoalleThirdParty

FLOW_KEYS = (
    "customer_found", "customer_not_found", "boletos_found", "boletos_none", "unblock_granted", "unblock_denied",
    "ticket_opened", "ticket_refused", "auxiliary",
)  # fmt: skip
FLOWS = {key: str(100 + index) for index, key in enumerate(FLOW_KEYS)}
_KEY_OF_FLOW = {flow: key for key, flow in FLOWS.items()}
_chats = itertools.count(55_501)
PBX = "PBX Matriz"
SYNDATA = "synd4ta-of-the-integrator"


def new_chat() -> str:
    return str(next(_chats))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A provider to be installed: with the PBX token alone, or with an integrator's credentials beside it."""

    name: str
    third_party: bool = False
    policies: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = True


class Provider:
    """One installation as Huggy sees it, and the ERP behind it."""

    def __init__(self, scene: "Scene", plan: Plan, number: int) -> None:
        self.plan = plan
        self.company_id = str(1001 + number)
        self.huggy_token = f"huggy-{secrets.token_hex(16)}"
        self.erp_token = f"erp-{secrets.token_hex(16)}"
        self.client_secret = f"integrator-{secrets.token_hex(16)}"
        self.webhook_token = secrets.token_hex(16)
        self.books = Books(offset=number * 1000)
        self.huggy = scene.huggy
        self.stage = scene.stage
        self.erp = VoalleStandIn(scene.stage, self.books, token=self.erp_token, segment=PBX).start()
        self.sign_in: VoalleSignIn | None = None
        self.third_party: VoalleThirdParty | None = None
        if plan.third_party:
            self.sign_in = VoalleSignIn(
                scene.stage, client_id="integrador", client_secret=self.client_secret, syndata=SYNDATA
            ).start()
            self.third_party = VoalleThirdParty(scene.stage, self.books, self.sign_in).start()
        self.huggy.admit(
            Company(company_id=self.company_id, token=self.huggy_token, flow_ids=frozenset(FLOWS.values()))
        )
        self._installed: Installed | None = None

    @property
    def upstreams(self) -> list[Upstream]:
        return [upstream for upstream in (self.erp, self.sign_in, self.third_party) if upstream is not None]

    @property
    def installed(self) -> Installed:
        assert self._installed is not None
        return self._installed

    def install(self, ponte: Ponte) -> None:
        chosen = [f"--flow={key}={flow}" for key, flow in FLOWS.items()]
        policies = [f"--set={key}={value}" for key, value in self.plan.policies.items()]
        self._installed = ponte.install(
            [
                "--company-id", self.company_id, "--name", f"Provedor {self.plan.name}", "--erp", "voalle",
                "--erp-url", self.erp.url, "--erp-pbx", PBX, "--email", "avisos@provedor.example",
                *chosen, *policies, *self._integrator(),
            ],
            erp_token=self.erp_token, huggy_token=self.huggy_token,
        )  # fmt: skip

    def _integrator(self) -> list[str]:
        if self.sign_in is None or self.third_party is None:
            return []
        settings = {
            "client_id": "integrador",
            "client_secret": self.client_secret,
            "syndata": SYNDATA,
            "auth_url": self.sign_in.url,
            "api_url": self.third_party.url,
        }
        return [f"--erp-set={key}={value}" for key, value in settings.items()]

    def shake_hands(self) -> httpx.Response:
        """What Huggy posts when the webhook's address is saved."""
        return self.post(notifications.as_json({"token": self.webhook_token, "validToken": True}))

    def post(self, body: notifications.Body) -> httpx.Response:
        return httpx.post(
            self.installed.webhook_url, content=body.content, headers={"Content-Type": body.content_type},
            timeout=10, trust_env=False,
        )  # fmt: skip

    def asks(self, event: str, chat: str, **fields: Any) -> Asked:
        return Asked(event=event, chat=chat, company=self.company_id, token=self.webhook_token, **fields)

    def notify(self, event: str, chat: str, shape: Shape = notifications.canonical, **fields: Any) -> httpx.Response:
        answer = self.post(shape(self.asks(event, chat, **fields)))
        assert answer.status_code == httpx.codes.OK, f"{answer.status_code} {answer.text[:300]}"
        return answer

    def flow_after(self, event: str, chat: str | None = None, **fields: Any) -> tuple[str, ChatLedger]:
        """Notifies, waits for the one flow that it must lead to, and says which one it was and what was in the chat."""
        chat = chat or new_chat()
        ledger = self.huggy.chats[chat]
        before = len(ledger.flows)
        self.notify(event, chat, **fields)
        self.stage.wait_until(lambda: len(ledger.flows) > before, f"a flow after {event}", seen=ledger)
        return flow_key(ledger.flows[before]), ledger

    def settle(self, chat: str) -> None:
        """Returns when all that stood before in this chat is finished: what is asked last is answered last."""
        ledger = self.huggy.chats[chat]
        sentinel = FLOWS["customer_not_found"]
        before = ledger.flows.count(sentinel)
        self.notify(notifications.LOOKUP, chat, document="00000000000")
        self.stage.wait_until(lambda: ledger.flows.count(sentinel) > before, "the end of the chat's work", seen=ledger)


class Scene:
    """All parts, brought up and taken down together."""

    def __init__(self, stage: Stage, home: Path, plans: tuple[Plan, ...]) -> None:
        self.stage = stage
        self.huggy = HuggyStandIn(stage).start()
        self.providers = {plan.name: Provider(self, plan, number) for number, plan in enumerate(plans)}
        hosts = [upstream.host for provider in self.providers.values() for upstream in provider.upstreams]
        self.ponte = Ponte(home, huggy_api_url=f"{self.huggy.url}/v3", private_hosts=hosts)

    def begin(self) -> None:
        self.ponte.run("migrate")
        for provider in self.providers.values():
            provider.install(self.ponte)
        self.ponte.serve()
        for provider in self.providers.values():
            if provider.plan.pinned:
                answer = provider.shake_hands()
                assert answer.text == provider.webhook_token, f"handshake: {answer.status_code} {answer.text[:200]}"

    def end(self) -> None:
        try:
            self.ponte.stop()
        finally:
            for provider in self.providers.values():
                for upstream in provider.upstreams:
                    upstream.stop()
            self.huggy.stop()

    @property
    def violations(self) -> list[str]:
        upstreams: list[Upstream] = [self.huggy]
        for provider in self.providers.values():
            upstreams += provider.upstreams
        return sorted({violation for upstream in upstreams for violation in upstream.violations})

    def secrets_told(self, text: str) -> list[str]:
        """Which personal data and secrets of this scene stand in a text, named by kind and never by value."""
        folded = text.casefold()
        return [kind for kind, value in self._never_to_be_logged() if value.casefold() in folded]

    def _never_to_be_logged(self) -> list[tuple[str, str]]:
        known = [("secret key", self.ponte.key), ("chat name", "Zuleide"), ("chat phone", "11987654321")]
        for provider in self.providers.values():
            known += [
                ("huggy token", provider.huggy_token),
                ("erp token", provider.erp_token),
                ("client secret", provider.client_secret),
                ("webhook token", provider.webhook_token),
                ("outage key", provider.installed.outage_api_key),
                ("webhook key", provider.installed.webhook_url.rpartition("/")[2]),
                ("flow key", provider.installed.flow_api_url.rpartition("/")[2]),
            ]
            for subscriber in provider.books.subscribers.values():
                known += _personal(subscriber)
        return known


def _personal(subscriber: Subscriber) -> list[tuple[str, str]]:
    known = [
        ("document", subscriber.tax_id),
        ("document, punctuated", punctuated(subscriber.tax_id)),
        ("customer's name", subscriber.name),
        ("customer's first name", subscriber.name.split()[0]),
        ("customer's phone", subscriber.phone),
    ]
    for held in subscriber.agreements:
        known.append(("street", held.street))
        for bill in held.bills:
            known += [("digitable line", bill.line), ("Pix code", bill.pix)]
    return known


def flow_key(flow: str) -> str:
    return _KEY_OF_FLOW[flow]

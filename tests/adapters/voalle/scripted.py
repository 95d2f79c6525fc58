"""An ERP that answers what the test tells it to, and remembers what it was asked."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from adapters.fence.local import LocalFence
from adapters.voalle.build import voalle_erp
from application.ports import Erp, Fence
from domain.customer import Contract, ContractStatus, Customer
from domain.identifiers import ChatId, ContractId, CustomerId, Secret
from domain.installation import ErpAccess, ErpKind, Policies
from domain.tax_id import Cpf
from domain.ticket import NewTicket

RECORDINGS = Path(__file__).parents[2] / "recordings" / "voalle"
CPF = Cpf(digits="52998224725")
NOON = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""noon in São Paulo, a Monday"""
THIRD_PARTY = {"client_id": "integrator", "client_secret": "s3cret", "syndata": "tenant-key"}
URL = "https://erp.provedor.example"

Reply = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[httpx.Response]]

VALIDATE = "/pbx/pbx/events/huggy/CLIENT_VALIDATE"
UNBLOCK = "/pbx/pbx/events/huggy/UNBLOCK_CONTRACT"
BILLETS = "/api/api/events/get_billets_from_contract"
OPEN = "/api/api/events/open_solicitation"
LIST = "/api/api/events/solicitation_list/12345"
TOKEN = "/connect/token"
API = "/external/integrations/thirdparty"
PERSON = f"{API}/people/txid/52998224725"
CONTRACTS = f"{API}/contract/getpaged"
TITLES = f"{API}/getopentitlesbytxid/52998224725"
CONTRACT_BILLETS = f"{API}/getcontractbillets/20743"


def recording(name: str) -> object:
    return msgspec.json.decode((RECORDINGS / f"{name}.json").read_bytes())


def recorded(name: str) -> httpx.Response:
    return httpx.Response(200, content=(RECORDINGS / f"{name}.json").read_bytes())


def says(answer: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(answer))


def enveloped(response: object, *, success: bool = True) -> httpx.Response:
    return says({"success": success, "messages": None, "response": response})


class StoppedClock:
    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds


class ScriptedErp:
    """The last of a path's replies is given again and again; a path that was not scripted is a 404 page."""

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.requests: list[httpx.Request] = []
        self._replies: dict[str, list[Reply]] = {}
        self._asked: defaultdict[str, int] = defaultdict(int)
        self.on(TOKEN, says({"access_token": "t-1", "expires_in": 3600, "token_type": "Bearer", "scope": "syngw"}))

    def on(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def count(self, path: str) -> int:
        return self._asked[path]

    def sent(self, path: str) -> httpx.Request:
        return [request for request in self.requests if request.url.path == path][-1]

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append(request)
        self._asked[path] += 1
        replies = self._replies.get(path)
        if replies is None:
            return httpx.Response(404, html="<h1>Missing Controller</h1>")
        reply = replies[min(self._asked[path], len(replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        return await reply(request)

    def build(
        self,
        settings: Mapping[str, str] | None = None,
        policies: Policies | None = None,
        fences: Callable[[str], Fence] | None = None,
    ) -> Erp:
        access = ErpAccess(
            kind=ErpKind.VOALLE, url=URL, token=Secret(value="pbx-token"), pbx="huggy", settings=dict(settings or {})
        )
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        policies = policies or Policies()
        return voalle_erp(
            access,
            policies,
            http,
            self.clock,
            fences=fences or (lambda _: LocalFence(concurrency=policies.erp_concurrency, per_minute=None)),
        )

    def build_both(self) -> Erp:
        return self.build(THIRD_PARTY)


def contract(
    ident: str = "20743", status: ContractStatus = ContractStatus.BLOCKED, attempts: int | None = 0
) -> Contract:
    return Contract(
        id=ContractId(ident),
        customer_id=CustomerId("12345"),
        number=ident,
        status=status,
        unblock_attempts=attempts,
    )


def customer(*contracts: Contract) -> Customer:
    return Customer(id=CustomerId("12345"), name="FULANO DE TAL", tax_id=CPF, contracts=contracts or (contract(),))


def new_ticket(contract_id: str | None = None) -> NewTicket:
    return NewTicket(
        customer=customer(),
        contract_id=None if contract_id is None else ContractId(contract_id),
        description="Sem conexão desde ontem",
        chat_id=ChatId("55501"),
    )

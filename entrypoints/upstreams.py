"""One ERP and one chat platform per installation, built when first asked for and kept while nothing of them changed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakSet

import httpx
from msgspec.structs import replace

from adapters.huggy.throttle import Throttle
from adapters.web.client import Client
from application.history import FenceState
from application.ports import Chat, Erp, Fence
from domain.identifiers import CompanyId, InstallationId
from domain.installation import ErpAccess, ErpKind, Installation, Policies

BuildErp = Callable[[Installation, httpx.AsyncClient], Erp]
OpenHttp = Callable[[ErpAccess, Policies], Client]
OpenTrialHttp = Callable[[ErpAccess, Policies], httpx.AsyncClient]

Built = TypeVar("Built")


class _Kept(Generic[Built]):
    """The last thing built for each installation, as long as what it was built from is the same."""

    def __init__(self) -> None:
        self._kept: dict[InstallationId, tuple[object, Built]] = {}

    def get(self, installation_id: InstallationId, made_of: object, build: Callable[[], Built]) -> Built:
        kept = self._kept.get(installation_id)
        if kept is not None and kept[0] == made_of:
            return kept[1]
        built = build()
        self._kept[installation_id] = (made_of, built)
        return built


class ErpRegistry:
    """Implements `application.ports.Erps`: the adapter of the installation's kind of ERP, over a client of its own.

    Used within one event loop. Where an installation changes, its earlier client lets go of its connections once nothing
    is under way on it; `close` lets go of all.
    """

    def __init__(self, *, builders: Mapping[ErpKind, BuildErp], open_http: OpenHttp) -> None:
        self._builders = builders
        self._open_http = open_http
        self._clients: dict[InstallationId, Client] = {}
        self._retired: WeakSet[Client] = WeakSet()
        self._retiring: set[asyncio.Task[None]] = set()
        self._kept: _Kept[Erp] = _Kept()

    def __call__(self, installation: Installation) -> Erp:
        asked = replace(installation, policies=_read_by_erps(installation.policies))
        return self._kept.get(installation.id, (asked.erp, asked.policies), lambda: self._build(asked))

    async def close(self) -> None:
        await asyncio.gather(*self._retiring)
        for client in [*self._clients.values(), *self._retired]:
            await client.aclose()

    def _build(self, installation: Installation) -> Erp:
        if (replaced := self._clients.get(installation.id)) is not None:
            self._retire(replaced)
        http = self._clients[installation.id] = self._open_http(installation.erp, installation.policies)
        return self._builders[installation.erp.kind](installation, http)

    def _retire(self, client: Client) -> None:
        self._retired.add(client)
        retiring = asyncio.create_task(client.retire())
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)


def _read_by_erps(policies: Policies) -> Policies:
    """What an adapter, its fences and its client may read of them; all else stands at its default. A change of that
    makes nothing anew, which would cost sign-ins and connections."""
    return Policies(
        erp_timeout_s=policies.erp_timeout_s,
        erp_concurrency=policies.erp_concurrency,
        erp_per_minute=policies.erp_per_minute,
        timezone=policies.timezone,
    )


class ErpTrials:
    """Implements `entrypoints.connections.OpenErp`. `builders` makes new ones, over fences of their own."""

    def __init__(self, *, builders: Callable[[], Mapping[ErpKind, BuildErp]], open_http: OpenTrialHttp) -> None:
        self._builders = builders
        self._open_http = open_http

    @asynccontextmanager
    async def __call__(self, installation: Installation) -> AsyncIterator[Erp]:
        async with self._open_http(installation.erp, installation.policies) as http:
            yield self._builders()[installation.erp.kind](installation, http)


class ChatRegistry:
    """Implements `application.ports.Chats`."""

    def __init__(self, build: Callable[[Installation], Chat]) -> None:
        self._build = build
        self._kept: _Kept[Chat] = _Kept()

    def __call__(self, installation: Installation) -> Chat:
        made_of = (installation.company_id, installation.huggy_token, installation.policies.flow_start)
        return self._kept.get(installation.id, made_of, lambda: self._build(installation))


class Fences(Protocol):
    """Makes the fence of each API of each provider."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def fence(
        self, installation_id: InstallationId, api: str, *, concurrency: int, per_minute: int | None, call_s: float
    ) -> Fence:
        """`call_s` is how long one call may take at most. Asked for again, it is the same fence, which keeps to these
        numbers from then on."""
        ...

    async def state(self, installation_id: InstallationId) -> Sequence[FenceState]:
        """Of each API that is being asked. May be asked on any event loop."""
        ...


class Throttles:
    """The one throttle of each company: what Huggy asks of it holds for all its chats, those built later included.

    Used within one event loop.
    """

    def __init__(self) -> None:
        self._throttles: defaultdict[CompanyId, Throttle] = defaultdict(Throttle)

    def __call__(self, company_id: CompanyId) -> Throttle:
        return self._throttles[company_id]

"""The ways to the ERPs: each vendor's typed line, connections, fences, and the trial of an address."""

import ssl
from collections.abc import Sequence

import httpx

from adapters.clock.system import SystemClock
from adapters.fence.local import LocalFences
from adapters.storage.database_kind import is_postgres
from adapters.voalle.address import AddressFault, read_pbx_address
from adapters.voalle.build import SETTINGS, voalle_erp
from adapters.web.client import Client, open_http
from adapters.web.probe import Reached, probe
from application.ports import Erp, Fence
from domain.installation import ErpAccess, ErpKind, Installation, Policies
from entrypoints.connections import Probe
from entrypoints.upstreams import BuildErp, ErpTrials, Fences, OpenHttp

_TLS_VERIFY = "tls_verify"


def make_tls(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def make_fences(database_url: str) -> Fences:
    """What bounds the calls to each ERP, together for all processes that share a database."""
    if is_postgres(database_url):
        from adapters.fence.postgres import PostgresFences
        from adapters.storage.postgres_server import conninfo

        return PostgresFences(conninfo(database_url))
    return LocalFences()


def make_erp_builders(clock: SystemClock, private_hosts: frozenset[str], fences: Fences) -> dict[ErpKind, BuildErp]:
    """The typed line of each vendor: mypy proves that its adapter fits the ports."""

    def fence(installation: Installation, api: str) -> Fence:
        policies = installation.policies
        return fences.fence(
            installation.id,
            api,
            concurrency=policies.erp_concurrency,
            per_minute=policies.erp_per_minute,
            call_s=policies.erp_timeout_s,
        )

    def voalle(installation: Installation, http: httpx.AsyncClient) -> Erp:
        return voalle_erp(
            installation.erp,
            installation.policies,
            http,
            clock,
            fences=lambda api: fence(installation, api),
            private_hosts=private_hosts,
        )

    return {ErpKind.VOALLE: voalle}


def make_erp_http(verified: ssl.SSLContext, unverified: ssl.SSLContext, private_hosts: frozenset[str]) -> OpenHttp:
    def client(access: ErpAccess, policies: Policies) -> Client:
        return open_http(
            tls=unverified if _trusts_anyone(access) else verified,
            max_connections=2 * policies.erp_concurrency,  # its two APIs, each within its fence
            private_hosts=private_hosts,
        )

    return client


def _trusts_anyone(access: ErpAccess) -> bool:
    return access.settings.get(_TLS_VERIFY, "").lower() == "false"


def settings_of(kind: ErpKind) -> frozenset[str]:
    """The names of all that `ErpAccess.settings` may hold."""
    match kind:
        case ErpKind.VOALLE:
            return SETTINGS | {_TLS_VERIFY}


def make_probe(verified: ssl.SSLContext, unverified: ssl.SSLContext, private_hosts: frozenset[str]) -> Probe:
    async def reach(access: ErpAccess) -> Sequence[Reached]:
        tls = unverified if _trusts_anyone(access) else verified
        return await probe(access.url, tls=tls, private_hosts=private_hosts)

    return reach


def make_erp_trials(clock: SystemClock, private_hosts: frozenset[str], erp_http: OpenHttp) -> ErpTrials:
    return ErpTrials(builders=lambda: make_erp_builders(clock, private_hosts, LocalFences()), open_http=erp_http)


def read_address(private_hosts: frozenset[str], kind: ErpKind, pasted: str) -> str:
    """The address as it is kept; `ValueError` with a sentence that says what is wrong."""
    match kind:
        case ErpKind.VOALLE:
            address = read_pbx_address(pasted, private_hosts=private_hosts)
    if isinstance(address, AddressFault):
        raise ValueError(address.advice)
    return address.url

"""One provider's Voalle as the ports of an ERP."""

from collections.abc import Callable

import httpx

from adapters.voalle.access_points import AccessPoints
from adapters.voalle.address import AddressFault, ErpAddress, read_address, read_pbx_address
from adapters.voalle.billing import VoalleBilling
from adapters.voalle.customers import VoalleCustomers
from adapters.voalle.exchange import VoalleExchange
from adapters.voalle.outages import VoalleOutages
from adapters.voalle.pbx import VoallePbx
from adapters.voalle.third_party import VoalleThirdParty
from adapters.voalle.tickets import VoalleTickets
from adapters.voalle.token import ThirdPartyAccess, VoalleToken
from adapters.voalle.unblocks import VoalleUnblocks
from application.failures import Rejected
from application.ports import Clock, Erp, Fence, Operation
from domain.identifiers import Secret
from domain.installation import ErpAccess, ErpKind, Policies

PBX, THIRD_PARTY = "pbx", "third_party"
SETTINGS = frozenset({"client_id", "client_secret", "syndata", "auth_url", "api_url", "pbx_segment", "validate_body"})
"""what `voalle_erp` reads of an installation's own"""


def voalle_erp(
    access: ErpAccess,
    policies: Policies,
    http: httpx.AsyncClient,
    clock: Clock,
    *,
    fences: Callable[[str], Fence],
    private_hosts: frozenset[str] = frozenset(),
) -> Erp:
    """The ports over `http`; used within one event loop and kept, not built for each call.

    `fences` is asked for the fence of each of the two APIs, `"pbx"` and `"third_party"`: when one of them hangs, the
    way to the other stays free.

    Settings: `client_id`, `client_secret`, `syndata` (all three: the third-party API is used too), `auth_url`,
    `api_url` (where it answers, when not on the ports 45700 and 45715), `pbx_segment` (in place of the PBX name),
    `validate_body=json` (in place of a form). `Rejected` when an address can't be used. Without token or PBX name
    nothing is offered, and without the third-party API no PDF.
    """
    address = _usable(read_pbx_address(access.url, private_hosts=private_hosts))
    settings = access.settings

    def exchange(api: str) -> VoalleExchange:
        return VoalleExchange(http=http, timeout_s=policies.erp_timeout_s, fence=fences(api))

    segment = settings.get("pbx_segment", "") or access.pbx
    pbx = VoallePbx(
        exchange=exchange(PBX),
        url=address.url,
        segment=segment,
        token=access.token,
        validate_as_json=settings.get("validate_body") == "json",
    )
    third_party = _third_party(settings, address, exchange(THIRD_PARTY), clock, private_hosts)
    access_points = AccessPoints(third_party=third_party, clock=clock) if third_party else None
    return Erp(
        kind=ErpKind.VOALLE,
        offers=_offers(pbx=bool(access.token and segment), third_party=third_party is not None),
        customers=VoalleCustomers(pbx=pbx, third_party=third_party, access_points=access_points, clock=clock),
        billing=VoalleBilling(pbx=pbx, third_party=third_party),
        unblocks=VoalleUnblocks(pbx=pbx),
        tickets=VoalleTickets(pbx=pbx, third_party=third_party),
        outages=VoalleOutages(access_points=access_points),
        sign_ins={} if third_party is None else {THIRD_PARTY: third_party.sign_in},
    )


def _offers(*, pbx: bool, third_party: bool) -> frozenset[Operation]:
    if not pbx:
        return frozenset()
    return frozenset(Operation) if third_party else frozenset(Operation) - {Operation.PDF}


def _third_party(
    settings: dict[str, str], address: ErpAddress, exchange: VoalleExchange, clock: Clock, private_hosts: frozenset[str]
) -> VoalleThirdParty | None:
    credentials = [settings.get(name, "") for name in ("client_id", "client_secret", "syndata")]
    if not all(credentials):
        return None
    client_id, client_secret, syndata = credentials
    auth_url, api_url = (
        _usable(read_address(settings[name], private_hosts=private_hosts)).url if settings.get(name) else default
        for name, default in (("auth_url", address.auth_url), ("api_url", address.api_url))
    )
    token = VoalleToken(
        exchange=exchange,
        auth_url=auth_url,
        access=ThirdPartyAccess(
            client_id=client_id, client_secret=Secret(value=client_secret), syndata=Secret(value=syndata)
        ),
        clock=clock,
    )
    return VoalleThirdParty(exchange=exchange, api_url=api_url, token=token)


def _usable(address: ErpAddress | AddressFault) -> ErpAddress:
    if isinstance(address, AddressFault):
        raise Rejected("erp.address", address.problem.value)
    return address

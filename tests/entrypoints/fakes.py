"""An installation with everything, and small stand-ins for what the shells lean on."""

from collections.abc import Sequence

from adapters.memory.journal import MemoryJournal
from application.failures import Unavailable
from application.ports import Arrival, Lane, Receipt
from domain.identifiers import CompanyId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation

INSTALLATION = Installation(
    id=InstallationId("inst-1"),
    company_id=CompanyId("1001"),
    name="Provedor Exemplo",
    email="avisos@provedor.example",
    erp=ErpAccess(kind=ErpKind.VOALLE, url="https://erp.example", token=Secret(value="erp-token"), pbx="PBX"),
    huggy_token=Secret(value="huggy-token"),
    flows={key: FlowId(str(number)) for number, key in enumerate(FlowKey, start=11)},
    webhook_key=Secret(value="webhook-key"),
    flow_api_key=Secret(value="flow-key"),
    outage_api_key=Secret(value="outage-key"),
)


async def no_renewal(installation_id: InstallationId, refused: Secret) -> Secret:
    raise AssertionError("nothing is to be renewed here")


class FullMailbox(MemoryJournal):
    """Cannot store anything just now."""

    async def accept(self, installation_id: InstallationId, arrivals: Sequence[Arrival], *, window_s: float) -> Receipt:
        raise Unavailable("storage.busy", retry_after_s=3)


class WakeList:
    """An engine that only writes down what it was to wake."""

    def __init__(self) -> None:
        self.woken: list[Lane] = []

    def wake(self, lane: Lane) -> None:
        self.woken.append(lane)

"""A simulated Voalle ERP: one provider's PBX API, token server and third-party API, each at an address of its own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.faulty_server import FaultyServer
from entrypoints.sandbox.records import Records
from entrypoints.sandbox.serving import running_all
from entrypoints.sandbox.strictness import Refused, answer_refusal
from entrypoints.sandbox.voalle_pbx import ApiEvents, PbxAccess, PbxEvents, Slips
from entrypoints.sandbox.voalle_thirdparty import IntegratorAccess, ThirdParty, connect_token

TOKEN = "5b0f4d8e-2a3c-4a55-9a43-6f2d1c7e8b90"  # noqa: S105 - the sandbox's own
PBX = "provedor"
INTEGRATOR_KEY = "9c1f-sandbox"


class Voalle:
    """The running ERP: where it answers, what opens it, and its records to look into."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.pbx_access = PbxAccess(token=TOKEN, pbx=PBX)
        self.integrator = IntegratorAccess(
            client_id="ponte-sandbox", client_secret=INTEGRATOR_KEY, syndata="sandbox-syndata"
        )
        self.url = ""
        self.auth_url = ""
        self.api_url = ""

    @property
    def token(self) -> str:
        return self.pbx_access.token

    @property
    def pbx(self) -> str:
        return self.pbx_access.pbx


@asynccontextmanager
async def running_voalle(records: Records, faults: Faults) -> AsyncGenerator[Voalle]:
    """Serves until the block ends, each of the three APIs at a port of its own."""
    voalle = Voalle(records)
    pbx = _app([PbxEvents, ApiEvents, Slips], records, voalle.pbx_access)
    auth = _app([connect_token], records, voalle.integrator)
    api = _app([ThirdParty], records, voalle.integrator)
    async with running_all([FaultyServer(app, faults, "erp") for app in (pbx, auth, api)]) as urls:
        voalle.url, voalle.auth_url, voalle.api_url = urls
        voalle.pbx_access.url = voalle.integrator.portal_url = voalle.url
        try:
            yield voalle
        finally:
            faults.stopping.set()


def _app(handlers: list[ControllerRouterHandler], records: Records, access: Any) -> Litestar:
    return Litestar(
        route_handlers=handlers,
        dependencies={
            "records": Provide(lambda: records, sync_to_thread=False),
            "access": Provide(lambda: access, sync_to_thread=False),
        },
        exception_handlers={Refused: answer_refusal},
        state=State({"access": access}),
        openapi_config=None,
        logging_config=None,
    )

"""The stage with an ERP behind it, kept in memory, so that pages that ask it have somebody to ask."""

from functools import partial
from typing import Any

import httpx
from litestar import Litestar
from msgspec.structs import replace

from adapters.huggy.flow_list import HuggyFlowLists
from adapters.memory.notebook import Notebook, PlainWeeks
from adapters.memory.world import World, memory_erp
from adapters.messages.catalog import read_catalog
from application.conclude import Conclude
from application.ports import Erp
from application.rehearse import Rehearse
from application.try_outage import TryOutage
from domain.identifiers import FlowId, Secret
from domain.installation import FlowKey, Installation, Policies
from entrypoints.connections import Connections
from entrypoints.http.console.parts import Console
from entrypoints.http.console.playground import Playground
from entrypoints.http.console.rendering import Pages
from entrypoints.http.console.routes import console_routes
from entrypoints.http.errors import sign_answer
from tests.entrypoints.console.stage import Browser, Stage
from tests.entrypoints.fakes import INSTALLATION, no_renewal

ROOM = f"/i/{INSTALLATION.id}"


class Proving:
    """An operator looks at `INSTALLATION`, whose ERP is `world`."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, playground: Playground | None = None) -> None:
        self.stage = stage
        self.world = World(now=stage.clock.now())
        self.notebook = Notebook()
        console, database = stage.console, stage.database
        parts: dict[str, Any] = {name: getattr(console, name) for name in Console.__struct_fields__}
        parts |= {
            "pages": Pages(clock=stage.clock, in_sandbox=playground is not None),
            "history": database.history,
            "outages": database.outages,
            "connections": Connections(
                probe=parts["connections"],
                open_erp=parts["connections"],
                accounts=stage.accounts,
                flow_lists=HuggyFlowLists(http=http, base_url=stage.huggy.api_url),
                renew=no_renewal,
                work_loop=console.work_loop,
            ),
            "rehearse": Rehearse(
                journal=database.journal,
                conclude_over=partial(
                    Conclude,
                    erps=self._erp,
                    outages=database.outages,
                    calendar=PlainWeeks(),
                    clock=stage.clock,
                    alerts=self.notebook,
                    observer=self.notebook,
                ),
                erps=self._erp,
                clock=stage.clock,
                render=read_catalog().render,
            ),
            "try_outage": TryOutage(erps=self._erp, outages=database.outages, clock=stage.clock),
            "playground": playground,
        }
        stage.console = Console(**parts)
        stage.app = Litestar(
            console_routes(stage.console), before_send=[sign_answer], openapi_config=None, logging_config=None
        )
        self.browser: Browser = stage.browser()

    def _erp(self, installation: Installation) -> Erp:
        return memory_erp(self.world)

    async def begin(self, **policies: Any) -> None:
        await self.stage.has_operator()
        flows = {key: FlowId(str(number)) for number, key in enumerate(FlowKey, start=11)}
        await self.stage.database.installations.save(
            replace(
                INSTALLATION,
                flows=flows,
                policies=Policies(**policies),
                huggy_token=Secret(value=self.stage.huggy.token),
            )
        )
        answer = await self.browser.as_operator()
        assert answer.status_code == 303, answer.text

    async def installation(self) -> Installation:
        kept = await self.stage.database.installations.get(INSTALLATION.id)
        assert kept is not None
        return kept

    async def audit(self) -> list[str]:
        return [note.what for note in await self.stage.database.audit.recent(INSTALLATION.id)]

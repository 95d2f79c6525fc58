"""Runs the simulated Huggy: its sign-in, its API for the app, its webhook to the app, and the sandbox's own control routes."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide

from entrypoints.sandbox.deliveries import RETRY_DELAYS_S, Deliveries
from entrypoints.sandbox.faults import Faults
from entrypoints.sandbox.faulty_server import FaultyServer
from entrypoints.sandbox.flows import Flow
from entrypoints.sandbox.huggy import WEBHOOK_TOKEN, Huggy
from entrypoints.sandbox.huggy_api import API
from entrypoints.sandbox.huggy_control import Control
from entrypoints.sandbox.oauth import OAUTH
from entrypoints.sandbox.serving import running
from entrypoints.sandbox.strictness import Refused, answer_refusal


@asynccontextmanager
async def running_huggy(
    flows: Sequence[Flow],
    welcome: int,
    faults: Faults,
    *,
    names: Mapping[str, str] | None = None,
    retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
) -> AsyncGenerator[Huggy]:
    """Serves until the block ends. `names` are the profile names of phones in the channel."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        deliveries = Deliveries(http, faults, token=WEBHOOK_TOKEN, retry_delays_s=retry_delays_s)
        huggy = Huggy(flows, welcome, deliveries, names or {})
        app = Litestar(
            route_handlers=[
                Router("/v3", route_handlers=list(API)),
                Router("/v3/companies/{company_id:int}", route_handlers=list(API)),
                Control,
                *OAUTH,
            ],
            dependencies={"huggy": Provide(lambda: huggy, sync_to_thread=False)},
            exception_handlers={Refused: answer_refusal},
            state=State({"huggy": huggy, "faults": faults}),
            openapi_config=None,
            logging_config=None,
        )
        async with running(FaultyServer(app, faults, "huggy")) as url:
            huggy.url = url
            try:
                yield huggy
            finally:
                faults.stopping.set()
                await deliveries.stop()

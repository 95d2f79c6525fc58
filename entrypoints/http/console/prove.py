"""Proving: the simulator, outages at work and the flow API, to stand below `/i/{installation_id}`; and the sandbox's chat."""

from litestar.types import ControllerRouterHandler

from entrypoints.http.console.conversation import conversation_routes as _conversation_routes
from entrypoints.http.console.flow_api_page import flow_api_routes
from entrypoints.http.console.outages import outages_routes
from entrypoints.http.console.simulator import simulator_routes

prove_routes: list[ControllerRouterHandler] = [*simulator_routes, *outages_routes, *flow_api_routes]
conversation_routes: list[ControllerRouterHandler] = [*_conversation_routes]

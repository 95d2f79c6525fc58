"""Setting up an installation: the routes of all steps, to stand below `/i/{installation_id}`."""

from litestar.types import ControllerRouterHandler

from entrypoints.http.console.setup_copy import copy_routes
from entrypoints.http.console.setup_erp import erp_routes
from entrypoints.http.console.setup_flows import flows_routes
from entrypoints.http.console.setup_go_live import go_live_routes
from entrypoints.http.console.setup_huggy import huggy_routes
from entrypoints.http.console.setup_outage import outage_routes
from entrypoints.http.console.setup_rules import rules_routes

setup_routes: list[ControllerRouterHandler] = [
    *erp_routes,
    *flows_routes,
    *outage_routes,
    *rules_routes,
    *huggy_routes,
    *go_live_routes,
    *copy_routes,
]

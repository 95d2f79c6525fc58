"""Running an installation day by day: the routes of its pages, to stand below `/i/{installation_id}`, and the first page."""

from litestar.types import ControllerRouterHandler

from entrypoints.http.console.event import event_routes
from entrypoints.http.console.events import event_list_routes
from entrypoints.http.console.history_of_changes import change_routes
from entrypoints.http.console.home import home_routes
from entrypoints.http.console.live import live_routes
from entrypoints.http.console.notices import notice_routes
from entrypoints.http.console.problems import problem_routes
from entrypoints.http.console.status import status_routes

__all__ = ["home_routes", "run_routes"]

run_routes: list[ControllerRouterHandler] = [
    *status_routes,
    *event_list_routes,
    *live_routes,
    *event_routes,
    *problem_routes,
    *notice_routes,
    *change_routes,
]

"""All pages, each behind its guards: what changes something comes from a page of ours, and whatever stands below
`/i/{installation_id}` exists for those alone who may see that installation.
"""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from entrypoints.http.console.companies import COMPANIES
from entrypoints.http.console.enter import ENTER
from entrypoints.http.console.mishaps import MISHAPS
from entrypoints.http.console.parts import Console
from entrypoints.http.console.prove import conversation_routes, prove_routes
from entrypoints.http.console.run import home_routes, run_routes
from entrypoints.http.console.session import (
    FORM_MAX,
    SessionMiddleware,
    give_console,
    give_installation,
    give_visitor,
    only_from_our_pages,
    only_own_installations,
)
from entrypoints.http.console.setup import setup_routes
from entrypoints.http.console.static import static_file


def console_routes(console: Console) -> list[ControllerRouterHandler]:
    rooms = Router(
        "/i/{installation_id:str}",
        route_handlers=[*run_routes, *setup_routes, *prove_routes],
        guards=[only_own_installations],
        dependencies={"installation": Provide(give_installation, sync_to_thread=False)},
    )
    pages = Router(
        "/",
        route_handlers=[*home_routes, *ENTER, *COMPANIES, *conversation_routes, rooms],
        middleware=[SessionMiddleware(console)],
        guards=[only_from_our_pages],
        dependencies={
            "console": Provide(give_console, sync_to_thread=False),
            "visitor": Provide(give_visitor, sync_to_thread=False),
        },
        exception_handlers=MISHAPS,
        request_max_body_size=FORM_MAX,
    )
    return [static_file, pages]

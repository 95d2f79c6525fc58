"""The HTTP shell, put together from parts that the composition root hands over."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler, LifespanHook
from msgspec import Struct

from entrypoints.http.errors import EXCEPTION_HANDLERS, sign_answer
from entrypoints.http.health import ReadyCheck, health_routes
from entrypoints.http.webhooks import HuggyWebhook, webhook_route
from entrypoints.metrics import Meters

Refuse = Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]


class AppParts(Struct, frozen=True, kw_only=True):
    webhook: HuggyWebhook
    meters: Meters
    ready_checks: Mapping[str, ReadyCheck] = {}
    routes: Sequence[ControllerRouterHandler] = ()
    """the flow API, the console, sign-in: whatever else this process serves"""
    refusals: Refuse | None = None
    """how somebody with a browser is told that an address does not exist; None: as everybody else"""
    on_startup: Sequence[LifespanHook] = ()
    on_shutdown: Sequence[LifespanHook] = ()


def build_app(parts: AppParts) -> Litestar:
    """No access log and no framework log: request paths hold keys, and a failed request is logged by its handler."""
    return Litestar(
        [
            webhook_route(parts.webhook),
            *health_routes(parts.ready_checks, parts.meters.registry),
            *parts.routes,
        ],
        on_startup=parts.on_startup,
        on_shutdown=parts.on_shutdown,
        before_send=[sign_answer],
        exception_handlers={**EXCEPTION_HANDLERS, **({HTTPException: parts.refusals} if parts.refusals else {})},
        openapi_config=None,
        debug=False,
        logging_config=None,
    )

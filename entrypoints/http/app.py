"""The HTTP shell, put together from parts that the composition root hands over."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import (
    ControllerRouterHandler,
    HTTPScope,
    LifespanHook,
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)
from msgspec import Struct

from entrypoints.http.errors import EXCEPTION_HANDLERS, sign_answer
from entrypoints.http.health import ReadyCheck, health_routes
from entrypoints.http.webhooks import MOUNTED_AT, HuggyWebhook
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


class PonteApp(Litestar):
    """Litestar behind the one hot route: its layers would cost each notification a tenth more (docs/performance.md)."""

    def __init__(self, webhook: HuggyWebhook, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._webhook = webhook

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        if scope["type"] == ScopeType.HTTP:
            asked = cast("HTTPScope", scope)
            if f"{asked['path']}/".startswith(MOUNTED_AT):
                await self._webhook(asked, cast("Receive", receive), cast("Send", send))
                return
        await super().__call__(scope, receive, send)


def build_app(parts: AppParts) -> Litestar:
    """No access log and no framework log: request paths hold keys, and a failed request is logged by its handler."""
    return PonteApp(
        parts.webhook,
        [
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

"""Is it alive, is it ready, what has it counted: for supervisors, balancers and Prometheus. No secrets, no data."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

CHECK_TIMEOUT_S = 2.0

ReadyCheck = Callable[[], Awaitable[str | None]]
"""None: fine. Else the reason, a sentence without data. What it raises counts as a reason too."""


class Live(Struct, frozen=True, kw_only=True):
    status: str = "ok"


class Readiness(Struct, frozen=True, kw_only=True):
    status: str
    reasons: dict[str, str]
    """by the name of the check that failed"""


def health_routes(checks: Mapping[str, ReadyCheck], registry: CollectorRegistry) -> list[HTTPRouteHandler]:
    @get("/health/live", sync_to_thread=False)
    def live() -> Live:
        return Live()

    @get("/health/ready")
    async def ready() -> Response[Readiness]:
        outcomes = await asyncio.gather(*(_reason(check) for check in checks.values()))
        reasons = {name: reason for name, reason in zip(checks, outcomes, strict=True) if reason}
        return Response(
            Readiness(status="unavailable" if reasons else "ready", reasons=reasons),
            status_code=503 if reasons else 200,
        )

    @get("/metrics", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [live, ready, metrics]


async def _reason(check: ReadyCheck) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return "sem resposta a tempo"
    except Exception as error:  # noqa: BLE001  whatever it is, it is the reason
        return type(error).__name__

"""Templates to pages: escaped, complete (an unknown name is an error, not a gap), with the headers that guard them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import Request, Response
from litestar.enums import MediaType

from application.ports import Clock
from entrypoints.http.console.static import address_of
from entrypoints.http.console.words import WORDS

TEMPLATES = Path(__file__).with_name("templates")
ZONE = "America/Sao_Paulo"

GUARDS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
}
"""of every page: nothing from elsewhere, nothing inline, nothing kept"""


class Pages:
    def __init__(self, *, clock: Clock, in_sandbox: bool = False) -> None:
        """`in_sandbox`: there is a simulated customer to talk to, and pages lead to them."""
        self._clock = clock
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            moment=_moment, clock=_clock, ms=_milliseconds, count=_count, share=_share, ago=self._ago
        )
        self._environment.globals.update(static=address_of, in_sandbox=in_sandbox, words=WORDS)

    def show(
        self,
        request: Request[Any, Any, Any],
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: object,
    ) -> Response[str]:
        """The whole page, for the visitor of this request (`visitor` in its scope, where somebody is signed in)."""
        shown = {"flash": request.scope.get("flash"), **context}
        return Response(
            self.fragment(template, visitor=request.scope.get("visitor"), path=request.url.path, **shown),
            media_type=MediaType.HTML,
            status_code=status,
            headers={**GUARDS, **(headers or {})},
        )

    def fragment(self, template: str, **context: object) -> str:
        """The HTML of a template, without an answer around it: for what is sent live."""
        return self._environment.get_template(template).render(
            {"visitor": None, "installation": None, "path": "", "flash": None, **context}
        )

    def _ago(self, moment: datetime | None) -> str:
        """`há 3 min`; never a negative time."""
        return "nunca" if moment is None else _span(max(timedelta(0), self._clock.now() - moment))


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"há {seconds} s"
    if seconds < 3600:
        return f"há {seconds // 60} min"
    if seconds < 86_400:
        return f"há {seconds // 3600} h"
    days = seconds // 86_400
    return "há 1 dia" if days == 1 else f"há {days} dias"


def _local(moment: datetime, zone: str) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))


def _moment(moment: datetime | None, zone: str = ZONE) -> str:
    """`23/11/2026 14:05:09`, in the provider's zone."""
    return "–" if moment is None else f"{_local(moment, zone):%d/%m/%Y %H:%M:%S}"


def _clock(moment: datetime | None, zone: str = ZONE) -> str:
    return "–" if moment is None else f"{_local(moment, zone):%H:%M:%S}"


def _milliseconds(milliseconds: float | None) -> str:
    """`12 ms`, `1,4 s`."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s".replace(".", ",")


def _count(number: int) -> str:
    """`10.000`"""
    return f"{number:,}".replace(",", ".")


def _share(share: float | None) -> str:
    """`98,7 %` of a number between 0 and 1."""
    return "–" if share is None else f"{share * 100:.1f} %".replace(".", ",").replace(",0 %", " %")

"""The steps of setting up, how far an installation is, and the page that every step shows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from msgspec import Struct
from msgspec.structs import replace

from domain.identifiers import CompanyId, Secret
from domain.installation import ErpAccess, Installation
from domain.readiness import Missing, missing
from entrypoints.http.console.parts import Console


class Step(NamedTuple):
    slug: str
    label: str


STEPS = (
    Step("erp", "ERP"),
    Step("flows", "Flows"),
    Step("rede-off", "Rede Off"),
    Step("regras", "Regras"),
    Step("huggy", "Huggy"),
    Step("ativar", "Ativar"),
)


class Lack(Struct, frozen=True, kw_only=True):
    """What is missing, and where it is given."""

    message: str
    at: str


class Progress(Struct, frozen=True, kw_only=True):
    done: int
    total: int
    lacks: tuple[Lack, ...]
    open_steps: frozenset[str]
    """slugs of the steps in which something is missing"""

    @property
    def is_ready(self) -> bool:
        return not self.lacks


def progress_of(installation: Installation) -> Progress:
    lacking = missing(installation)
    total = len(missing(_blank(installation)))
    return Progress(
        done=total - len(lacking),
        total=total,
        lacks=tuple(Lack(message=each.message, at=_place(installation, each)) for each in lacking),
        open_steps=frozenset(map(_step_of, lacking)),
    )


def address_of_step(installation: Installation, slug: str) -> str:
    return f"/i/{installation.id}/configurar/{slug}"


def show_step(
    console: Console,
    request: Request[Any, Any, Any],
    installation: Installation,
    slug: str,
    *,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """The page of a step; with errors it is an answer 422, else it is fine unless `status` says otherwise."""
    status = context.pop("status", 422 if errors else 200)
    following = dict(zip(STEPS, (*STEPS[1:], None), strict=True))
    step = next((step for step in STEPS if step.slug == slug), None)
    return console.pages.show(
        request,
        f"setup/{slug.replace('-', '_')}.html",
        status=status,
        installation=installation,
        setup_at=f"/i/{installation.id}/configurar",
        steps=STEPS,
        step=step,
        next_step=following[step] if step else None,
        progress=progress_of(installation),
        errors=errors or {},
        **context,
    )


def _blank(installation: Installation) -> Installation:
    nothing = Secret(value="")
    return replace(
        installation,
        company_id=CompanyId(""),
        name="",
        huggy_token=nothing,
        email="",
        flows={},
        erp=ErpAccess(kind=installation.erp.kind, url="", token=nothing),
    )


def _step_of(lack: Missing) -> str:
    if lack.key.startswith("flow."):
        return "flows"
    return "erp" if lack.key.startswith("erp_") or lack.key == "email" else "huggy"


def _place(installation: Installation, lack: Missing) -> str:
    return f"{address_of_step(installation, _step_of(lack))}#campo-{lack.key}"


def field_text(form: FormMultiDict, name: str) -> str:
    """What was typed into a field, without blanks around it; empty where there is none, or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""

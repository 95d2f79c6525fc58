"""Who changed what, the newest first."""

from litestar import Response, get
from litestar.di import NamedDependency

from domain.installation import Installation
from entrypoints.http.console.notices import read_id
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import PageRequest

AT_ONCE = 50


@get("/historico")
async def see_changes(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    before = read_id(request.query_params.get("antes", ""))
    notes = await console.audit.recent(installation.id, before=before, limit=AT_ONCE + 1)
    shown = notes[:AT_ONCE]
    return console.pages.show(
        request,
        "run/changes.html",
        installation=installation,
        zone=installation.policies.timezone,
        notes=shown,
        older=f"/i/{installation.id}/historico?antes={shown[-1].id}" if len(notes) > AT_ONCE else "",
        newest=f"/i/{installation.id}/historico" if before is not None else "",
    )


change_routes = [see_changes]

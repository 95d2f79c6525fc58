"""A company that somebody proved at Huggy, and its installation: found, made, or connected again."""

from msgspec import Struct

from application.console_ports import HuggyCompany
from domain.huggy_access import Grant, connected
from domain.identifiers import CompanyId, InstallationId
from domain.installation import Installation
from entrypoints.http.console.parts import Console
from entrypoints.http.console.session import Visitor
from entrypoints.new_installation import new_installation


class Chosen(Struct, frozen=True, kw_only=True):
    installation: Installation
    is_new: bool = False
    used_grant: bool = False


async def of_company(console: Console, company_id: CompanyId) -> list[Installation]:
    return [each for each in await console.installations.all() if each.company_id == company_id]


def wants_grant(installation: Installation) -> bool:
    """Whether it lacks an access that renews itself: none, one that was typed, or one that is lost."""
    return installation.huggy_refresh_token is None or installation.huggy_lost_at is not None


async def choose(console: Console, visitor: Visitor, company: HuggyCompany, grant: Grant | None) -> Chosen | None:
    """The installation of a company that the visitor proved, with the grant put to use if it wants one.

    None: it wants one and there is none at hand, so that they have to go by Huggy once more.
    """
    async with console.turns(f"company:{company.id}"):
        theirs = await of_company(console, company.id)
        wanting = [each for each in theirs if wants_grant(each)]
        if theirs and not wanting:
            return Chosen(installation=theirs[0])
        if grant is None:
            return None
        if wanting:
            installation = await connect(console, visitor, wanting[0].id, company.id, grant)
            return None if installation is None else Chosen(installation=installation, used_grant=True)
        blank = new_installation(
            new_id=console.new_id, new_key=console.new_key, company_id=company.id, name=company.name, paused=True
        )
        installation = connected(blank, grant)
        await console.installations.save(installation)
        await console.audit.note(installation.id, visitor, "Cadastrou a empresa e conectou com a Huggy")
        return Chosen(installation=installation, is_new=True, used_grant=True)


async def connect(
    console: Console, visitor: Visitor, installation_id: InstallationId, company_id: CompanyId, grant: Grant
) -> Installation | None:
    """With the grant in place of what it had; None: it is gone, or not of this company any more."""

    def with_grant(each: Installation) -> Installation:
        return connected(each, grant) if each.company_id == company_id else each

    installation = await console.installations.change(installation_id, with_grant)
    if installation is None or installation.company_id != company_id:
        return None
    await console.audit.note(installation_id, visitor, "Conectou com a Huggy")
    return installation


def room_of(chosen: Chosen) -> str:
    """Where they go: a new installation is set up first."""
    root = f"/i/{chosen.installation.id}"
    return f"{root}/configurar/erp" if chosen.is_new else root

"""How an installation begins, whoever makes it: with keys of its own, and nothing else."""

from collections.abc import Callable

from domain.identifiers import CompanyId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, Installation, Policies


def new_installation(
    *,
    new_id: Callable[[], str],
    new_key: Callable[[], str],
    company_id: str = "",
    name: str = "",
    erp: ErpKind = ErpKind.VOALLE,
    paused: bool = False,
) -> Installation:
    return Installation(
        id=InstallationId(new_id()),
        company_id=CompanyId(company_id),
        name=name,
        erp=ErpAccess(kind=erp, url="", token=Secret(value="")),
        huggy_token=Secret(value=""),
        policies=Policies(paused=paused),
        webhook_key=Secret(value=new_key()),
        outage_api_key=Secret(value=new_key()),
        flow_api_key=Secret(value=new_key()),
    )

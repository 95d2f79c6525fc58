"""What an installation still lacks before it can serve customers."""

from collections.abc import Iterator

from msgspec import Struct

from domain.installation import ErpKind, FlowKey, Installation

FLOW_NAMES = {
    FlowKey.CUSTOMER_FOUND: "cliente cadastrado",
    FlowKey.CUSTOMER_NOT_FOUND: "cliente não cadastrado",
    FlowKey.BOLETOS_FOUND: "existem boletos",
    FlowKey.BOLETOS_NONE: "não existem boletos",
    FlowKey.UNBLOCK_GRANTED: "desbloqueio liberado",
    FlowKey.UNBLOCK_DENIED: "desbloqueio negado",
    FlowKey.TICKET_OPENED: "chamado aberto",
    FlowKey.TICKET_REFUSED: "chamado não pode ser aberto",
    FlowKey.AUXILIARY: "flow auxiliar",
}
"""as the provider's form calls them"""

_ASKS_BY_PBX = frozenset({ErpKind.VOALLE})
"""kinds of ERP whose requests carry the name of the provider's PBX"""


class Missing(Struct, frozen=True, kw_only=True):
    """One thing that is not there; `key` is stable, `message` tells the admin what to do."""

    key: str
    message: str


def missing(installation: Installation) -> tuple[Missing, ...]:
    """Everything that keeps the installation from serving, in the order of the provider's form; empty: it is ready."""
    return tuple(_missing(installation))


def _missing(installation: Installation) -> Iterator[Missing]:
    erp = installation.erp
    if not installation.company_id.strip():
        yield Missing(key="company_id", message="Informe o número da empresa na Huggy.")
    if not installation.name.strip():
        yield Missing(key="name", message="Informe o nome da empresa.")
    if not installation.huggy_token:
        yield Missing(key="huggy_token", message="Informe o token da Huggy.")
    if not erp.url:
        yield Missing(key="erp_url", message="Informe o endereço do ERP.")
    if not erp.token:
        yield Missing(key="erp_token", message="Informe o token de integrações do ERP.")
    if erp.kind in _ASKS_BY_PBX and not (erp.pbx.strip() or erp.settings.get("pbx_segment", "").strip()):
        yield Missing(key="erp_pbx", message="Informe o nome do PBX (Configurações > Parâmetros > Menu PBX > Nome).")
    if not installation.email.strip():
        yield Missing(key="email", message="Informe o e-mail que recebe os avisos importantes.")
    for flow in FlowKey:
        if not installation.flows.get(flow, ""):
            yield Missing(key=f"flow.{flow}", message=f"Escolha o flow para: {FLOW_NAMES[flow]}.")

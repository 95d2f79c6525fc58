"""One Huggy company that installed Ponte: its ERP, its flows, its Rede Off and its policies, as values."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from domain.identifiers import CompanyId, FlowId, InstallationId, Personal, Secret


class FlowKey(StrEnum):
    """The nine flows that the provider chooses, in the order of its form."""

    CUSTOMER_FOUND = "customer_found"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    BOLETOS_FOUND = "boletos_found"
    BOLETOS_NONE = "boletos_none"
    UNBLOCK_GRANTED = "unblock_granted"
    UNBLOCK_DENIED = "unblock_denied"
    TICKET_OPENED = "ticket_opened"
    TICKET_REFUSED = "ticket_refused"
    AUXILIARY = "auxiliary"


class ErpKind(StrEnum):
    VOALLE = "voalle"


class IdentityPolicy(StrEnum):
    DOCUMENT = "document"
    DOCUMENT_AND_PHONE = "document_and_phone"


class FlowStart(StrEnum):
    CHAT = "chat"
    CHAT_WITH_VARIABLES = "chat_with_variables"
    CONTACT = "contact"


DEFAULT_OUTAGE_MESSAGE = (
    "Identificamos uma falha na rede que atende o seu endereço e a nossa equipe já está trabalhando nela. "
    "Motivo: {{cause}}. Previsão de retorno: {{resolution_time_hour}}. Protocolo: {{protocol}}."
)


class Policies(Struct, frozen=True, kw_only=True):
    """What an admin may set. Seconds end in `_s`, hours in `_h`."""

    reply_deadline_s: float = 20
    timezone: str = "America/Sao_Paulo"
    identity: IdentityPolicy = IdentityPolicy.DOCUMENT
    outage_message_enabled: bool = False
    outage_message: str = DEFAULT_OUTAGE_MESSAGE
    outage_closes_chat: bool = False
    invoices_max: int = 3
    flow_start: FlowStart = FlowStart.CHAT
    ticket_reuse_h: float = 24
    erp_timeout_s: float = 8
    erp_concurrency: int = 4
    erp_per_minute: int | None = None
    dedupe_window_s: float = 60
    shadow: bool = False
    paused: bool = False
    boleto_banks: tuple[str, ...] = ()
    """bank codes (three digits) that the provider's boletos may carry; empty: any"""
    pix_hosts: tuple[str, ...] = ()
    """hosts that a dynamic Pix code may point to; empty: any"""
    pix_keys: tuple[str, ...] = ()
    """keys that a static Pix code may pay to; empty: any"""
    boleto_open_amount: bool = False
    """whether a boleto that carries no amount ("valor em aberto") may be sent"""
    flow_api_deadline_s: float = 10
    """from a flow's request ("Enviar requisição") to its answer"""
    outage_expires_h: float = 12
    """after so long an outage that nobody closed is not told any more, unless it says so itself"""
    paused_operations: tuple[str, ...] = ()
    """kinds of notification (`customer_lookup`, …) that go to the auxiliary flow at once"""
    keep_days: int = 90
    """for so long finished notifications are kept"""
    daily_digest: bool = False
    """a mail a day with what happened, besides the notices"""


class ErpAccess(Personal, frozen=True, kw_only=True):
    """How to reach one provider's ERP; `settings` are the vendor's own (`--erp-set`), documented by its adapter."""

    safe = ("kind",)

    kind: ErpKind
    url: str
    token: Secret
    pbx: str = ""
    settings: dict[str, str] = {}


class Installation(Personal, frozen=True, kw_only=True):
    safe = ("id", "company_id")

    id: InstallationId
    company_id: CompanyId
    name: str
    erp: ErpAccess
    huggy_token: Secret
    huggy_refresh_token: Secret | None = None
    """where the token came by "Acessar com Huggy"; None: it was typed"""
    huggy_expires_at: datetime | None = None
    """when `huggy_token` ends; None: not told"""
    huggy_renew_at: datetime | None = None
    """from when on it is exchanged for a new one, well before it ends; None: it can't be, or nobody knows when it ends"""
    huggy_lost_at: datetime | None = None
    """since when somebody has to connect with Huggy again; None: all is well"""
    email: str = ""
    flows: dict[FlowKey, FlowId] = {}
    policies: Policies = Policies()
    webhook_key: Secret
    """the unguessable part of the webhook's address"""
    flow_api_key: Secret
    outage_api_key: Secret = Secret(value="")
    """of the API by which the provider's own systems report outages; empty: it is off"""
    webhook_token: Secret | None = None
    """Huggy's own token, pinned by the handshake; later deliveries must carry it"""

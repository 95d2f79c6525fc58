"""What the admin may see of a call to the ERP: the allow-list of this vendor's keys, over `domain.redaction`."""

import httpx

from application.trail import Redacted
from domain.redaction import LARGEST_BODY, Redaction

# States, dates of invoices and tickets, amounts, and the ERP's own numbers of contracts, titles and tickets. Nobody's
# name, document, address, telephone, birthday or words; no token, no code that can be paid or copied.
_TELLING = (
    *("status", "success", "return", "contract_status", "status_description", "situation", "situacao", "active"),
    *("id", "contract_id", "contracts_id", "assignment_id", "title_id", "data_unblock_contract"),
    *("data_billets_from_contract", "contract_number", "protocol", "protocolo", "unblock_attempt_count", "parcel"),
    *("expiration_date", "due_date", "vencimento", "data_vencimento", "beginning_date", "final_date", "end_date"),
    *("approval_date", "issue_date", "resolution_time", "resolution_time_hour", "in_maintenance", "maintenance"),
    *("value", "amount", "valor", "final_value", "original_value", "title_amount", "balance", "discount", "fine"),
    *("interest", "collection_day", "page", "page_size", "total_pages", "total_records", "only_active_contracts"),
    *("contract_type", "expires_in", "grant_type", "scope", "data_response_type", "close"),
)
_redaction = Redaction(_TELLING)


def shown_request(request: httpx.Request, body: object) -> str:
    line = f"{request.method} {_redaction.path(request.url.path)}"
    return line if body is None else f"{line}\n{_redaction.text(body)}"


def shown_answer(status: int, content_type: str, body: bytes) -> Redacted:
    """Keeps no large answer in memory."""
    line = f"HTTP {status} {content_type}"
    if len(body) > LARGEST_BODY:
        large = f"{line}\n{len(body)} bytes"
        return lambda: large
    return lambda: f"{line}\n{_redaction.body(body)}"

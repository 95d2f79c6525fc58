"""What the journal stores is read by the next version: as it is written here, so it stands in databases.

A line is never changed: what is to have another name needs a migration of what is stored. A new member adds a line.
"""

from enum import StrEnum
from typing import Any, get_args

import msgspec
import pytest

from application.ports import Conclusion
from domain.action import Remark, Terminal
from domain.customer import ContractStatus
from domain.installation import FlowKey
from domain.notification import Notification
from domain.outcome import Outcome, WhyNotFound, WhyNoTicket
from domain.tax_id import TaxId
from domain.ticket import TicketAnswer
from domain.trust_unblock import UnblockAnswer, UnblockRefusal

Stored = Notification | Outcome | Remark | Terminal | TicketAnswer | UnblockAnswer | TaxId

CHAT = {
    "id": "70001",
    "company_id": "1001",
    "contact_id": "555",
    "channel": "whatsapp",
    "channel_uuid": "a1b2",
    "phone": "+5511987654321",
}
CONTRACT = {
    "id": "20743",
    "customer_id": "12345",
    "number": "743",
    "status": "active",
    "plan": "500 Mega",
    "district": "Centro",
    "city": "Campinas",
    "access_point": "OLT-1",
    "unblock_attempts": 1,
}
OFFER = {
    "invoice_id": "9",
    "due_on": "2026-11-20",
    "overdue": True,
    "amount": {"centavos": 9990},
    "reference": "11/2026",
    "payee": "Provedor Exemplo",
    "digitable_line": "34191101213456788005871234570001616670000012345",
    "pix_code": "000201***6304ABCD",
    "link": "https://erp.example/b/1",
    "document": False,
}
LINE = {"key": "contracts.line", "values": {"number": "743"}, "lines": []}
MESSAGE = {"key": "contracts.list", "values": {"first_name": "Ana"}, "lines": [LINE]}

STORED: dict[str, dict[str, Any]] = {
    "customer_lookup": {"key": "k", "chat": CHAT, "document": "529.982.247-25"},
    "boleto_requested": {"key": "k", "chat": CHAT, "document": "529.982.247-25", "contract": "2"},
    "unblock_requested": {"key": "k", "chat": CHAT, "document": "529.982.247-25", "contract": "2"},
    "ticket_requested": {"key": "k", "chat": CHAT, "document": "", "description": "sem sinal", "contract": "2"},
    "outage_asked": {"key": "k", "chat": CHAT, "document": "529.982.247-25", "contract": "2"},
    "customer.found": {"first_name": "Ana", "contracts": [CONTRACT]},
    "customer.in_outage": {
        "first_name": "Ana",
        "contracts": [CONTRACT],
        "told": "Há uma falha.",
        "protocol": "77",
        "back_at": "18h",
        "again": True,
        "reached": ["743"],
    },
    "customer.not_found": {"why": "not_in_erp"},
    "contract.unclear": {"contracts": [CONTRACT]},
    "boleto.issued": {"offers": [OFFER], "more": 1, "withheld": 2, "faults": ["pix.checksum"]},
    "boleto.none_open": {},
    "unblock.granted": {"protocol": "77", "until": "2026-11-25"},
    "unblock.denied": {"reason": "already_used"},
    "ticket.opened": {"protocol": "77"},
    "ticket.already_open": {"protocol": "77"},
    "ticket.outage_explains": {"told": "Há uma falha.", "protocol": None, "back_at": "18h"},
    "ticket.refused": {"reason": "refused_by_erp"},
    "not_offered": {"operation": "unblock"},
    "paused": {},
    "shadowed": {"operation": "ticket"},
    "failed": {"cause": "erp.timeout", "write_in_doubt": True, "told": "Há uma falha."},
    "say": {"message": MESSAGE},
    "say.code": {"code": "000201***6304ABCD"},
    "send.pdf": {"invoice_id": "9", "name": "boleto.pdf", "caption": MESSAGE, "otherwise": MESSAGE},
    "note": {"message": MESSAGE},
    "flow.start": {"flow": "customer_found", "flow_id": "11", "variables": {"nome": "Ana"}},
    "chat.close": {},
    "agent.keep": {},
    "ticket_open": {"protocol": "77"},
    "ticket_refused": {},
    "unblocked": {"protocol": "77", "until": "2026-11-25"},
    "unblock_refused": {"reason": "already_used"},
    "cpf": {"digits": "52998224725"},
    "cnpj": {"characters": "11222333000181"},
}

WORDS: dict[type[StrEnum], set[str]] = {
    ContractStatus: {"active", "blocked", "blocked_by_provider", "suspended", "cancelled", "unknown"},
    FlowKey: {
        "customer_found", "customer_not_found", "boletos_found", "boletos_none", "unblock_granted", "unblock_denied",
        "ticket_opened", "ticket_refused", "auxiliary",
    },
    UnblockRefusal: {
        "not_blocked", "blocked_by_provider", "cancelled", "suspended", "already_used", "refused_by_erp",
    },
    WhyNotFound: {"document_missing", "document_invalid", "several_documents", "not_in_erp", "identity_unsure"},
    WhyNoTicket: {"description_missing", "refused_by_erp"},
}  # fmt: skip


def test_the_tags_are_what_dashboards_and_the_journal_hang_on() -> None:
    assert {str(kind.__struct_config__.tag) for kind in get_args(Stored)} == STORED.keys()


@pytest.mark.parametrize("tag", STORED)
def test_what_an_earlier_version_stored_is_read_and_nothing_of_it_is_lost(tag: str) -> None:
    """A field may have come since, with a default; none may have gone, nor have another name."""
    stored = {"type": tag, **STORED[tag]}
    again = msgspec.to_builtins(msgspec.json.decode(msgspec.json.encode(stored), type=Stored))
    assert keeps(again, stored), again


def test_a_conclusion_that_an_earlier_version_stored_is_read_whole() -> None:
    found, said, started = ({"type": tag, **STORED[tag]} for tag in ("customer.found", "say", "flow.start"))
    stored = {"outcome": found, "route": {"remarks": [said], "terminal": started}}
    again = msgspec.to_builtins(msgspec.json.decode(msgspec.json.encode(stored), type=Conclusion))
    assert keeps(again, stored), again


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_that_an_earlier_version_stored_is_known(kind: type[StrEnum]) -> None:
    assert set(kind) >= WORDS[kind]


def keeps(again: Any, stored: Any) -> bool:
    if isinstance(stored, dict):
        return isinstance(again, dict) and all(key in again and keeps(again[key], stored[key]) for key in stored)
    if isinstance(stored, list):
        return len(again) == len(stored) and all(map(keeps, again, stored))
    return bool(again == stored)

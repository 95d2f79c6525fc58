"""A database that looks as after months of events, filled in seconds: rows put in by hand, each sealed text used often."""

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Engine, insert

from adapters.storage.database_kind import is_postgres
from adapters.storage.migrate import upgrade
from adapters.storage.seal import Seal
from adapters.storage.sealed_rows import Payload, seal_conclusion, seal_payload, seal_steps
from adapters.storage.sqlite_file import database_path, writing_engine
from adapters.storage.tables import effects, inbox, to_microseconds, trails
from application.ports import Conclusion
from benchmarks.notifications import document_of
from domain.action import Route, StartFlow
from domain.identifiers import ChatId, NotificationKey, Secret
from domain.installation import FlowKey
from domain.notification import ChatRef, CustomerLookup
from domain.outcome import CustomerFound, Failed
from domain.trail import Step, Trail, masked_document

OURS, OTHERS = "ours", "others"
DAYS = 30
DOCUMENTS = 20_000
CHUNK = 2_000
FAILING = 0.03
_KINDS = ("customer_lookup", "boleto_requested", "unblock_requested", "ticket_requested")
_SHARES = (70, 20, 7, 3)
_CAUSES = ("erp.timeout", "erp.http_5xx", "huggy.unauthorized")


class StoredEvents:
    """`count` events over a month, one in twenty of another installation."""

    def __init__(self, url: str, count: int) -> None:
        self.url = url
        self.count = count
        self.key = Secret(value=Fernet.generate_key().decode())
        self.now = datetime.now(UTC)  # noqa: TID251
        self._seal = Seal([self.key])
        self._random = random.Random(1)

    def fill(self) -> None:
        upgrade(self.url)
        engine = self.engine()
        with engine.begin() as connection:
            rows = self._rows()
            while chunk := list(itertools.islice(rows, CHUNK)):
                for table, place in ((inbox, 0), (trails, 1), (effects, 2)):
                    connection.execute(insert(table), [row[place] for row in chunk])
        if is_postgres(self.url):
            with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()

    def engine(self) -> Engine:
        if not is_postgres(self.url):
            return writing_engine(database_path(self.url), checkpoints=False)
        from adapters.storage.postgres_server import single_use_engine

        return single_use_engine(self.url)

    def _rows(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        found = CustomerFound(first_name="Zuleide", contracts=())
        ended = {failed: self._conclusion(failed, found) for failed in (False, True)}
        steps = tuple(
            Step(what=what, at_ms=1, took_ms=20, request="POST /x" * 10, answer='{"status": "ok"}' * 20)
            for what in ("erp.client_validate", "erp.billets", "huggy.look", "huggy.flow.start")
        )
        trail = seal_steps(Trail(at=self.now, steps=steps), self._seal)
        payloads: dict[int, tuple[bytes, str | None]] = {}
        first_at = to_microseconds(self.now) - DAYS * 86_400 * 1_000_000
        for number in range(self.count):
            document = number % DOCUMENTS
            if document not in payloads:
                payloads[document] = self._payload(document)
            payload, masked = payloads[document]
            failed = self._random.random() < FAILING
            kind = self._random.choices(_KINDS, _SHARES)[0]
            at = first_at + int(number / self.count * DAYS * 86_400 * 1_000_000)
            entry = {
                "seq": number + 1,
                "installation_id": OURS if number % 20 else OTHERS,
                "event_key": f"customer:{number:040x}",
                "recurrence": 0,
                "kind": kind,
                "chat_id": str(10_000_000 + number // 4),
                "accepted_at": at,
                "payload": payload,
                "state": "finished",
                "outcome_tag": "failed" if failed else "customer.found",
                "conclusion": ended[failed],
                "finished_at": at + 150_000 + self._random.randrange(1_000_000),
                "shell": "chat",
                "document": masked,
                "protocol": f"2026{number:08}" if kind == "ticket_requested" else None,
                "flow": "auxiliary" if failed else "customer_found",
                "cause": self._random.choice(_CAUSES) if failed else None,
            }
            kept = {"entry_seq": number + 1, "attempt": 1, "at": at, "sealed": trail}
            effect = {"entry_seq": number + 1, "key": "end", "state": "done", "note": None, "at": at}
            yield entry, kept, effect

    def _conclusion(self, failed: bool, found: CustomerFound) -> bytes:
        flow = FlowKey.AUXILIARY if failed else FlowKey.CUSTOMER_FOUND
        outcome = Failed(cause="erp.timeout") if failed else found
        route = Route(terminal=StartFlow(flow=flow, flow_id=None))
        return seal_conclusion(Conclusion(outcome=outcome, route=route), self._seal)

    def _payload(self, number: int) -> tuple[bytes, str | None]:
        chat = ChatRef(id=ChatId("1"), phone="+5511987654321")
        asked = CustomerLookup(key=NotificationKey("x" * 40), chat=chat, document=document_of(number))
        return seal_payload(Payload(notification=asked, raw=b"x" * 420), self._seal), masked_document(asked)

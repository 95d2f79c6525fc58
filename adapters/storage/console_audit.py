"""Who changed what: one sealed note per change, never altered."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import insert, select

from adapters.storage.seal import Seal
from adapters.storage.tables import audit, from_microseconds, to_microseconds
from adapters.storage.transactions import Transactions
from application.console_ports import AuditNote, Author
from application.ports import Clock
from domain.identifiers import InstallationId, Personal


class _Content(Personal, frozen=True, kw_only=True):
    author: str
    by_operator: bool
    what: str
    details: dict[str, str] = {}


_content = msgspec.json.Decoder(_Content)


class KeptAudit:
    """Implements `application.console_ports.Audit`."""

    def __init__(self, *, reads: Transactions, transactions: Transactions, seal: Seal, clock: Clock) -> None:
        self._reads = reads
        self._transactions = transactions
        self._seal = seal
        self._clock = clock

    async def note(
        self, installation_id: InstallationId, author: Author, what: str, details: Mapping[str, str] | None = None
    ) -> None:
        content = _Content(author=author.name, by_operator=author.is_operator, what=what, details=dict(details or {}))
        row = {
            "installation_id": installation_id,
            "at": to_microseconds(self._clock.now()),
            "sealed": self._seal.seal(msgspec.json.encode(content)),
        }
        await self._transactions.run(lambda connection: connection.execute(insert(audit).values(row)).rowcount)

    async def recent(
        self, installation_id: InstallationId, *, before: int | None = None, limit: int = 50
    ) -> Sequence[AuditNote]:
        query = select(audit).where(audit.c.installation_id == installation_id).order_by(audit.c.id.desc())
        if before is not None:
            query = query.where(audit.c.id < before)
        rows = await self._reads.run(lambda connection: connection.execute(query.limit(limit)).all())
        notes: list[AuditNote] = []
        for row in rows:
            content = _content.decode(self._seal.unseal(row.sealed))
            notes.append(
                AuditNote(
                    id=row.id,
                    at=from_microseconds(row.at),
                    author=content.author,
                    by_operator=content.by_operator,
                    what=content.what,
                    details=content.details,
                )
            )
        return notes

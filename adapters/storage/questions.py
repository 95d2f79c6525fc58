"""One connection for several questions in a row."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Subquery, Text, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import TypedReturnsRows

from adapters.storage.tables import inbox
from domain.identifiers import InstallationId

_UNFINISHED = "SELECT seq, accepted_at FROM inbox {} WHERE installation_id = :unfinished_of AND state <> 'finished'"
_WAITING = (
    "SELECT installation_id, count(*) AS waiting, count(CASE WHEN accepted_at >= :since THEN 1 END) AS lately "
    "FROM inbox {} WHERE installation_id IN :of AND state <> 'finished' GROUP BY installation_id"
)


class Questions:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def __call__(self, query: TypedReturnsRows[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        return (await self._connection.execute(query)).all()

    def unfinished(self, installation_id: InstallationId) -> Subquery:
        """`seq` and `accepted_at` of what waits. SQLite must be told by which of its indexes, where several begin alike."""
        asked = text(_UNFINISHED.format(self._hint)).bindparams(unfinished_of=installation_id)
        return asked.columns(inbox.c.seq, inbox.c.accepted_at).subquery("unfinished")

    def waiting(self, installation_ids: Sequence[InstallationId], *, since: int) -> Select[*tuple[Any, ...]]:
        """How many wait in each of them where any do, and how many of these were accepted `since`."""
        asked = text(_WAITING.format(self._hint))
        asked = asked.bindparams(bindparam("of", list(installation_ids), expanding=True), since=since)
        counted = asked.columns(installation_id=Text, waiting=BigInteger, lately=BigInteger)
        return select(counted.subquery("waiting"))

    @property
    def _hint(self) -> str:
        return "INDEXED BY inbox_unfinished" if self._connection.dialect.name == "sqlite" else ""

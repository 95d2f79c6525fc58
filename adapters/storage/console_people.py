"""Who may enter the console: operators with their password's hash, and the companies that agents of Huggy proved."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.storage.tables import console_agents as agents
from adapters.storage.tables import from_microseconds, operators, to_microseconds
from adapters.storage.transactions import Transactions
from application.console_ports import Operator
from application.ports import Clock
from domain.identifiers import CompanyId, Secret


class KeptOperators:
    """Implements `application.console_ports.Operators`."""

    def __init__(self, *, reads: Transactions, transactions: Transactions, clock: Clock) -> None:
        self._reads = reads
        self._transactions = transactions
        self._clock = clock

    async def get(self, name: str) -> Operator | None:
        wanted = select(operators).where(operators.c.name == name)
        row = await self._reads.run(lambda connection: connection.execute(wanted).one_or_none())
        return None if row is None else _operator(row)

    async def all(self) -> Sequence[Operator]:
        everybody = select(operators).order_by(operators.c.name)
        rows = await self._reads.run(lambda connection: connection.execute(everybody).all())
        return [_operator(row) for row in rows]

    async def add(self, name: str, password_hash: Secret) -> bool:
        row = {
            "name": name,
            "password_hash": password_hash.reveal(),
            "created_at": to_microseconds(self._clock.now()),
        }

        def insert(connection: Connection) -> bool:
            new = _insert(connection, operators).values(row).on_conflict_do_nothing(index_elements=[operators.c.name])
            return connection.execute(new.returning(operators.c.name)).one_or_none() is not None

        return await self._transactions.run(insert)

    async def set_password(self, name: str, password_hash: Secret) -> bool:
        change = update(operators).where(operators.c.name == name).values(password_hash=password_hash.reveal())
        return await self._transactions.run(lambda connection: connection.execute(change).rowcount > 0)

    async def remove(self, name: str) -> bool:
        removal = delete(operators).where(operators.c.name == name)
        return await self._transactions.run(lambda connection: connection.execute(removal).rowcount > 0)


class KeptAgents:
    """Implements `application.console_ports.Agents`."""

    def __init__(self, *, reads: Transactions, transactions: Transactions, clock: Clock) -> None:
        self._reads = reads
        self._transactions = transactions
        self._clock = clock

    async def companies(self, agent_id: str) -> Sequence[CompanyId]:
        theirs = select(agents.c.company_id).where(agents.c.agent_id == agent_id).order_by(agents.c.company_id)
        found = await self._reads.run(lambda connection: connection.execute(theirs).scalars().all())
        return [CompanyId(each) for each in found]

    async def remember(self, agent_id: str, company_id: CompanyId) -> None:
        now = to_microseconds(self._clock.now())
        row = {"agent_id": agent_id, "company_id": company_id, "verified_at": now}

        def insert(connection: Connection) -> None:
            new = _insert(connection, agents).values(row)
            once = [agents.c.agent_id, agents.c.company_id]
            connection.execute(new.on_conflict_do_update(index_elements=once, set_={"verified_at": now}))

        await self._transactions.run(insert)

    async def forget(self, agent_id: str, company_id: CompanyId) -> None:
        gone = delete(agents).where(agents.c.agent_id == agent_id, agents.c.company_id == company_id)
        await self._transactions.run(lambda connection: connection.execute(gone).rowcount)


def _operator(row: Row[*tuple[object, ...]]) -> Operator:
    return Operator(
        name=row.name, password_hash=Secret(value=row.password_hash), created_at=from_microseconds(row.created_at)
    )


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)

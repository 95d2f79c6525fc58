"""What the console keeps, opened over either kind of database."""

from contextlib import ExitStack
from pathlib import Path

from adapters.storage.console_audit import KeptAudit
from adapters.storage.console_people import KeptAgents, KeptOperators
from adapters.storage.console_sessions import KeptSessions
from adapters.storage.file_turns import FileTurns
from adapters.storage.reads import SqliteReads
from adapters.storage.seal import Seal
from adapters.storage.sqlite_file import reading_engine
from adapters.storage.transactions import Transactions
from application.console_ports import Agents, Audit, Operators, Sessions, Turns
from application.ports import Clock


class ConsoleStore:
    """Sessions, operators, agents' companies, audit, and turns; may be asked on any event loop."""

    def __init__(
        self, *, reads: Transactions, transactions: Transactions, turns: Turns, seal: Seal, clock: Clock
    ) -> None:
        self.sessions: Sessions = KeptSessions(reads=reads, transactions=transactions, seal=seal, clock=clock)
        self.operators: Operators = KeptOperators(reads=reads, transactions=transactions, clock=clock)
        self.agents: Agents = KeptAgents(reads=reads, transactions=transactions, clock=clock)
        self.audit: Audit = KeptAudit(reads=reads, transactions=transactions, seal=seal, clock=clock)
        self.turns = turns


def open_in_file(path: Path, transactions: Transactions, seal: Seal, clock: Clock, opened: ExitStack) -> ConsoleStore:
    reader = reading_engine(path)
    opened.callback(reader.dispose)
    return ConsoleStore(
        reads=SqliteReads(reader), transactions=transactions, turns=FileTurns(path), seal=seal, clock=clock
    )

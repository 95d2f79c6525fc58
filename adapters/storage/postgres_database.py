"""The parts of a PostgreSQL database, opened. What is opened here is closed with `opened`."""

from contextlib import ExitStack

from adapters.storage.console import ConsoleStore
from adapters.storage.history import History
from adapters.storage.notices import StoredNotices
from adapters.storage.outages import StoredOutages
from adapters.storage.postgres_accept import DELIVERIES_MAX, Delivery, store
from adapters.storage.postgres_batches import Asking, Batches, ask
from adapters.storage.postgres_installations import FRESH_FOR_S, PostgresInstallations
from adapters.storage.postgres_journal import PostgresJournal
from adapters.storage.postgres_server import async_engine, engine, single_use_engine
from adapters.storage.postgres_turns import PostgresTurns
from adapters.storage.problems import StoredProblems
from adapters.storage.retention import StoredRetention
from adapters.storage.seal import Seal
from adapters.storage.transactions import PostgresTransactions
from application.ports import Clock

STATEMENTS_MAX = 256
"""questions in one round trip"""


def open_journal(url: str, seal: Seal, opened: ExitStack) -> PostgresJournal:
    """Five connections: while one of a pair commits, the other collects. What is asked waits for nobody's commit."""
    mailbox: Batches[Delivery, int] = Batches(url, store, name="mailbox", connections=2, batch_max=DELIVERIES_MAX)
    opened.callback(mailbox.close)
    ledger = _asking(url, "ledger", 2, opened)
    return PostgresJournal(mailbox=mailbox, ledger=ledger, reads=_asking(url, "reads", 1, opened), seal=seal)


def open_installations(url: str, seal: Seal, clock: Clock, opened: ExitStack) -> PostgresInstallations:
    pooled = engine(url)
    opened.callback(pooled.dispose)
    return PostgresInstallations(engine=pooled, seal=seal, clock=clock)


def open_history(url: str, seal: Seal) -> History:
    return History(engine=async_engine(url), seal=seal)


def open_retention(url: str, opened: ExitStack) -> StoredRetention:
    pooled = engine(url)
    opened.callback(pooled.dispose)
    transactions = PostgresTransactions(pooled)
    return StoredRetention(transactions=transactions, reads=transactions)


def open_notices(url: str, seal: Seal, opened: ExitStack) -> tuple[StoredProblems, StoredNotices]:
    pooled = engine(url)
    opened.callback(pooled.dispose)
    transactions, reads = PostgresTransactions(pooled), async_engine(url)
    return (
        StoredProblems(transactions=transactions, reads=reads, seal=seal),
        StoredNotices(transactions=transactions, reads=reads, seal=seal),
    )


def open_outages(url: str, seal: Seal, clock: Clock, opened: ExitStack) -> StoredOutages:
    pooled = engine(url)
    opened.callback(pooled.dispose)
    transactions = PostgresTransactions(pooled)
    return StoredOutages(
        transactions=transactions,
        reads=transactions,
        reader=pooled,
        seal=seal,
        clock=clock,
        fresh_for_s=FRESH_FOR_S,
        waits=True,
    )


def open_console(url: str, seal: Seal, clock: Clock, opened: ExitStack) -> ConsoleStore:
    pooled, turns = engine(url), single_use_engine(url)
    opened.callback(pooled.dispose)
    transactions = PostgresTransactions(pooled)
    return ConsoleStore(
        reads=transactions, transactions=transactions, turns=PostgresTurns(turns), seal=seal, clock=clock
    )


def _asking(url: str, name: str, connections: int, opened: ExitStack) -> Asking:
    asking: Asking = Batches(url, ask, name=name, connections=connections, batch_max=STATEMENTS_MAX)
    opened.callback(asking.close)
    return asking

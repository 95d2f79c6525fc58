"""The parts of a PostgreSQL database, opened. What is opened here is closed with `opened`."""

from contextlib import ExitStack

from adapters.storage.history import History
from adapters.storage.postgres_accept import DELIVERIES_MAX, Delivery, store
from adapters.storage.postgres_batches import Asking, Batches, ask
from adapters.storage.postgres_installations import PostgresInstallations
from adapters.storage.postgres_journal import PostgresJournal
from adapters.storage.postgres_server import async_engine, engine
from adapters.storage.seal import Seal
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


def _asking(url: str, name: str, connections: int, opened: ExitStack) -> Asking:
    asking: Asking = Batches(url, ask, name=name, connections=connections, batch_max=STATEMENTS_MAX)
    opened.callback(asking.close)
    return asking

"""The clock of a PostgreSQL database, in the hands of a test."""

import psycopg
from psycopg import sql

from adapters.memory.clock import SetClock
from adapters.storage.tables import to_microseconds
from tests.contracts.journal import NOON


def give_clock(url: str) -> None:
    """From now on this database stands at noon until it is told to go on."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE set_clock (now bigint NOT NULL)")
        connection.execute("INSERT INTO set_clock VALUES (%s)", (to_microseconds(NOON),))
        connection.execute(
            "CREATE OR REPLACE FUNCTION ponte_now() RETURNS bigint LANGUAGE sql VOLATILE "
            "BEGIN ATOMIC SELECT now FROM set_clock; END"
        )


def empty(url: str) -> None:
    """As after `give_clock`, whatever was kept since."""
    with psycopg.connect(url) as connection:
        for table in (
            "inbox",
            "unknown",
            "outages",
            "outage_tellings",
            "installations",
            "problems",
            "notices",
            "audit",
            "operators",
            "console_agents",
            "console_sessions",
        ):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        connection.execute("UPDATE installations_revision SET value = 0")
        connection.execute("UPDATE set_clock SET now = %s", (to_microseconds(NOON),))


class DatabaseClock(SetClock):
    """Of a host whose time passes with its database's. What `jump` sets is the host's clock alone."""

    def __init__(self, url: str) -> None:
        super().__init__(NOON)
        self._connection = psycopg.connect(url, autocommit=True)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.jump_database(seconds)

    def jump_database(self, seconds: float) -> None:
        """The database's clock is set; no time passes."""
        self._connection.execute("UPDATE set_clock SET now = now + %s", (round(seconds * 1_000_000),))

    def close(self) -> None:
        self._connection.close()

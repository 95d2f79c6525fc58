"""The schema, as the newest migration leaves it. Moments are whole microseconds since 1970, UTC. What PostgreSQL alone
has besides (an index over what waits, the queue, the shared fence) stands in its migrations.

What is sealed (`adapters.storage.seal`) may hold tokens and personal data; nothing else in here may.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTENT_KEY = "~"
"""how a notification's key begins that was made from content alone"""

metadata = MetaData()

installations = Table(
    "installations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("webhook_key_hash", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),  # the whole `Installation` as JSON
    Column("revision", BigInteger, nullable=False),  # of all installations, when this one was last changed
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

installations_revision = Table(
    "installations_revision",
    metadata,
    Column("value", BigInteger, nullable=False),  # the only row; one more with every change of any installation
)

inbox = Table(
    "inbox",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("installation_id", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("recurrence", Integer, nullable=False),  # 0, 1, … of a key made from content alone; else always 0
    Column("kind", Text, nullable=False),  # the notification's tag
    Column("chat_id", Text, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # sealed: the notification and what it was read from
    Column("state", Text, nullable=False),  # accepted, concluded, finished
    Column("outcome_tag", Text),
    Column("conclusion", LargeBinary),  # sealed: outcome and route as JSON
    Column("finished_at", BigInteger),
    UniqueConstraint("installation_id", "event_key", "recurrence", name="inbox_once"),
    sqlite_autoincrement=True,
)
_unfinished = text("state <> 'finished'")
Index(
    "inbox_unfinished",
    inbox.c.installation_id,
    inbox.c.chat_id,
    inbox.c.seq,
    sqlite_where=_unfinished,
    postgresql_where=_unfinished,
)
Index("inbox_by_chat", inbox.c.installation_id, inbox.c.chat_id, inbox.c.seq)
Index("inbox_by_time", inbox.c.installation_id, inbox.c.accepted_at)

effects = Table(
    "effects",
    metadata,
    Column(
        "entry_seq",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("inbox.seq", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),  # planned, done
    Column("note", LargeBinary),  # sealed; null: empty
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

unknown = Table(
    "unknown",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("occurrences", Integer, nullable=False),
    Column("sample", LargeBinary, nullable=False),  # sealed: the first one
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

SEALED = (installations.c.sealed, inbox.c.payload, inbox.c.conclusion, effects.c.note, unknown.c.sample)
"""every column that the keys open"""


def to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)

"""The schema, as the newest migration leaves it. Moments are whole microseconds since 1970, UTC. What PostgreSQL alone
has besides (an index over what waits, the queue, the shared fence) stands in its migrations.

What is sealed (`adapters.storage.seal`) may hold tokens and personal data; nothing else in here may.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    Column(
        "shell", Text, nullable=False, server_default="chat"
    ),  # chat: ends in a flow; flow: answered to a flow's request
    Column("document", Text),  # masked
    Column("protocol", Text),
    Column("flow", Text),  # the key of the flow that was started, or the tag of another ending
    Column("cause", Text),  # of what failed
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
Index("inbox_by_outcome", inbox.c.installation_id, inbox.c.outcome_tag, inbox.c.seq)
for _name, _usual in (("kind", "customer_lookup"), ("shell", "chat")):
    _unusual = text(f"{_name} <> '{_usual}'")  # what is usual is found by walking back in time
    Index(
        f"inbox_by_{_name}",
        inbox.c.installation_id,
        inbox.c[_name],
        inbox.c.seq,
        sqlite_where=_unusual,
        postgresql_where=_unusual,
    )
for _name in ("protocol", "document", "cause"):
    _known = text(f"{_name} IS NOT NULL")
    Index(
        f"inbox_by_{_name}",
        inbox.c.installation_id,
        inbox.c[_name],
        inbox.c.seq,
        sqlite_where=_known,
        postgresql_where=_known,
    )

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

trails = Table(
    "trails",
    metadata,
    Column(
        "entry_seq",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("inbox.seq", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the steps of one attempt
    sqlite_with_rowid=False,
)

outages = Table(
    "outages",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),  # admin, api, erp
    Column("started_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("asked_at", BigInteger),  # when the provider's people were asked whether it goes on
    Column("missed_at", BigInteger),  # when they were told that it has expired
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", BigInteger, nullable=False),
)

outages_revision = Table(
    "outages_revision",
    metadata,
    Column("value", BigInteger, nullable=False),  # the only row; one more with every change of any outage
)

outage_tellings = Table(
    "outage_tellings",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("outage_id", Text, primary_key=True),
    Column("chat_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),  # changes with the prediction
    Column("event_key", Text, nullable=False),  # of the notification that it was told to
    Column("at", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
)

problems = Table(
    "problems",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("occurrences", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("tellings", Integer, nullable=False),  # notices since it began
    Column("told_at", BigInteger),
    Column("over_at", BigInteger),
    Column("muted_until", BigInteger),
)

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("installation_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # recipient, subject, text
    Column("created_at", BigInteger, nullable=False),
    Column("next_try_at", BigInteger),  # null: nothing is left to do
    Column("tries", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("failure", Text),
    sqlite_autoincrement=True,
)
Index("notices_by_installation", notices.c.installation_id, notices.c.id)
Index("notices_due", notices.c.next_try_at)
_daily = text("kind = 'digest'")  # `cause` is its day
Index(
    "notices_one_digest",
    notices.c.installation_id,
    notices.c.cause,
    unique=True,
    sqlite_where=_daily,
    postgresql_where=_daily,
)

operators = Table(
    "operators",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

console_agents = Table(
    "console_agents",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("company_id", Text, primary_key=True),
    Column("verified_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("installation_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # who changed what
    sqlite_autoincrement=True,
)
Index("audit_by_installation", audit.c.installation_id, audit.c.id)

SEALED = (
    installations.c.sealed,
    inbox.c.payload,
    inbox.c.conclusion,
    effects.c.note,
    unknown.c.sample,
    trails.c.sealed,
    outages.c.sealed,
    notices.c.sealed,
    console_sessions.c.sealed,
    audit.c.sealed,
)
"""every column that the keys open"""


def to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)

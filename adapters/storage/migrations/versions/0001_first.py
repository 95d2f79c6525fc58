"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UNFINISHED = sa.text("state <> 'finished'")


def upgrade() -> None:
    op.create_table(
        "installations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("company_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("webhook_key_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    revisions = op.create_table("installations_revision", sa.Column("value", sa.BigInteger, nullable=False))
    op.bulk_insert(revisions, [{"value": 0}])
    op.create_table(
        "inbox",
        sa.Column("seq", SEQ, primary_key=True, autoincrement=True),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("recurrence", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("chat_id", sa.Text, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outcome_tag", sa.Text),
        sa.Column("conclusion", sa.LargeBinary),
        sa.Column("finished_at", sa.BigInteger),
        sa.UniqueConstraint("installation_id", "event_key", "recurrence", name="inbox_once"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "inbox_unfinished",
        "inbox",
        ["installation_id", "chat_id", "seq"],
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.create_index("inbox_by_chat", "inbox", ["installation_id", "chat_id", "seq"])
    op.create_index("inbox_by_time", "inbox", ["installation_id", "accepted_at"])
    op.create_table(
        "effects",
        sa.Column("entry_seq", SEQ, sa.ForeignKey("inbox.seq", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unknown",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("occurrences", sa.Integer, nullable=False),
        sa.Column("sample", sa.LargeBinary, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )

"""What the console shows and keeps, the registry of outages, and the notices to the provider's people."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
HAS_PROTOCOL, HAS_DOCUMENT, HAS_CAUSE = (sa.text(f"{name} IS NOT NULL") for name in ("protocol", "document", "cause"))
IS_DIGEST = sa.text("kind = 'digest'")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("shell", sa.Text, nullable=False, server_default="chat"))
    for name in ("document", "protocol", "flow", "cause"):
        op.add_column("inbox", sa.Column(name, sa.Text))
    op.create_index("inbox_by_outcome", "inbox", ["installation_id", "outcome_tag", "seq"])
    for name, where in (
        ("protocol", HAS_PROTOCOL),
        ("document", HAS_DOCUMENT),
        ("cause", HAS_CAUSE),
        ("kind", sa.text("kind <> 'customer_lookup'")),
        ("shell", sa.text("shell <> 'chat'")),
    ):
        op.create_index(
            f"inbox_by_{name}",
            "inbox",
            ["installation_id", name, "seq"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "trails",
        sa.Column("entry_seq", SEQ, sa.ForeignKey("inbox.seq", ondelete="CASCADE"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outages",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("asked_at", sa.BigInteger),
        sa.Column("missed_at", sa.BigInteger),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    revisions = op.create_table("outages_revision", sa.Column("value", sa.BigInteger, nullable=False))
    op.bulk_insert(revisions, [{"value": 0}])
    op.create_table(
        "outage_tellings",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("outage_id", sa.Text, primary_key=True),
        sa.Column("chat_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "problems",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("cause", sa.Text, primary_key=True),
        sa.Column("occurrences", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("tellings", sa.Integer, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("over_at", sa.BigInteger),
        sa.Column("muted_until", sa.BigInteger),
    )
    op.create_table(
        "notices",
        sa.Column("id", SEQ, primary_key=True, autoincrement=True),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("notices_by_installation", "notices", ["installation_id", "id"])
    op.create_index("notices_due", "notices", ["next_try_at"])
    op.create_index(
        "notices_one_digest",
        "notices",
        ["installation_id", "cause"],
        unique=True,
        sqlite_where=IS_DIGEST,
        postgresql_where=IS_DIGEST,
    )
    op.create_table(
        "operators",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "console_sessions",
        sa.Column("id_hash", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "console_agents",
        sa.Column("agent_id", sa.Text, primary_key=True),
        sa.Column("company_id", sa.Text, primary_key=True),
        sa.Column("verified_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", SEQ, primary_key=True, autoincrement=True),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_installation", "audit", ["installation_id", "id"])

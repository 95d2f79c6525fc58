"""What PostgreSQL needs where several processes work off one inbox. Nothing in a SQLite file."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_index(
        "inbox_waiting", "inbox", ["installation_id", "seq"], postgresql_where=sa.text("state <> 'finished'")
    )
    # Not `now()`: a transaction may have waited for a lock since it began.
    op.execute(
        "CREATE FUNCTION ponte_now() RETURNS bigint LANGUAGE sql VOLATILE "
        "RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    )
    op.create_table("queue_migrations", sa.Column("name", sa.Text, primary_key=True))

"""The fence that several processes share. One process alone, on SQLite, keeps its fences in memory.

What is in these tables is true for seconds only, so they are not logged: after a crash of the server they are empty,
and every place is free. Times are the database's own (`clock_timestamp()`), never compared with those of a process.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
LONG_AGO = sa.text("'-infinity'")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "fence_places",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("api", sa.Text, primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.Text, nullable=False, server_default=""),
        sa.Column("until", MOMENT, nullable=False, server_default=LONG_AGO),
        sa.Column("heir", sa.Text, nullable=False, server_default=""),
        sa.Column("heir_until", MOMENT, nullable=False, server_default=LONG_AGO),
        prefixes=["UNLOGGED"],
        # Rows are updated all the time: room to do so in place, and no index that would have to follow.
        postgresql_with={"fillfactor": 25},
    )
    op.create_table(
        "fence_paces",
        sa.Column("installation_id", sa.Text, primary_key=True),
        sa.Column("api", sa.Text, primary_key=True),
        sa.Column("due", MOMENT, nullable=False),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": 25},
    )

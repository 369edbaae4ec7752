"""Make the table of workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.store.tables.column import Instant, Plain, Words

revision = "3"
down_revision = "2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keel_workers",
        sa.Column("id", Words(), nullable=False),
        sa.Column("host", Words(), nullable=False),
        sa.Column("roles", Plain(), nullable=True),
        sa.Column("schema_number", Words(), nullable=False),
        sa.Column("place", Words(), server_default="", nullable=False),
        sa.Column("machine", Words(), server_default="", nullable=False),
        sa.Column("pid", sa.Integer(), server_default="0", nullable=False),
        sa.Column("begun_epoch", sa.Float(), server_default="0", nullable=False),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.Column("dead_at", Instant(), nullable=True),
        sa.Column("dead_by", Words(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keel_workers"),
    )

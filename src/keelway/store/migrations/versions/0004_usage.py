"""Make the table of usage, and book what tasks cost before it was there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.store.tables.column import Instant, Words

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None

_BEFORE = sa.text(
    "INSERT INTO keel_usage (key, task, cost_usd, source, status, day, at) "
    "SELECT 'before/' || id, id, cost_usd, 'reported', 'completed', "
    "substr(cast(updated_at AS text), 1, 10), updated_at FROM keel_tasks WHERE cost_usd > 0"
)


def upgrade() -> None:
    op.create_table(
        "keel_usage",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", Words(), nullable=False),
        *(
            sa.Column(name, Words(), server_default="", nullable=False)
            for name in ("task", "stage", "role", "agent", "provider", "model", "source", "status")
        ),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("input_tokens", "output_tokens", "cached_tokens")
        ),
        sa.Column("cost_usd", sa.Float(), server_default="0", nullable=False),
        sa.Column("estimated", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("counted", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("day", Words(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keel_usage"),
        sa.UniqueConstraint("key", name="uq_keel_usage_key"),
    )
    op.create_index("ix_keel_usage_task", "keel_usage", ["task"], unique=False)
    op.create_index("ix_keel_usage_day", "keel_usage", ["day"], unique=False)
    op.execute(_BEFORE)

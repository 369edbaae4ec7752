"""Make the table of lessons with its search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.store.tables.column import Instant, Plain, Words

revision = "5"
down_revision = "4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keel_lessons",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, Words(), nullable=False) for name in ("key", "kind", "outcome", "title")),
        sa.Column("text", Words(), server_default="", nullable=False),
        sa.Column("signature", Words(), nullable=False),
        sa.Column("files", Plain(), nullable=True),
        sa.Column("strategy", Plain(), nullable=True),
        sa.Column("task", Words(), nullable=False),
        sa.Column("asked_by", Words(), server_default="", nullable=False),
        sa.Column("words", Words(), server_default="", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_keel_lessons"),
        sa.UniqueConstraint("key", name="uq_keel_lessons_key"),
    )
    op.create_index("ix_keel_lessons_signature", "keel_lessons", ["signature"], unique=False)
    op.create_index("ix_keel_lessons_task", "keel_lessons", ["task"], unique=False)
    counters = sa.table("keel_counters", sa.column("name"), sa.column("value"), sa.column("meaning"))
    op.bulk_insert(counters, [{"name": "lesson", "value": 0, "meaning": "Numbers of lessons."}])

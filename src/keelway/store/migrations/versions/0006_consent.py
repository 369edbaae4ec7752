"""Let several persons answer one question, each once, and keep whose yes it needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.store.tables.column import Plain, Words

revision = "6"
down_revision = "5"
branch_labels = None
depends_on = None

_RAISE = "UPDATE keel_counters SET value = 6 WHERE name = 'schema_compatible_from'"
"""Older code would let the first of several needed yeses decide."""


def upgrade() -> None:
    op.add_column("keel_questions", sa.Column("terms", Plain(), nullable=True))
    op.add_column("keel_approvals", sa.Column("person", Words(), server_default="", nullable=False))
    op.execute("UPDATE keel_approvals SET person = answered_by")
    op.execute("UPDATE keel_approvals SET nonce = id WHERE nonce = ''")
    with op.batch_alter_table("keel_approvals") as table:
        table.drop_constraint("uq_keel_approvals_question", type_="unique")
        table.create_unique_constraint("uq_keel_approvals_question_person", ["question", "person"])
        table.create_unique_constraint("uq_keel_approvals_nonce", ["nonce"])
    op.execute(_RAISE)

"""Make the tables of releases and of the local forge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.store.tables.column import Instant, Plain, Words

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _releases()
    _environments()
    _pulls()
    _checks()


def _releases() -> None:
    op.create_table(
        "keel_deployments",
        sa.Column("id", Words(), nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("environment", Words(), nullable=False),
        sa.Column("release", Words(), nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("previous_release", Words(), server_default="", nullable=False),
        sa.Column("previous_sha", Words(), server_default="", nullable=False),
        sa.Column("schema_before", sa.Integer(), nullable=True),
        sa.Column("schema_after", sa.Integer(), nullable=True),
        sa.Column("backup", Words(), server_default="", nullable=False),
        sa.Column("figures", Plain(), nullable=True),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_deployments")),
    )
    op.create_index(
        op.f("ix_keel_deployments_environment_started_at"),
        "keel_deployments",
        ["environment", "started_at"],
        unique=False,
    )
    op.create_table(
        "keel_samples",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("deployment", Words(), nullable=False),
        sa.Column("series", Words(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("figures", Plain(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_samples")),
        sa.UniqueConstraint("deployment", "series", "at", name=op.f("uq_keel_samples_deployment_series_at")),
    )


def _environments() -> None:
    op.create_table(
        "keel_leases",
        sa.Column("environment", Words(), nullable=False),
        sa.Column("holder", Words(), server_default="", nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_keel_leases")),
    )
    op.create_table(
        "keel_quarantine",
        sa.Column("sha", Words(), nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("revert_sha", Words(), server_default="", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sha", name=op.f("pk_keel_quarantine")),
    )
    op.create_table(
        "keel_incidents",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("body", Words(), server_default="", nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_keel_incidents")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_incidents_key")),
    )


def _pulls() -> None:
    op.create_table(
        "keel_pulls",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("base", Words(), nullable=False),
        sa.Column("head", Words(), nullable=False),
        sa.Column("head_sha", Words(), server_default="", nullable=False),
        sa.Column("base_sha", Words(), server_default="", nullable=False),
        sa.Column("title", Words(), server_default="", nullable=False),
        sa.Column("body", Words(), server_default="", nullable=False),
        sa.Column("merge_sha", Words(), server_default="", nullable=False),
        sa.Column("url", Words(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_keel_pulls")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_pulls_key")),
    )
    op.create_index(op.f("ix_keel_pulls_head_base"), "keel_pulls", ["head", "base"], unique=False)
    op.create_table(
        "keel_comments",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", Words(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_comments")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_comments_key")),
    )
    op.create_index(op.f("ix_keel_comments_number"), "keel_comments", ["number"], unique=False)


def _checks() -> None:
    op.create_table(
        "keel_checks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("examined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("detail", Words(), server_default="", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_checks")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_checks_key")),
    )
    op.create_index(op.f("ix_keel_checks_sha"), "keel_checks", ["sha"], unique=False)
    op.create_table(
        "keel_issues",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("body", Words(), server_default="", nullable=False),
        sa.Column("labels", Plain(), nullable=True),
        sa.Column("state", Words(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_keel_issues")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_issues_key")),
    )

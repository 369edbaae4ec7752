"""Make the tables of tasks, people, the audit chain and notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keelway.core.model.event import GENESIS
from keelway.store.dialect import append_only
from keelway.store.tables.column import Instant, Plain, Words

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

TOTALS = (
    "total_tasks_completed",
    "total_issues_fixed",
    "total_tasks_failed",
    "total_rollbacks",
)


def upgrade() -> None:
    _book()
    _tasks()
    _people()
    _artefacts()
    _notes()
    _guards()
    _first_rows()


def _guards() -> None:
    for statement in append_only(op.get_bind().dialect.name, "keel_events"):
        op.execute(statement)


def _first_rows() -> None:
    chain = sa.table("keel_chain", sa.column("id"), sa.column("sequence"), sa.column("hash"))
    op.bulk_insert(chain, [{"id": 1, "sequence": 0, "hash": GENESIS}])
    counters = sa.table("keel_counters", sa.column("name"), sa.column("value"), sa.column("meaning"))
    op.bulk_insert(
        counters,
        [
            {"name": "task", "value": 0, "meaning": "Numbers of tasks."},
            {"name": "forge", "value": 0, "meaning": "Numbers of pull requests and issues."},
            {"name": "incident", "value": 0, "meaning": "Numbers of incidents."},
            {"name": "schema_compatible_from", "value": 1, "meaning": "Oldest schema that code may know."},
        ],
    )
    state = sa.table("keel_state", sa.column("key"), sa.column("value"))
    op.bulk_insert(state, [{"key": key, "value": "0"} for key in TOTALS])


def _book() -> None:
    op.create_table(
        "keel_events",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("hash", Words(), nullable=False),
        sa.Column("previous", Words(), nullable=False),
        sa.Column("body", Words(), nullable=False),
        sa.Column("key", Words(), nullable=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("task", Words(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_keel_events")),
        sa.UniqueConstraint("key", name=op.f("uq_keel_events_key")),
    )
    op.create_index(op.f("ix_keel_events_task"), "keel_events", ["task"], unique=False)
    op.create_table(
        "keel_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_chain")),
    )
    op.create_table(
        "keel_counters",
        sa.Column("name", Words(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("meaning", Words(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_keel_counters")),
    )


def _tasks() -> None:
    op.create_table(
        "keel_tasks",
        sa.Column("id", Words(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("project", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("intent", Words(), nullable=False),
        sa.Column("request", Plain(), nullable=True),
        sa.Column("status", Words(), nullable=False),
        sa.Column("stage", Words(), server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("risk", Words(), server_default="low", nullable=False),
        sa.Column("plan", Plain(), nullable=True),
        sa.Column("plan_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("branch", Words(), server_default="", nullable=False),
        sa.Column("pull_request", sa.Integer(), nullable=True),
        sa.Column("pull_url", Words(), server_default="", nullable=False),
        sa.Column("commit_sha", Words(), server_default="", nullable=False),
        sa.Column("iterations", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Float(), server_default="0", nullable=False),
        sa.Column("error", Words(), server_default="", nullable=False),
        sa.Column("code", Words(), server_default="", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("abort_by", Words(), server_default="", nullable=False),
        sa.Column("rollback_by", Words(), server_default="", nullable=False),
        sa.Column("requested_by", Words(), server_default="", nullable=False),
        sa.Column("channel", Words(), server_default="", nullable=False),
        sa.Column("source", Words(), server_default="", nullable=False),
        sa.Column("severity", Words(), server_default="", nullable=False),
        sa.Column("title", Words(), server_default="", nullable=False),
        sa.Column("task_type", Words(), server_default="", nullable=False),
        sa.Column("file_paths", Plain(), nullable=True),
        sa.Column("changes_made", Plain(), nullable=True),
        sa.Column("tests_passed", sa.Boolean(), nullable=True),
        sa.Column("metadata", Plain(), nullable=True),
        sa.Column("result", Words(), server_default="", nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("deployed_at", Instant(), nullable=True),
        sa.Column("rolled_back_at", Instant(), nullable=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_tasks")),
        sa.UniqueConstraint("number", name=op.f("uq_keel_tasks_number")),
    )
    op.create_index(op.f("ix_keel_tasks_created_at"), "keel_tasks", ["created_at"], unique=False)
    op.create_index(
        "uq_keel_tasks_open_key",
        "keel_tasks",
        ["key"],
        unique=True,
        sqlite_where=sa.text("completed_at IS NULL"),
        postgresql_where=sa.text("completed_at IS NULL"),
    )
    op.create_table(
        "keel_stages",
        sa.Column("id", Words(), nullable=False),
        sa.Column("task", Words(), nullable=False),
        sa.Column("stage", Words(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("output", Plain(), nullable=True),
        sa.Column("worker", Words(), server_default="", nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["task"], ["keel_tasks.id"], name=op.f("fk_keel_stages_task_keel_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_stages")),
        sa.UniqueConstraint("task", "stage", "attempt", name=op.f("uq_keel_stages_task_stage_attempt")),
    )


def _people() -> None:
    op.create_table(
        "keel_questions",
        sa.Column("id", Words(), nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("stage", Words(), nullable=False),
        sa.Column("action", Words(), nullable=False),
        sa.Column("environment", Words(), server_default="", nullable=False),
        sa.Column("binding", Plain(), nullable=True),
        sa.Column("binding_digest", Words(), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("approval", Words(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("voided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_questions")),
        sa.UniqueConstraint("binding_digest", name=op.f("uq_keel_questions_binding_digest")),
    )
    op.create_index(op.f("ix_keel_questions_task"), "keel_questions", ["task"], unique=False)
    op.create_table(
        "keel_approvals",
        sa.Column("id", Words(), nullable=False),
        sa.Column("question", Words(), nullable=False),
        sa.Column("binding_digest", Words(), nullable=False),
        sa.Column("answer", Words(), nullable=False),
        sa.Column("remarks", Words(), server_default="", nullable=False),
        sa.Column("answered_by", Words(), nullable=False),
        sa.Column("channel", Words(), server_default="", nullable=False),
        sa.Column("nonce", Words(), server_default="", nullable=False),
        sa.Column("own_request", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question"], ["keel_questions.id"], name=op.f("fk_keel_approvals_question_keel_questions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_approvals")),
        sa.UniqueConstraint("question", name=op.f("uq_keel_approvals_question")),
    )


def _artefacts() -> None:
    op.create_table(
        "keel_blobs",
        sa.Column("sha", Words(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("expired_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("sha", name=op.f("pk_keel_blobs")),
    )
    op.create_table(
        "keel_artefacts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("task", Words(), server_default="", nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("media_type", Words(), server_default="text/plain", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_artefacts")),
        sa.UniqueConstraint("task", "name", "sha", name=op.f("uq_keel_artefacts_task_name_sha")),
    )
    op.create_index(op.f("ix_keel_artefacts_sha"), "keel_artefacts", ["sha"], unique=False)


def _notes() -> None:
    op.create_table(
        "keel_reports",
        sa.Column("id", Words(), nullable=False),
        sa.Column("task_id", Words(), server_default="", nullable=False),
        sa.Column("report_type", Words(), nullable=False),
        sa.Column("title", Words(), server_default="", nullable=False),
        sa.Column("executive_summary", Words(), server_default="", nullable=False),
        sa.Column("critical_issues", Plain(), nullable=True),
        sa.Column("recommendations", Plain(), nullable=True),
        sa.Column("details", Plain(), nullable=True),
        sa.Column("created_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_reports")),
    )
    op.create_table(
        "keel_state",
        sa.Column("key", Words(), nullable=False),
        sa.Column("value", Words(), server_default="", nullable=False),
        sa.Column("updated_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_keel_state")),
    )
    op.create_table(
        "keel_logs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("log_level", Words(), server_default="info", nullable=False),
        sa.Column("category", Words(), server_default="", nullable=False),
        sa.Column("message", Words(), nullable=False),
        sa.Column("details", Plain(), nullable=True),
        sa.Column("task_id", Words(), server_default="", nullable=False),
        sa.Column("timestamp", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keel_logs")),
    )
    op.create_index(op.f("ix_keel_logs_timestamp"), "keel_logs", ["timestamp"], unique=False)

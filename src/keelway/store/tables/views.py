"""The views under the names that dashboards, scripts and people already use: ``agent_*``.

They only read, except ``agent_state``, which may be written like a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from keelway.store.dialect import writable_view
from keelway.store.tables import LESSONS, REPORTS, STATE


@dataclass(frozen=True)
class View:
    """Describe a view: its columns in order with the expression each one shows."""

    name: str
    purpose: str
    columns: dict[str, str]
    source: str
    second: dict[str, str] | None = None
    """Expressions of the second half of a union, by column."""
    second_source: str = ""

    @property
    def sql(self) -> str:
        """Return the statement that creates the view."""
        query = f"SELECT {_pairs(self.columns)} FROM {self.source}"  # noqa: S608 - our own names
        if self.second is not None:
            query += f" UNION ALL SELECT {_pairs(self.second)} FROM {self.second_source}"  # noqa: S608 - as above
        return f"CREATE VIEW {self.name} AS {query}"


def _pairs(columns: dict[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def _case(column: str, words: dict[str, str], otherwise: str) -> str:
    rows = " ".join(f"WHEN '{word}' THEN {shown}" for word, shown in words.items())
    return f"CASE {column} {rows} ELSE {otherwise} END"


_PRIORITY = _case("severity", {"critical": "10", "high": "9", "medium": "5"}, "3")
_WORK_STATUS = _case(
    "status",
    {
        "research": "'pending'",
        "deployed": "'completed'",
        "failed": "'failed'",
        "rolled_back": "'failed'",
        "aborted": "'cancelled'",
    },
    "'in_progress'",
)
_STAGE = _case(
    "stage",
    {
        "intake": "'research'",
        "planning": "'plan'",
        "development": "'develop'",
        "promotion": "'production'",
        "report": "'monitor'",
        "watch": "'monitor'",
    },
    "stage",
)
_LEVEL = _case(
    "kind",
    {
        "effect.failed": "'error'",
        "incident.opened": "'error'",
        "rollback.started": "'warn'",
        "rollback.step": "'warn'",
        "rollback.finished": "'warn'",
        "commit.quarantined": "'warn'",
        "freeze.set": "'warn'",
        "task.refused": "'warn'",
    },
    "'info'",
)
_CATEGORY = _case(
    "kind",
    {
        "release.observed": "'monitoring'",
        "watch.checked": "'monitoring'",
        "rollback.started": "'deployment'",
        "rollback.step": "'deployment'",
        "rollback.finished": "'deployment'",
        "effect.intended": "'deployment'",
        "effect.done": "'deployment'",
        "effect.failed": "'deployment'",
    },
    "'audit'",
)

AGENT_TASKS = View(
    "agent_tasks",
    "Every task. `status` has the words of the lifecycle, `work_status` pending, in_progress, completed, "
    "failed or cancelled.",
    {
        **{name: name for name in ("id", "intent", "status")},
        "risk_level": "risk",
        "plan": "plan",
        "branch_name": "branch",
        "pr_number": "pull_request",
        "pr_url": "pull_url",
        **{name: name for name in ("commit_sha", "iterations", "requested_by", "channel", "error")},
        **{name: name for name in ("deployed_at", "rolled_back_at", "created_at", "updated_at")},
        "task_type": "task_type",
        "priority": _PRIORITY,
        "title": "title",
        "description": "intent",
        "file_paths": "file_paths",
        "work_status": _WORK_STATUS,
        "severity": "severity",
        **{name: name for name in ("duration_ms", "result", "changes_made", "tests_passed")},
        "error_message": "error",
        "completed_at": "completed_at",
        "attempts": "attempt",
        **{name: name for name in ("metadata", "number", "project", "stage", "source", "cost_usd", "paused")},
    },
    "keel_tasks",
)

AGENT_TASK_STAGES = View(
    "agent_task_stages",
    "Every stage run. `stage` is research, plan, develop, review, staging, production or monitor; a stage "
    "that waits for a person counts as running.",
    {
        "id": "id",
        "task_id": "task",
        "stage": _STAGE,
        "status": _case("status", {"held": "'running'"}, "status"),
        **{
            name: name for name in ("started_at", "completed_at", "output", "created_at", "attempt", "worker")
        },
        "room": "stage",
    },
    "keel_stages",
)

AGENT_LOGS = View(
    "agent_logs",
    "Every log line and every audit event, as log lines.",
    {
        "id": "'log-' || CAST(id AS TEXT)",
        "log_level": "log_level",
        "level": "log_level",
        **{name: name for name in ("category", "message", "details", "timestamp", "task_id")},
        "created_at": "timestamp",
    },
    "keel_logs",
    {
        "id": "'event-' || CAST(sequence AS TEXT)",
        "log_level": _LEVEL,
        "level": _LEVEL,
        "category": _CATEGORY,
        "message": "kind",
        "details": "body",
        "timestamp": "at",
        "task_id": "task",
        "created_at": "at",
    },
    "keel_events",
)

AGENT_REPORTS = View(
    "agent_reports",
    "Reports for busy people.",
    {column.name: column.name for column in REPORTS.columns},
    "keel_reports",
)

AGENT_STATE = View(
    "agent_state",
    "Running totals such as `total_tasks_completed`. May be written.",
    {column.name: column.name for column in STATE.columns},
    "keel_state",
)

AGENT_LESSONS = View(
    "agent_lessons",
    "What tasks taught the next ones.",
    {column.name: column.name for column in LESSONS.columns if column.name not in {"key", "words"}},
    "keel_lessons",
)

VIEWS = (AGENT_TASKS, AGENT_TASK_STAGES, AGENT_LOGS, AGENT_REPORTS, AGENT_STATE, AGENT_LESSONS)


def drop_views(connection: Connection) -> None:
    """Remove the views; their data stays in the tables."""
    for view in VIEWS:
        connection.execute(text(f"DROP VIEW IF EXISTS {view.name}"))


def create_views(connection: Connection) -> None:
    """Create the views as this version of the code knows them."""
    for view in VIEWS:
        connection.exec_driver_sql(view.sql)
    state = AGENT_STATE
    for statement in writable_view(connection.dialect.name, state.name, state.source, tuple(state.columns)):
        connection.exec_driver_sql(statement)

"""The names and the very queries that dashboards and scripts already use work on the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Actor, Request, Severity, Source
from keelway.testing.conformance.ledger import TO_DEPLOYED, some_request

COLUMNS = {
    "agent_tasks": "id intent status risk_level plan branch_name pr_number pr_url commit_sha iterations requested_by "
    "channel error deployed_at rolled_back_at created_at updated_at task_type priority title description file_paths "
    "completed_at duration_ms result changes_made tests_passed error_message attempts metadata",
    "agent_task_stages": "id task_id stage status started_at completed_at output created_at",
    "agent_logs": "id log_level level category message details timestamp task_id",
    "agent_reports": "id report_type executive_summary critical_issues recommendations created_at",
    "agent_state": "key value",
}


@pytest.fixture
def ask(engine):
    def run(query: str, **parameters: object) -> list[dict[str, object]]:
        with engine.connect() as connection, connection.begin():
            result = connection.execute(text(query), parameters)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    return run


@pytest.mark.parametrize("view", COLUMNS)
def test_every_column_is_there(engine, view):
    with engine.connect() as connection:
        names = set(connection.execute(text(f"SELECT * FROM {view}")).keys())
        connection.execute(text(f"SELECT {', '.join(COLUMNS[view].split())} FROM {view}"))
    assert set(COLUMNS[view].split()) <= names


def test_a_task_reads_like_a_row_of_old(ledger, ask):
    request = Request(
        "Fix 504 timeout in /api/chat\nTimeout occurring for queries > 30 seconds",
        Actor("anna", "telegram"),
        datetime.now(UTC),
        source=Source.DETECTOR,
        severity=Severity.HIGH,
        files=("app/api/chat/route.ts",),
    )
    row, _ = ledger.create(request, "app", "k")
    ledger.amend(row.task.id, branch="hotfix/504", pull_request=42, pull_url="http://pr/42", commit_sha="abc")
    for status in TO_DEPLOYED:
        ledger.move(row.task.id, status)
    (seen,) = ask("SELECT * FROM agent_tasks")
    expected = {
        "title": "Fix 504 timeout in /api/chat",
        "task_type": "fix_bugs",
        "priority": 9,
        "status": "deployed",
        "work_status": "completed",
        "result": "success",
        "tests_passed": 1,
        "branch_name": "hotfix/504",
        "pr_number": 42,
        "pr_url": "http://pr/42",
        "requested_by": "anna",
        "channel": "telegram",
        "error_message": "",
        "risk_level": "low",
    }
    assert {name: seen[name] for name in expected} == expected
    assert json.loads(seen["changes_made"]) == json.loads(seen["file_paths"]) == ["app/api/chat/route.ts"]
    assert seen["duration_ms"] >= 0
    assert seen["completed_at"] == seen["deployed_at"]
    assert ask("SELECT value FROM agent_state WHERE key = 'total_issues_fixed'") == [{"value": "1"}]


def test_a_failed_task_says_why(ledger, ask):
    row, _ = ledger.create(some_request(), "app", "k")
    ledger.move(row.task.id, Status.FAILED, error="Deployment rolled back due to error rate increase")
    (seen,) = ask("SELECT work_status, status, result, error_message, completed_at FROM agent_tasks")
    assert (seen["status"], seen["work_status"], seen["result"]) == ("failed", "failed", "failed")
    assert seen["error_message"].startswith("Deployment rolled back")
    assert seen["completed_at"]


def test_the_plan_fills_in_what_it_knows(ledger, ask):
    row, _ = ledger.create(some_request(), "app", "k")
    plan = {"title": "XMPP", "kind": "feat", "create": ["a.py"], "modify": ["b.py"], "delete": []}
    ledger.move(row.task.id, Status.PLANNING, plan=plan)
    (seen,) = ask("SELECT title, task_type, file_paths, plan FROM agent_tasks")
    assert (seen["title"], seen["task_type"]) == ("XMPP", "add_feature")
    assert json.loads(seen["file_paths"]) == ["a.py", "b.py"]
    assert json.loads(seen["plan"]) == plan


def test_stages_carry_the_words_of_old(ledger, ask):
    row, _ = ledger.create(some_request(), "app", "k")
    for stage, status in (("intake", "passed"), ("planning", "held"), ("promotion", "running")):
        ledger.stage(row.task.id, stage, 1, status, {"n": 1})
    seen = ask("SELECT * FROM agent_task_stages WHERE task_id = :id ORDER BY created_at, id", id=row.task.id)
    assert [(line["stage"], line["status"]) for line in seen] == [
        ("research", "passed"),
        ("plan", "running"),
        ("production", "running"),
    ]
    assert seen[0]["completed_at"]
    assert seen[1]["completed_at"] is None


def test_the_error_rate_queries_run_as_they_are_written(ledger, ask):
    ledger.log("error", "monitoring", "504 in /api/chat", details={"path": "/api/chat"})
    row, _ = ledger.create(some_request(), "app", "k")
    ledger.log("error", "monitoring", "again")
    ledger.log("info", "deployment", "Deployment triggered", task=row.task.id)
    before = f"""
        SELECT COUNT(*) FROM agent_logs
        WHERE log_level = 'error'
          AND timestamp > NOW() - INTERVAL '1 hour'
          AND timestamp < (SELECT created_at FROM agent_tasks WHERE id = '{row.task.id}');
    """
    after = """
        SELECT COUNT(*) FROM agent_logs
        WHERE log_level = 'error'
          AND timestamp > NOW() - INTERVAL '5 minutes';
    """
    assert [list(ask(query)[0].values()) for query in (before, after)] == [[1], [2]]


def test_old_lines_are_outside_the_interval(engine, home, ask):
    from keelway.store.ledger import SqlLedger

    past = SqlLedger(engine, home, clock=lambda: datetime.now(UTC) - timedelta(minutes=6))
    past.log("error", "monitoring", "long ago")
    count = "SELECT COUNT(*) AS n FROM agent_logs WHERE timestamp > NOW() - INTERVAL '{}'"
    assert ask(count.format("5 minutes")) == [{"n": 0}]
    assert ask(count.format("1 hour")) == [{"n": 1}]


def test_audit_events_are_log_lines_too(ledger, ask):
    ledger.record(Event(EventKind.EFFECT_FAILED, datetime.now(UTC), "t", data={"effect": "deploy"}))
    ledger.record(Event(EventKind.ROLLBACK_STARTED, datetime.now(UTC), "t"))
    seen = ask("SELECT log_level, category, message, details, task_id FROM agent_logs ORDER BY id")
    assert [(line["log_level"], line["message"]) for line in seen] == [
        ("error", "effect.failed"),
        ("warn", "rollback.started"),
    ]
    assert json.loads(seen[0]["details"])["data"] == {"effect": "deploy"}


def test_the_totals_may_be_counted_on_by_hand(ask):
    for _ in range(2):
        ask("UPDATE agent_state SET value = value::int + 1 WHERE key = 'total_tasks_completed';")
    ask("INSERT INTO agent_state (key, value) VALUES ('mine', 'x')")
    assert ask(
        "SELECT value FROM agent_state WHERE key IN ('total_tasks_completed', 'mine') ORDER BY key"
    ) == [
        {"value": "x"},
        {"value": "2"},
    ]


def test_an_incident_is_an_agent_report(ledger, ask):
    ledger.open_incident("t", "Deployment rolled back due to increased errors", "details", "k")
    (seen,) = ask("SELECT * FROM agent_reports WHERE report_type = 'incident_report'")
    assert seen["executive_summary"] == "Deployment rolled back due to increased errors"
    assert json.loads(seen["critical_issues"])
    assert json.loads(seen["recommendations"])


@pytest.mark.parametrize("view", ["agent_tasks", "agent_task_stages", "agent_logs", "agent_reports"])
def test_the_other_views_cannot_be_written(ask, view):
    with pytest.raises(DBAPIError):
        ask(f"UPDATE {view} SET id = 'x'")

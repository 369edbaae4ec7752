"""Turn a row of ``keel_tasks`` into a ``TaskRow`` and the fields of a change into columns."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from keelway.core.errors import OurFault
from keelway.core.model.lifecycle import CLOSED, Status
from keelway.core.model.task import Request, Source, Task
from keelway.ports.ledger import TaskRow
from keelway.store.reading import lenient

_DIRECT = tuple(item.name for item in fields(TaskRow) if item.name not in {"task", "status"})
_EXTRA = ("pull_url", "changes_made", "tests_passed", "metadata", "title", "task_type", "file_paths")
_AMENDABLE = frozenset(_DIRECT) - {"created_at", "updated_at"} | frozenset(_EXTRA)

_TASK_TYPES = {
    "feat": "add_feature",
    "fix": "fix_bugs",
    "chore": "maintenance",
    "refactor": "refactor",
    "docs": "write_docs",
    "test": "write_tests",
}
_FAULT_SOURCES = frozenset({Source.DETECTOR, Source.CI})
_RESULTS = {
    Status.DEPLOYED: "success",
    Status.ROLLED_BACK: "rolled_back",
    Status.FAILED: "failed",
    Status.ABORTED: "aborted",
}
TITLE_CHARS_MAX = 120


def task_row(row: Row[Any]) -> TaskRow:
    """Return the task of a row; a column that is null or not there keeps its default."""
    have = row._mapping  # noqa: SLF001
    task = Task(row.id, row.number, row.project, lenient(Request, row.request))
    known = {name: have[name] for name in _DIRECT if have.get(name) is not None}
    return TaskRow(task, Status(row.status), **known)


def first_columns(request: Request) -> dict[str, Any]:
    """Return the columns that follow from the request."""
    lines = request.text.strip().splitlines()
    return {
        "intent": request.text,
        "request": request,
        "requested_by": request.requested_by.name,
        "channel": request.requested_by.channel,
        "source": request.source.value,
        "severity": request.severity.value,
        "title": lines[0][:TITLE_CHARS_MAX] if lines else "",
        "task_type": "fix_bugs" if request.source in _FAULT_SOURCES else "",
        "file_paths": list(request.files),
    }


def changed_columns(given: dict[str, Any]) -> dict[str, Any]:
    """Check the fields of a change and add what follows from a plan.

    Raises:
        OurFault: there is no such field, or it cannot be changed this way.
    """
    unknown = sorted(set(given) - _AMENDABLE)
    if unknown:
        raise OurFault(
            "unknown_field",
            f"A task has no field {', '.join(unknown)} that can be changed.",
            f"use one of {', '.join(sorted(_AMENDABLE))}",
        )
    return _of_plan(given.get("plan")) | given


def _of_plan(plan: Any) -> dict[str, Any]:
    if not isinstance(plan, dict):
        return {}
    files = [path for part in ("create", "modify", "delete") for path in plan.get(part) or ()]
    title = str(plan.get("title") or "")[:TITLE_CHARS_MAX]
    kind = _TASK_TYPES.get(str(plan.get("kind") or ""), "")
    found = {"file_paths": files, "title": title, "task_type": kind}
    return {name: value for name, value in found.items() if value}


def status_columns(row: Row[Any], status: Status, at: datetime) -> dict[str, Any]:
    """Return the columns that follow from a change of status."""
    columns: dict[str, Any] = {"status": status.value}
    if status is Status.PR_OPEN:
        columns["tests_passed"] = True
    elif status is Status.DEVELOPING and row.status == Status.TESTING.value:
        columns["tests_passed"] = False
    elif status is Status.DEPLOYED:
        columns |= {"deployed_at": at, "changes_made": row.changes_made or row.file_paths}
    elif status is Status.ROLLED_BACK:
        columns["rolled_back_at"] = at
    if status in CLOSED:
        milliseconds = max(0, round((at - row.created_at).total_seconds() * 1_000))
        columns |= {"result": _RESULTS[status], "completed_at": at, "duration_ms": milliseconds}
    return columns


def totals_of(row: Row[Any], status: Status) -> tuple[str, ...]:
    """Name the running totals that grow when a task reaches a status."""
    if status is Status.DEPLOYED:
        fixed = ("total_issues_fixed",) if row.task_type == "fix_bugs" else ()
        return ("total_tasks_completed", *fixed)
    if status is Status.ROLLED_BACK:
        return ("total_rollbacks",)
    return ("total_tasks_failed",) if status in CLOSED else ()

"""Tasks: claimed once per intent, moved by the lifecycle table only."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from ulid import ULID

from keelway.core.codec import to_json
from keelway.core.errors import YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import CLOSED, START, Status, advance
from keelway.core.model.task import Request
from keelway.ports.ledger import TaskRow
from keelway.store.books.row import changed_columns, first_columns, status_columns, task_row, totals_of
from keelway.store.books.shelf import Shelf, bounded
from keelway.store.books.totals import add_to
from keelway.store.chain.journal import Entry
from keelway.store.tables import QUESTIONS, STAGES, TASKS

_NAME = re.compile(r"(?:T-)?([0-9]{1,9})", re.IGNORECASE)


class Tasks(Shelf):
    """Keep the rows of tasks and of their stage runs."""

    def create(self, request: Request, project: str, key: str) -> tuple[TaskRow, bool]:
        """Open a task for an intent key; the open task and ``False`` when there already is one."""
        with self._journal.entry() as entry:
            open_task = select(TASKS).where(TASKS.c.key == key, TASKS.c.completed_at.is_(None))
            found = entry.connection.execute(open_task).first()
            if found is not None:
                return task_row(found), False
            number = entry.next("task")
            row = {
                "id": str(ULID()),
                "number": number,
                "project": project,
                "key": key,
                "status": START.value,
                "created_at": entry.at,
                "updated_at": entry.at,
                **first_columns(request),
            }
            entry.connection.execute(insert(TASKS).values(**row))
            data = {"number": number, "project": project, "request": to_json(request)}
            actor = str(request.requested_by)
            entry.append(Event(EventKind.TASK_CREATED, entry.at, row["id"], actor=actor, data=data))
            return task_row(_one(entry, row["id"])), True

    def find(self, task: str) -> TaskRow:
        """Return a task by id, by number or by name such as ``T-142``.

        Raises:
            YourFault: there is none.
        """
        rows = self._journal.read(select(TASKS).where(named_task(task)))
        if not rows:
            raise _unknown(task)
        return task_row(rows[0])

    def tasks(self, *, open_only: bool = False, limit: int = 200) -> tuple[TaskRow, ...]:
        """Return tasks, newest first."""
        query = select(TASKS).order_by(TASKS.c.number.desc()).limit(bounded(limit))
        if open_only:
            query = query.where(TASKS.c.completed_at.is_(None))
        return tuple(task_row(row) for row in self._journal.read(query))

    def tasks_since(self, instant: datetime) -> int:
        """Count the tasks created since an instant."""
        rows = self._journal.read(select(func.count()).where(TASKS.c.created_at >= instant))
        return int(rows[0][0])

    def move(self, task: str, status: Status, **fields: Any) -> TaskRow:
        """Change the status by the lifecycle table, and fields of the row with it.

        Raises:
            OurFault: the transition is not in the table, or there is no such field.
        """
        with self._journal.entry() as entry:
            row = _one(entry, task)
            before = Status(row.status)
            advance(before, status)
            columns = changed_columns(fields)
            if before is not status:
                columns = status_columns(row, status, entry.at) | columns
            changed = _changed(row, columns)
            if not changed:
                return task_row(row)
            _apply(entry, row, changed)
            data = {"from": before.value, "to": status.value, "fields": to_json(changed)}
            entry.append(Event(EventKind.TASK_STATUS, entry.at, row.id, data=data))
            after = _one(entry, row.id)
            if before is not status:
                _arrive(entry, after, status)
            return task_row(after)

    def amend(self, task: str, **fields: Any) -> TaskRow:
        """Change fields of the row without touching the status.

        Raises:
            OurFault: there is no such field.
        """
        with self._journal.entry() as entry:
            row = _one(entry, task)
            changed = _changed(row, changed_columns(fields))
            if changed:
                _apply(entry, row, changed)
                entry.note("task", row.id, fields=to_json(changed))
            return task_row(_one(entry, row.id))

    def stage(self, task: str, stage: str, attempt: int, status: str, output: dict[str, Any]) -> None:
        """Record a stage run: ``running``, ``passed``, ``held``, ``failed`` or ``skipped``.

        The same words again change nothing, so that a step may be repeated.
        """
        with self._journal.entry() as entry:
            owner = _one(entry, task)
            same = (STAGES.c.task == owner.id, STAGES.c.stage == stage, STAGES.c.attempt == attempt)
            row = entry.connection.execute(select(STAGES).where(*same)).first()
            plain = to_json(output)
            if row is not None and (row.status, row.output) == (status, plain):
                return
            ended = status not in {"running", "held"}
            columns: dict[str, Any] = {"status": status, "output": plain}
            columns["completed_at"] = entry.at if ended else None
            if row is None:
                new = {"id": str(ULID()), "task": owner.id, "stage": stage, "attempt": attempt}
                times = {"started_at": entry.at, "created_at": entry.at}
                entry.connection.execute(insert(STAGES).values(**new, **times, **columns))
            else:
                entry.connection.execute(update(STAGES).where(*same).values(**columns))
            _apply(entry, owner, {"stage": stage, "attempt": attempt})
            kind = EventKind.STAGE_STARTED if status == "running" else EventKind.STAGE_FINISHED
            data = {"status": status, "output": plain}
            entry.append(Event(kind, entry.at, owner.id, stage, attempt, data=data))


def named_task(task: str) -> ColumnElement[bool]:
    """Return the condition that finds a task by id, by number or by name."""
    match = _NAME.fullmatch(task.strip())
    return TASKS.c.number == int(match[1]) if match else TASKS.c.id == task.strip()


def _one(entry: Entry, task: str) -> Row[Any]:
    row = entry.connection.execute(select(TASKS).where(named_task(task))).first()
    if row is None:
        raise _unknown(task)
    return row


def _changed(row: Row[Any], columns: dict[str, Any]) -> dict[str, Any]:
    have = row._mapping  # noqa: SLF001
    return {name: value for name, value in columns.items() if to_json(have[name]) != to_json(value)}


def _apply(entry: Entry, row: Row[Any], columns: dict[str, Any]) -> None:
    change = update(TASKS).where(TASKS.c.id == row.id).values(**columns, updated_at=entry.at)
    entry.connection.execute(change)


def _arrive(entry: Entry, row: Row[Any], status: Status) -> None:
    for total in totals_of(row, status):
        add_to(entry, total)
    if status in CLOSED:
        data = {"status": status.value, "code": row.code, "duration_ms": row.duration_ms}
        entry.append(Event(EventKind.TASK_CLOSED, entry.at, row.id, data=data))
        waiting = (
            QUESTIONS.c.task == row.id,
            QUESTIONS.c.approval.is_(None),
            QUESTIONS.c.voided_at.is_(None),
        )
        entry.connection.execute(update(QUESTIONS).where(*waiting).values(voided_at=entry.at))


def _unknown(task: str) -> YourFault:
    return YourFault("unknown_task", f"There is no task {task[:80]!r}.", "keelway tasks")

"""Incidents, reports and log lines: what people and their dashboards read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from ulid import ULID

from keelway.core.model.event import Event, EventKind
from keelway.store.books.shelf import Shelf, bounded
from keelway.store.chain.journal import Entry
from keelway.store.tables import INCIDENTS, LOGS, REPORTS


class Notes(Shelf):
    """Keep incidents, reports and log lines."""

    def open_incident(self, task: str, title: str, body: str, key: str) -> int:
        """Record an incident once per key, with a report for people, and return its number."""
        with self._journal.entry() as entry:
            known = entry.connection.execute(
                select(INCIDENTS.c.number).where(INCIDENTS.c.key == key)
            ).scalar()
            if known is not None:
                return int(known)
            number = entry.next("incident")
            row = {"number": number, "key": key, "task": task, "title": title, "body": body}
            entry.connection.execute(insert(INCIDENTS).values(**row, opened_at=entry.at))
            advice = ["A person reviews what happened before the task is tried again."]
            report = {"executive_summary": title, "critical_issues": [title], "recommendations": advice}
            _report(entry, "incident_report", task, {**report, "details": {"incident": number, "body": body}})
            data = {"incident": number, "title": title}
            entry.append(Event(EventKind.INCIDENT_OPENED, entry.at, task, data=data))
            return number

    def incidents(self, *, limit: int = 100) -> tuple[dict[str, Any], ...]:
        """Return incidents, newest first."""
        query = select(INCIDENTS).order_by(INCIDENTS.c.number.desc()).limit(bounded(limit))
        return tuple(dict(row._mapping) for row in self._journal.read(query))  # noqa: SLF001

    def save_report(
        self,
        report_type: str,
        executive_summary: str,
        *,
        task: str = "",
        critical_issues: Sequence[str] = (),
        recommendations: Sequence[str] = (),
        details: dict[str, Any] | None = None,
    ) -> str:
        """Keep a report for people and return its id."""
        columns = {
            "executive_summary": executive_summary,
            "critical_issues": list(critical_issues),
            "recommendations": list(recommendations),
            "details": details,
        }
        with self._journal.entry() as entry:
            return _report(entry, report_type, task, columns)

    def reports(self, *, report_type: str = "", limit: int = 100) -> tuple[dict[str, Any], ...]:
        """Return reports, newest first."""
        query = (
            select(REPORTS).order_by(REPORTS.c.created_at.desc(), REPORTS.c.id.desc()).limit(bounded(limit))
        )
        if report_type:
            query = query.where(REPORTS.c.report_type == report_type)
        return tuple(dict(row._mapping) for row in self._journal.read(query))  # noqa: SLF001

    def log(
        self,
        level: str,
        category: str,
        message: str,
        *,
        task: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        """Keep one log line; lines are not part of the audit chain."""
        row = {"log_level": level, "category": category, "message": message, "task_id": task}
        with self._journal.entry() as entry:
            entry.connection.execute(insert(LOGS).values(**row, details=details, timestamp=entry.at))


def _report(entry: Entry, report_type: str, task: str, columns: dict[str, Any]) -> str:
    identity = str(ULID())
    title = str(columns["executive_summary"]).split("\n", 1)[0][:120]
    row = {"id": identity, "report_type": report_type, "task_id": task, "title": title}
    entry.connection.execute(insert(REPORTS).values(**row, **columns, created_at=entry.at))
    entry.note("report", task, report=identity, report_type=report_type)
    return identity

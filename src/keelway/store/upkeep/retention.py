"""Remove log lines and samples whose time is over, a bounded part at a time; the audit chain is never touched."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select

from keelway.store.books.shelf import Shelf
from keelway.store.tables import DEPLOYMENTS, LOGS, SAMPLES, TASKS
from keelway.store.upkeep.needed import Needed

ROUND = 5_000
"""Rows that one transaction removes: all writers wait behind it."""

Where = tuple[ColumnElement[bool], ...]


class Retention(Shelf):
    """Count and remove what is over its time; each removal leaves its event."""

    def old_logs(self, before: datetime, stay: Needed) -> int:
        """Count the log lines that would go."""
        return self._count(LOGS, _logs(before, stay))

    def remove_logs(self, before: datetime, stay: Needed) -> int:
        """Remove log lines from before an instant, except those of tasks that are still needed."""
        return self._remove(LOGS, _logs(before, stay), "log lines", before)

    def old_samples(self, before: datetime, stay: Needed) -> int:
        """Count the samples that would go."""
        return self._count(SAMPLES, _samples(before, stay))

    def remove_samples(self, before: datetime, stay: Needed) -> int:
        """Remove samples from before an instant, except those of deployments that are still needed."""
        return self._remove(SAMPLES, _samples(before, stay), "samples", before)

    def note(self, by: str, found: dict[str, Any]) -> None:
        """Record that the store was looked after, and what went."""
        with self._journal.entry() as entry:
            entry.note("upkeep", by=by, **found)

    def _count(self, table: Table, where: Where) -> int:
        return int(self._journal.read(select(func.count()).select_from(table).where(*where))[0][0])

    def _remove(self, table: Table, where: Where, what: str, before: datetime) -> int:
        gone = 0
        while True:
            with self._journal.entry() as entry:
                page = select(table.c.id).where(*where).order_by(table.c.id).limit(ROUND)
                count = entry.connection.execute(delete(table).where(table.c.id.in_(page))).rowcount
                if count:
                    entry.note("retention", rows=what, removed=count, older_than=before.isoformat())
            gone += count
            if count < ROUND:
                return gone


def _logs(before: datetime, stay: Needed) -> Where:
    still_open = select(TASKS.c.id).where(TASKS.c.completed_at.is_(None))
    old = (LOGS.c.timestamp < before, LOGS.c.task_id.not_in(still_open))
    return (*old, LOGS.c.task_id.not_in(_sorted(stay.tasks - stay.open_tasks)))


def _samples(before: datetime, stay: Needed) -> Where:
    still_open = select(TASKS.c.id).where(TASKS.c.completed_at.is_(None))
    theirs = select(DEPLOYMENTS.c.id).where(DEPLOYMENTS.c.task.in_(still_open))
    old = (SAMPLES.c.at < before, SAMPLES.c.deployment.not_in(theirs))
    return (*old, SAMPLES.c.deployment.not_in(_sorted(stay.deployments)))


def _sorted(names: Collection[str]) -> list[str]:
    return sorted(names)

"""Say what must stay however old it is: open tasks, what runs, and every release that one could go back to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from keelway.store.fault import reported
from keelway.store.tables import DEPLOYMENTS, TASKS

WAYS_BACK = 100
"""So many of the newest deployments of an environment are looked at when a way back is chosen."""

_SERVES = frozenset({"running", "observing", "live", "superseded"})
"""Statuses of a deployment that runs, or whose release can be gone back to."""


@dataclass(frozen=True)
class Needed:
    """Hold the ids of what retention leaves alone."""

    open_tasks: frozenset[str]
    tasks: frozenset[str]
    """Open tasks, and those whose release runs or can be gone back to."""
    deployments: frozenset[str]
    backups: frozenset[str] = frozenset()
    """Backups that a way back from one of them may ask for."""


def needed(engine: Engine) -> Needed:
    """Read what must stay.

    Raises:
        TheirFault: the database cannot be read.
    """
    with reported(), engine.connect() as connection:
        still_open = {
            row.id for row in connection.execute(select(TASKS.c.id).where(TASKS.c.completed_at.is_(None)))
        }
        environments = connection.execute(select(DEPLOYMENTS.c.environment).distinct()).scalars().all()
        serving = []
        for environment in environments:
            newest = (DEPLOYMENTS.c.started_at.desc(), DEPLOYMENTS.c.id.desc())
            query = select(DEPLOYMENTS).where(DEPLOYMENTS.c.environment == environment).order_by(*newest)
            rows = connection.execute(query.limit(WAYS_BACK)).all()
            serving += [row for row in rows if row.status in _SERVES]
        unsettled = DEPLOYMENTS.c.status.in_(("running", "observing", "live"))
        serving += connection.execute(select(DEPLOYMENTS).where(unsettled)).all()
    tasks = still_open | {row.task for row in serving if row.task}
    backups = frozenset(row.backup for row in serving if row.backup)
    return Needed(frozenset(still_open), frozenset(tasks), frozenset(row.id for row in serving), backups)

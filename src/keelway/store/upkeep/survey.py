"""Look over the whole store: is the database sound, how large is it, and which rows are stuck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from keelway.core.model.lifecycle import CLOSED
from keelway.store.dialect import database_bytes, snapshot, unsound
from keelway.store.fault import reported
from keelway.store.tables import DEPLOYMENTS, LEASES, METADATA, QUESTIONS, STAGES, TASKS

SHOWN_MAX = 100
"""So many stuck rows of a kind are named."""


@dataclass(frozen=True)
class Survey:
    """State what a look over the database found."""

    problems: tuple[str, ...]
    """What the database says is wrong with itself, empty when it is sound."""
    rows: dict[str, int]
    """Rows of every table; a damaged database is not counted."""
    size_bytes: int
    """Size of the database with its indexes, the engine's tables included."""


@dataclass(frozen=True)
class Stuck:
    """Name a row that does not go on by itself, and what to do."""

    what: str
    """``task T-3``, ``question q`` ..."""
    sentence: str
    next: str


def survey(engine: Engine) -> Survey:
    """Check the database and count its rows.

    Raises:
        TheirFault: it cannot be read.
    """
    with reported(), snapshot(engine) as connection:
        problems = unsound(connection)
        if problems:
            return Survey(problems, {}, database_bytes(connection))
        rows = {
            name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in sorted(METADATA.tables.items())
        }
        return Survey((), rows, database_bytes(connection))


def open_tasks(engine: Engine) -> dict[str, str]:
    """Return the open tasks as id to name.

    Raises:
        TheirFault: the database cannot be read.
    """
    with reported(), engine.connect() as connection:
        query = select(TASKS.c.id, TASKS.c.number).where(TASKS.c.completed_at.is_(None))
        return {row.id: f"T-{row.number}" for row in connection.execute(query)}


def stuck(engine: Engine, before: datetime) -> tuple[Stuck, ...]:
    """Name the rows that contradict the end of their task, of tasks that ended before an instant.

    Raises:
        TheirFault: the database cannot be read.
    """
    with reported(), snapshot(engine) as connection:
        found: list[Stuck] = []
        for look in (_stages, _questions, _deployments, _leases):
            found += look(connection, TASKS.c.completed_at < before)
        return tuple(found)


def _stages(connection: Connection, ended: ColumnElement[bool]) -> list[Stuck]:
    query = (
        select(TASKS.c.number, TASKS.c.status.label("end"), STAGES.c.stage)
        .join(TASKS, TASKS.c.id == STAGES.c.task)
        .where(STAGES.c.status == "running", ended)
        .order_by(TASKS.c.number)
    )
    return [
        Stuck(
            f"stage {row.stage} of T-{row.number}",
            f"It counts as running, and its task is {row.end}.",
            f"keelway audit --task T-{row.number}",
        )
        for row in connection.execute(query.limit(SHOWN_MAX))
    ]


def _questions(connection: Connection, ended: ColumnElement[bool]) -> list[Stuck]:
    query = (
        select(TASKS.c.number, QUESTIONS.c.id)
        .join(TASKS, TASKS.c.id == QUESTIONS.c.task)
        .where(
            QUESTIONS.c.approval.is_(None),
            QUESTIONS.c.voided_at.is_(None),
            ended,
            TASKS.c.status.in_([status.value for status in CLOSED if status.value != "deployed"]),
        )
        .order_by(TASKS.c.number)
    )
    return [
        Stuck(
            f"question {row.id}",
            f"It is open, and T-{row.number} has ended.",
            f"keelway show T-{row.number}",
        )
        for row in connection.execute(query.limit(SHOWN_MAX))
    ]


def _deployments(connection: Connection, ended: ColumnElement[bool]) -> list[Stuck]:
    query = (
        select(TASKS.c.number, DEPLOYMENTS.c.release, DEPLOYMENTS.c.environment, DEPLOYMENTS.c.status)
        .join(TASKS, TASKS.c.id == DEPLOYMENTS.c.task)
        .where(DEPLOYMENTS.c.status.in_(("running", "observing")), ended)
        .order_by(TASKS.c.number)
    )
    return [
        Stuck(
            f"deployment of {row.release} to {row.environment}",
            f"It counts as {row.status}, and T-{row.number} has ended.",
            f"keelway releases {row.environment}",
        )
        for row in connection.execute(query.limit(SHOWN_MAX))
    ]


def _leases(connection: Connection, ended: ColumnElement[bool]) -> list[Stuck]:
    """Find leases whose holder is a task that has ended; orders by hand hold under a name of their own."""
    query = (
        select(LEASES.c.environment, TASKS.c.number)
        .join(TASKS, TASKS.c.id == LEASES.c.holder)
        .where(ended)
        .order_by(LEASES.c.environment)
    )
    return [
        Stuck(
            f"lease of {row.environment}",
            f"T-{row.number} has ended and still holds it.",
            "keelway up gives it back at its start",
        )
        for row in connection.execute(query.limit(SHOWN_MAX))
    ]

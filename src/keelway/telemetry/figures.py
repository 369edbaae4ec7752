"""Answer a scrape: what was counted since this began, and how things stand now.

It reads the book and the tables of the engine by SQL, as any dashboard would, and needs neither of their rooms.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Info, generate_latest
from sqlalchemy import Connection, DateTime, Engine, column, text
from sqlalchemy.exc import SQLAlchemyError

from keelway.core.errors import KeelwayError
from keelway.ports.roster import Roster
from keelway.telemetry.instruments import Instruments
from keelway.telemetry.tail import Tail, head_of

ANSWER_SECONDS_MAX = 3.0
"""A scrape is answered after this time also when the database is not; a scraper waits ten."""

_QUESTIONS = text(
    "SELECT count(*) AS number, min(keel_questions.asked_at) AS asked_at FROM keel_tasks "
    "JOIN keel_questions ON keel_questions.task = keel_tasks.id "
    "WHERE keel_tasks.completed_at IS NULL AND keel_tasks.key >= '' "
    "AND keel_questions.approval IS NULL AND keel_questions.voided_at IS NULL"
).columns(column("number"), column("asked_at", DateTime(timezone=True)))

_STATES = {"ENQUEUED": "queued", "DELAYED": "delayed", "PENDING": "running"}
_RUNS = (
    "SELECT queue_name, status, count(*) AS number FROM {table} "
    "WHERE status IN ('ENQUEUED', 'PENDING') AND queue_name IS NOT NULL GROUP BY queue_name, status "
    "UNION ALL SELECT queue_name, status, count(*) FROM {table} "
    "WHERE status = 'DELAYED' AND queue_name IS NOT NULL GROUP BY queue_name, status"
)
_TABLES = {"sqlite": "workflow_status", "postgresql": "dbos.workflow_status"}


class Figures:
    """Keep the figures of one installation; may be asked from any thread.

    Args:
        database: the book and the engine's tables; disposed of by ``close``.
        version: of this program.
        roster: who works, when there are workers.
        lease_seconds: after so long a silence a worker does not count as alive.
    """

    def __init__(
        self, database: Engine, version: str, roster: Roster | None = None, lease_seconds: float = 10.0
    ) -> None:
        self._database, self._roster, self._lease_seconds = database, roster, lease_seconds
        self._shown = Instruments()
        Info("keelway_build", "Version of this program.", registry=self._shown.registry).info(
            {"version": version}
        )
        self._tail = Tail(self._shown)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keelway-figures")
        self._lock = threading.Lock()
        self._asked: Future[None] | None = None
        self._pool.submit(self._look)  # counting begins now and not at the first scrape

    def text(self) -> bytes:
        """Return every figure in the text format of Prometheus; figures that cannot be read are left out or NaN."""
        with self._lock:
            if (
                self._asked is None or self._asked.done()
            ):  # never two of them: a database may be stuck for long
                self._asked = self._pool.submit(self._look)
            try:
                self._asked.result(ANSWER_SECONDS_MAX)
                self._shown.database_up.set(1)
            except (LateError, SQLAlchemyError, KeelwayError, OSError):
                self._shown.database_up.set(0)
                self._shown.forget_present()
            return generate_latest(self._shown.registry)

    def close(self) -> None:
        """Let go of the database."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._database.dispose()

    def _look(self) -> None:
        began = time.perf_counter()
        with self._snapshot() as connection:
            head = head_of(connection)
            seconds = time.perf_counter() - began
            self._tail.look(connection, head)
            self._ask_questions(connection)
        self._shown.database_seconds.set(seconds)
        self._ask_queues()
        self._ask_workers()

    def _snapshot(self) -> Connection:
        connection = self._database.connect()
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        return connection

    def _ask_questions(self, connection: Connection) -> None:
        row = connection.execute(_QUESTIONS).one()
        self._shown.questions.set(row.number)
        self._shown.question_seconds.set(_age_seconds(row.asked_at))

    def _ask_queues(self) -> None:
        self._shown.queue_runs.clear()
        statement = text(_RUNS.format(table=_TABLES[self._database.dialect.name]))
        # A book that no engine has used yet has no such table.
        with contextlib.suppress(SQLAlchemyError), self._database.connect() as connection:
            for row in connection.execute(statement):
                queue = self._shown.words.of("queue", row.queue_name.partition("@")[0])
                self._shown.queue_runs.labels(queue, _STATES[row.status]).inc(row.number)

    def _ask_workers(self) -> None:
        self._shown.workers.clear()
        if self._roster is None:
            return
        silent = [0.0]
        for state in ("alive", "silent"):
            self._shown.workers.labels(state).set(0)
        for presence in self._roster.workers():
            state = presence.state(self._lease_seconds)
            self._shown.workers.labels(state).inc()
            if state in {"alive", "silent"}:
                silent.append(presence.silent_seconds)
        self._shown.beat_age_seconds.set(max(silent))


def _age_seconds(asked_at: Any) -> float:
    if not isinstance(asked_at, datetime):
        return 0.0
    aware = asked_at if asked_at.tzinfo is not None else asked_at.replace(tzinfo=UTC)
    return max(0.0, (datetime.now(UTC) - aware).total_seconds())

"""Keep the queue of work that must not hold up an answer."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from harbor.db import timestamp, transaction

LEASE_SECONDS = 60
ATTEMPTS_MAX = 3


def enqueue(db: sqlite3.Connection, kind: str, payload: dict[str, Any]) -> int:
    """Add a job and return its number; call it inside the transaction that makes the job necessary."""
    job = db.execute(
        "INSERT INTO jobs (kind, payload, queued_at) VALUES (?, ?, ?) RETURNING id",
        (kind, json.dumps(payload), timestamp()),
    ).fetchone()
    return int(job["id"])


def claim(db: sqlite3.Connection, kinds: Iterable[str]) -> sqlite3.Row | None:
    """Take the oldest waiting job of a known kind, or one whose worker died; other releases may queue kinds of their own."""
    known = list(kinds)
    with transaction(db):
        db.execute(
            "UPDATE jobs SET state = 'failed', result = '\"the worker died every time\"' WHERE state = 'running' AND leased_until < ? AND attempts >= ?",
            (timestamp(), ATTEMPTS_MAX),
        )
        row: sqlite3.Row | None = db.execute(
            f"""UPDATE jobs SET state = 'running', attempts = attempts + 1, leased_until = ?
            WHERE id = (SELECT id FROM jobs WHERE kind IN ({", ".join("?" * len(known))})
                AND (state = 'queued' OR (state = 'running' AND leased_until < ?)) ORDER BY id LIMIT 1)
            RETURNING *""",  # noqa: S608 - only question marks are put in
            (timestamp(LEASE_SECONDS), *known, timestamp()),
        ).fetchone()
    return row


def finish(db: sqlite3.Connection, job_id: int, state: str, result: Any) -> None:  # noqa: ANN401 - any JSON value
    """Record how a job ended: state is "done" or "failed"."""
    db.execute("UPDATE jobs SET state = ?, result = ? WHERE id = ?", (state, json.dumps(result), job_id))


def depth(db: sqlite3.Connection) -> int:
    """Count the jobs that nobody has finished."""
    return int(db.execute("SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')").fetchone()[0])


def prune(db: sqlite3.Connection, keep: int) -> None:
    """Forget finished jobs beyond the newest ones, so that the table stays small."""
    db.execute(
        "DELETE FROM jobs WHERE state IN ('done', 'failed') AND id <= (SELECT MAX(id) FROM jobs) - ?", (keep,)
    )

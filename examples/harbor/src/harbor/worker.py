"""Work through the job queue until told to stop: python -m harbor.worker."""

import json
import logging
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from harbor import jobs
from harbor.db import connect, timestamp, transaction
from harbor.log import open_log
from harbor.settings import Settings, read_settings

log = logging.getLogger("harbor.worker")
HEARTBEAT_SECONDS = 1.0
WORKERS_KEPT = 20


def echo(_db: sqlite3.Connection, payload: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Give back what was sent, to prove that the queue goes round."""
    return payload["echo"]


def notify(db: sqlite3.Connection, payload: dict[str, Any]) -> str:
    """Tell the quay where a ship will lie."""
    db.execute("UPDATE arrivals SET notified_at = ? WHERE id = ?", (timestamp(), payload["arrival_id"]))
    return f"{payload['ship']}: {payload['berth'] or 'wait at anchor'}"


WORK: dict[str, Callable[[sqlite3.Connection, dict[str, Any]], Any]] = {"echo": echo, "notify": notify}


def work_once(db: sqlite3.Connection) -> bool:
    """Do one job; return False when none waits. A job that raises is failed, the worker lives on."""
    job = jobs.claim(db, WORK)
    if job is None:
        return False
    try:
        with transaction(db):
            jobs.finish(db, job["id"], "done", WORK[job["kind"]](db, json.loads(job["payload"])))
    except Exception as error:
        log.exception("job %s failed", job["id"], extra={"route": f"job {job['kind']}"})
        jobs.finish(db, job["id"], "failed", str(error))
    return True


def beat(db: sqlite3.Connection, settings: Settings) -> None:
    """Show that a worker of this release is alive, and tidy up."""
    with transaction(db):
        db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?)", (settings.release, timestamp()))
        db.execute(
            "DELETE FROM workers WHERE release NOT IN (SELECT release FROM workers ORDER BY seen_at DESC LIMIT ?)",
            (WORKERS_KEPT,),
        )
        jobs.prune(db, settings.profile.jobs_kept)


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until stop is set; the job in hand is always finished."""
    next_beat = time.monotonic()
    with closing(connect(settings.db)) as db:
        while not stop.is_set():
            if time.monotonic() >= next_beat:
                beat(db, settings)
                next_beat = time.monotonic() + HEARTBEAT_SECONDS
            if not work_once(db):
                stop.wait(settings.profile.poll_seconds)


def main() -> int:
    """Start a worker with the settings of the environment; return 1 when it had to give up."""
    settings, stop = read_settings(), threading.Event()
    with open_log(settings):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info("worker started")
        try:
            run(settings, stop)
        except sqlite3.Error:
            log.exception("worker gave up", extra={"route": "worker"})
            return 1
        log.info("worker stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

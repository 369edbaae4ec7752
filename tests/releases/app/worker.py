"""Work on the jobs of the pier, one after the other."""

from __future__ import annotations

import sqlite3
import time

import fault
from common import database, log


def turn() -> bool:
    """Work on the oldest job; tell whether there was one."""
    row = (
        database().execute("SELECT id, echo FROM jobs WHERE state = 'waiting' ORDER BY id LIMIT 1").fetchone()
    )
    if row is None:
        return False
    fault.work({"id": row[0], "echo": row[1]})
    database().execute("UPDATE jobs SET state = 'done', result = ? WHERE id = ?", (row[1].upper(), row[0]))
    return True


if __name__ == "__main__":
    fault.begin("worker")
    while True:
        try:
            busy = turn()
        except sqlite3.OperationalError as error:
            log("WARNING", f"a job has to wait: {error}")
            busy = False
        time.sleep(0.002 if busy else 0.05)

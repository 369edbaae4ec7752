"""Keep tasks that wait for a person, until standard input ends: ``keep_parked.py URL HOME COUNT begin|resume``.

Says ``parked SECONDS`` once all of them wait, counted from the launch of the engine; then answers each name of a
task on standard input with ``done SECONDS`` after having woken it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from keelway.engine.crew import Crew, this_worker
from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Conductor, Queue
from keelway.store.database import open_database, upgrade
from keelway.store.roster import open_roster

QUEUES = tuple(Queue(name) for name in ("plan", "dev", "review", "staging", "production", "rollback"))
WAIT_SECONDS_MAX = 300.0
BEAT_SECONDS, LEASE_SECONDS = 2.0, 10.0
POLL_SECONDS = 0.01


def open_engine(url: str, home: Path) -> DbosEngine:
    """Open the engine as Keelway does: alone on SQLite, as one of a crew on PostgreSQL."""
    if url.startswith("sqlite"):
        return DbosEngine(url, home)
    book = open_database(url)
    upgrade(book)
    book.dispose()
    return DbosEngine(url, home, Crew(this_worker(("all",)), open_roster(url), BEAT_SECONDS, LEASE_SECONDS))


def main() -> None:
    """Launch, park, and wake on request."""
    url, home, count, mode = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    waiting: set[str] = set()

    async def asks(conductor: Conductor, task: Any) -> Any:
        await conductor.step("ask", lambda: task)
        waiting.add(task)
        return await conductor.receive("answer", 86_400.0)

    began = time.monotonic()
    engine = open_engine(url, home)
    engine.launch({"asks": asks}, {}, QUEUES)
    for number in range(count if mode == "begin" else 0):
        engine.start("asks", f"task-{number}", f"task-{number}")
    while len(waiting) < count:
        if time.monotonic() - began > WAIT_SECONDS_MAX:
            raise SystemExit(f"only {len(waiting)} of {count} tasks wait")
        time.sleep(POLL_SECONDS)
    print(f"parked {time.monotonic() - began:.2f}", file=answers, flush=True)
    for name in sys.stdin:
        task = name.strip()
        asked = time.monotonic()
        engine.send(task, "answer", "yes")
        while engine.status(task) != "done" and time.monotonic() - asked < WAIT_SECONDS_MAX:
            time.sleep(POLL_SECONDS)
        print(f"{engine.status(task)} {time.monotonic() - asked:.3f}", file=answers, flush=True)
    engine.close()


if __name__ == "__main__":
    main()

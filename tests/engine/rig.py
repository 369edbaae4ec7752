"""Run workers in processes of their own and read what they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

CHILD = Path(__file__).parent / "crew_child.py"


class Line(NamedTuple):
    run: str
    step: str
    worker: str
    at: float


def until(condition, seconds=30.0, said=lambda: ""):
    """Wait for a condition and return the seconds that took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"the condition never held; {said()}"
        time.sleep(0.05)
    return time.monotonic() - begin


class Rig:
    """Hold a home, a database and the workers that were started on it."""

    def __init__(self, home, url):
        self.home, self.url = home, url
        self.database = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self.parents = []
        self.pids = []

    def start(self, workers, stories=None, beat=0.4, lease=3.0):
        """Start workers and wait until all of them work."""
        plan = {"workers": workers, "stories": stories or {}, "beat": beat, "lease": lease}
        (self.home / "pids").unlink(missing_ok=True)
        words = [sys.executable, str(CHILD), str(self.home), self.url, json.dumps(plan)]
        self.parents.append(subprocess.Popen(words, start_new_session=True))
        until((self.home / "pids").exists)
        pids = json.loads((self.home / "pids").read_text())
        until(lambda: all((self.home / f"ready-{pid}").exists() for pid in pids), said=self.said)
        self.pids += pids
        return pids

    def sql(self, statement, **values):
        with self.database.connect() as connection:
            return connection.execute(sa.text(statement), values).all()

    def ended(self):
        """Count stories by how they ended."""
        rows = self.sql("SELECT status, count(*) FROM dbos.workflow_status WHERE name = 'story' GROUP BY 1")
        return dict(map(tuple, rows))

    def lines(self):
        file = self.home / "effects"
        rows = file.read_text().splitlines() if file.exists() else []
        return [Line(run, step, worker, float(at)) for run, step, worker, at in map(str.split, rows)]

    def twice(self):
        """Return the effects that happened more than once."""
        counts = Counter((line.run, line.step) for line in self.lines())
        return {key: count for key, count in counts.items() if count > 1}

    def workers(self):
        return {pid: name for name, pid in self.sql("SELECT id, pid FROM keel_workers ORDER BY joined_at")}

    def said(self):
        file = self.home / "said"
        told = file.read_text()[-3_000:] if file.exists() else ""
        rows = "SELECT workflow_uuid, status, queue_name, executor_id FROM dbos.workflow_status LIMIT 20"
        return f"{told}{self.sql(rows)} {self.workers()}"

    def close(self):
        """End every worker that is left."""
        (self.home / "stop").touch()
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for parent in self.parents:
            try:
                parent.wait(20)
            except subprocess.TimeoutExpired:
                for pid in self.pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                parent.wait(20)
        self.database.dispose()

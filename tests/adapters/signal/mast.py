"""A real front with a past that a test has written for it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.adapters.target.process_rig import PYTHON, project_of

from keelway.adapters.signal.front import FrontSignal
from keelway.adapters.traffic.front import FrontTraffic
from keelway.clients.control import free_port
from keelway.core.model.project import Project

RATE = 10
TRACE = """Traceback (most recent call last):
  File "/usr/lib/python3.11/threading.py", line {line}, in run
    self.work()
  File "{root}/releases/production/{release}/tree/src/app/jobs.py", line {line}, in work
    {words}(job)
  File "{root}/releases/production/{release}/tree/src/app/{words}.py", line {line}, in {words}
    raise ValueError(job)
  File "{root}/releases/production/{release}/tree/.venv/lib/python3.11/site-packages/x.py", line 1, in x
ValueError: job {line} of 'ship {line}' failed
"""


def bounds() -> int:
    """Return how many latency buckets this version of the front has."""
    from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS

    return len(LATENCY_BOUNDS_MS) + 1


@dataclass
class FrontMast:
    """Serve as mast of the signal tests."""

    home: Path
    project: Project
    start: datetime
    environment: str = "production"

    @property
    def signal(self) -> FrontSignal:
        return FrontSignal(self.project, str(self.home))

    @property
    def log(self) -> Path:
        return self.home / "data/production/app.jsonl"

    def write(self, **event: object) -> None:
        with self.log.open("a") as file:
            file.write(json.dumps(event) + "\n")

    def log_error(self, at: datetime, words: str) -> None:
        trace = TRACE.format(line=at.second + 1, words=words, release="new", root=self.home)
        self.write(time=at.isoformat(), level="ERROR", message="job failed", release="new", traceback=trace)

    def close_log(self) -> None:
        self.log.unlink(missing_ok=True)
        self.log.mkdir()

    def clean(self) -> None:
        folder = self.home / "data/production"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def history(start: float) -> bytes:
    """Write 120 ticks of a second, ten of them missing, as a front leaves them on disk."""
    lines = [json.dumps({"version": 1, "tick_seconds": 1.0, "buckets": bounds()})]
    for second in range(120):
        if 80 <= second < 90:
            continue
        release, errors = ("old", 0) if second < 60 else ("new", 1)
        slow = {"8": RATE} if release == "old" else {"8": RATE - 2, "30": 2}
        tally = [RATE, errors, slow, {"/": [RATE, errors]}]
        entry = {"f": start + second, "at": start + second + 1, "r": {release: tally}}
        lines.append(json.dumps(entry, separators=(",", ":")))
    return "\n".join(lines).encode() + b"\n"


def totals() -> dict[str, object]:
    """Return the counters that belong to that history."""
    from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS

    latency = {"bounds_ms": list(LATENCY_BOUNDS_MS), "counts": [0] * (len(LATENCY_BOUNDS_MS) + 1)}
    releases = {
        "old": {"requests": 600, "s2xx": 600, "latency": latency},
        "new": {
            "requests": 500,
            "s2xx": 450,
            "s5xx": 40,
            "upstream_errors": 8,
            "timeouts": 2,
            "latency": latency,
        },
    }
    return {"releases": releases, "front": {"no_backend": 0, "rejected": 3}}


@contextmanager
def front_mast(root: Path) -> Iterator[FrontMast]:
    """Start a front on that past; nothing but it runs."""
    project = project_of((free_port(), free_port()))
    start = float(int(time.time()) - 600)
    home = root / "home"
    folder = home / "front/production"
    folder.mkdir(parents=True)
    (folder / "state.json.history").write_bytes(history(start))
    saved = {"version": 1, "starts": 1, "epoch": 1, "counters": totals()}
    (folder / "state.json.counters").write_text(json.dumps(saved))
    traffic = FrontTraffic(project, str(home), PYTHON)
    try:
        traffic.ensure("production")
        yield FrontMast(home, project, datetime.fromtimestamp(start, UTC))
    finally:
        traffic.stop("production", 1.0)

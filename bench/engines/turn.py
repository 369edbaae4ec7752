"""Let an engine take its turns: one order a line on standard input, one result a line on standard output.

Imports nothing but the standard library: the engines live in different virtual environments.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

STEPS = 10
"""Steps of one task; each notes the time and returns a small record."""

RunOne = Callable[[str], None]
"""Run the task of this name to its recorded end."""


class Stamps:
    """Note when each step of each task began."""

    def __init__(self) -> None:
        self._of: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def note(self, task: str, number: int) -> dict[str, int]:
        """Be the whole work of a step."""
        with self._lock:
            self._of.setdefault(task, []).append(time.perf_counter())
        return {"step": number}

    def gaps(self, task: str) -> list[float]:
        """Return the seconds from each step of a task to its next one."""
        times = self._of.pop(task)
        if len(times) != STEPS:
            raise SystemExit(f"{task} ran {len(times)} steps instead of {STEPS}")
        return [after - before for before, after in itertools.pairwise(times)]


class Turns:
    """Measure one engine, whenever it is asked to."""

    def __init__(self, run_one: RunOne, stamps: Stamps) -> None:
        self._run_one, self._stamps = run_one, stamps
        self._count = 0
        self._lock = threading.Lock()

    def _one(self) -> tuple[float, list[float]]:
        with self._lock:
            self._count += 1
            name = f"task-{self._count}"
        began = time.perf_counter()
        self._run_one(name)
        return time.perf_counter() - began, self._stamps.gaps(name)

    def _until(self, end: float) -> int:
        done = 0
        while not done or time.perf_counter() < end:
            self._one()
            done += 1
        return done

    def take(self, seconds: float, flight: int) -> dict[str, object]:
        """Run tasks one after the other, then ``flight`` at a time, each for so many seconds."""
        took: list[float] = []
        gaps: list[float] = []
        end = time.perf_counter() + seconds
        while not took or time.perf_counter() < end:
            whole, between = self._one()
            took.append(whole)
            gaps += between
        began = time.perf_counter()
        with ThreadPoolExecutor(flight) as pool:
            done = sum(pool.map(self._until, [began + seconds] * flight))
        rate = done / (time.perf_counter() - began)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"task_seconds": took, "step_seconds": gaps, "tasks_per_second": rate, "rss_mb": rss}


def serve(run_one: RunOne, stamps: Stamps) -> None:
    """Answer orders until standard input ends; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    turns = Turns(run_one, stamps)
    turns.take(0.0, 1)  # the first task of a process pays for imports and connections
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(turns.take(**json.loads(line))), file=answers, flush=True)

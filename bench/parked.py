"""What tasks cost that wait for a person, and how long it takes to take them up again after ``kill -9``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

CHILD = Path(__file__).parent / "engines" / "keep_parked.py"
SETTLE_SECONDS, SAMPLE_SECONDS = 2.0, 8.0
WOKEN = 10


@contextmanager
def keeper(url: str, home: Path, count: int, mode: str) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """Start an engine that keeps the tasks; give the process and its seconds until all of them wait."""
    with (home / "keeper.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, str(CHILD), url, str(home), str(count), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        if words[:1] != ["parked"]:
            raise RuntimeError(f"the tasks were not parked: {(home / 'keeper.log').read_text()[-1_000:]}")
        yield process, float(words[1])
    finally:
        process.kill()
        process.wait(20)


def idle(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Return the percentage of a core that a process takes while nothing happens, and its resident megabytes."""
    watched = psutil.Process(process.pid)
    time.sleep(SETTLE_SECONDS)
    before, began = watched.cpu_times(), time.monotonic()
    time.sleep(SAMPLE_SECONDS)
    after = watched.cpu_times()
    used = after.user + after.system - before.user - before.system
    return 100 * used / (time.monotonic() - began), watched.memory_info().rss / 2**20


def wake(process: subprocess.Popen[str], tasks: list[str]) -> tuple[list[float], int]:
    """Answer some tasks one after the other; return the seconds of each, and how many did not finish."""
    assert process.stdin is not None
    assert process.stdout is not None
    took, lost = [], 0
    for task in tasks:
        print(task, file=process.stdin, flush=True)
        status, seconds = process.stdout.readline().split()
        took.append(float(seconds))
        lost += status != "done"
    return took, lost


def measure(url: str, home: Path, count: int) -> dict[str, Any]:
    """Park ``count`` tasks, look at the idle process, kill it, and take the tasks up again."""
    home.mkdir()
    with keeper(url, home, count, "begin") as (process, begun):
        share, rss = idle(process)
    with keeper(url, home, count, "resume") as (process, resumed):
        took, lost = wake(process, [f"task-{number}" for number in range(0, count, max(1, count // WOKEN))])
    return {
        "parked": count,
        "start_seconds": round(begun, 1),
        "idle_percent_of_one_core": round(share, 1),
        "resident_mb": round(rss),
        "all_waiting_again_after_kill_seconds": round(resumed, 1),
        "from_an_answer_to_the_recorded_end_seconds": round(statistics.median(took), 2),
        "lost": lost,
    }

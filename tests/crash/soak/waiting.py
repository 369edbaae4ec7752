"""Let many tasks wait for an approval in a whole Keelway, measure it, kill it and look again: ``waiting.py TEMPLATE FOLDER TASKS STORE``."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from tests.crash.control import begun, forked
from tests.crash.plane import Plane, Setting
from tests.crash.soak.cast import Cast
from tests.crash.soak.tend import TRUSTING, submit

from keelway.core.model.lifecycle import CLOSED
from keelway.core.model.task import OWNER

SECONDS_MAX, IDLE_SECONDS, ANSWERED = 2_400.0, 15.0, 5
MEGABYTE = 1024 * 1024


def gather(folder: Path, count: int) -> None:
    """Submit so many tasks and stay until all wait for an answer; then sit still to be measured and killed."""
    plane = _plane(folder, count)
    submit(plane, ["question"] * count)
    _sit(plane, folder, count, time.monotonic())


def again(folder: Path, count: int) -> None:
    """Take everything up after the kill, sit still once more, and let a few go on."""
    began = time.monotonic()
    plane = _plane(folder, count)
    plane.commands.resubmit_unstarted()
    _sit(plane, folder, count, began)
    some = [row.task.id for row in plane.ledger.tasks()][:ANSWERED]
    for task in some:
        plane.commands.reject(task, OWNER)
    _until(lambda: all(plane.ledger.find(task).status in CLOSED for task in some))
    _write(folder, {"answered": len(some), "still_waiting": _waiting(plane)})


def _plane(folder: Path, count: int) -> Plane:
    return Plane(Setting(folder, Cast(["question"] * count), policy=TRUSTING, counted=False))


def _sit(plane: Plane, folder: Path, count: int, began: float) -> None:
    _until(lambda: _waiting(plane) == count)
    tasks = [row.task.id for row in plane.ledger.tasks(limit=2 * count)]
    _until(lambda: all(plane.engine.status(task) == "running" for task in tasks))
    running = len(tasks)
    seconds = time.monotonic() - began
    time.sleep(2.0)
    before = time.process_time()
    time.sleep(IDLE_SECONDS)
    share = (time.process_time() - before) / IDLE_SECONDS
    megabytes = psutil.Process().memory_info().rss / MEGABYTE
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"waiting": _waiting(plane), "running": running, "ready_seconds": round(seconds, 1)}
    _write(
        folder, {**figures, "core_share": round(share, 3), "megabytes": round(megabytes), "peak": round(peak)}
    )


def _waiting(plane: Plane) -> int:
    return len(plane.ledger.questions())


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("not reached")
        time.sleep(0.5)


def _write(folder: Path, figures: dict[str, Any]) -> None:
    with (folder / "figures").open("a") as file:
        file.write(f"{json.dumps(figures)}\n")


def main(words: list[str]) -> None:
    """Gather, kill, and look again."""
    template, folder, count, store = words[0], Path(words[1]), int(words[2]), words[3]
    shutil.copytree(template, folder, dirs_exist_ok=True)
    if store != "-":
        (folder / "store").write_text(store)
    child = begun(folder, _gather_and_stay, count)
    while not (folder / "figures").exists() and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), forked(folder, again, count)]
    (folder / "codes.json").write_text(json.dumps(codes))


def _gather_and_stay(folder: Path, count: int) -> None:
    gather(folder, count)
    time.sleep(SECONDS_MAX)


if __name__ == "__main__":
    main(sys.argv[1:])

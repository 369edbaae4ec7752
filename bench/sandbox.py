"""What a sandbox costs per command, beside the same command without one; rounds are interleaved."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from keelway.clients.cage import NAMES, Inside, Settings, choose_cage
from keelway.core.errors import KeelwayError

COMMAND = ("/bin/true",)
PATH = {"PATH": "/usr/bin:/bin"}


def timed(argv: tuple[str, ...], env: dict[str, str], cwd: str) -> float:
    """Return the seconds of one process."""
    began = time.perf_counter()
    subprocess.run(argv, env=env, cwd=cwd, check=True)  # a bound of time would make it wait in steps
    return time.perf_counter() - began


def caged(name: str, folder: Path) -> Callable[[], tuple[float, float]] | None:
    """Return what runs the command once in a cage: seconds of the process, and of preparing and undoing."""
    try:
        cage = choose_cage(name, Settings())
        works = cage.facts().works
    except KeelwayError:
        return None
    if not works:
        return None
    home = folder / name
    home.mkdir()

    def once() -> tuple[float, float]:
        inside = Inside(COMMAND, PATH, str(folder / "workspace"), str(home), str(folder / "workspace"))
        began = time.perf_counter()
        outside = cage.wrap(inside)
        seconds = timed(outside.argv, dict(outside.env), outside.cwd)
        cage.release(inside)
        return seconds, time.perf_counter() - began - seconds

    return once


def main() -> None:
    """Time every cage that works here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--files", type=int, default=2000, help="how many files the workspace has")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        (folder / "workspace").mkdir()
        for number in range(options.files):
            (folder / "workspace" / str(number)).write_text("x")
        runs: dict[str, Callable[[], tuple[float, float]]] = {
            "no sandbox, started by us": lambda: (timed(COMMAND, PATH, place), 0.0)
        }
        runs |= {name: run for name in NAMES[1:] if (run := caged(name, folder))}
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(options.rounds + 1):
            for name, run in runs.items():
                took[name].append(run())
    report = {name: summary(found[1:]) for name, found in took.items()}
    if options.json:
        print(json.dumps(report))
        return
    print(f"sandbox, a command that does nothing in a workspace of {options.files} files, milliseconds")
    print(f"  {'':28} {'best':>8} {'median':>8} {'p90':>8} {'around':>8}")
    for name, row in report.items():
        print(f"  {name:28} {row['best']:8.1f} {row['median']:8.1f} {row['p90']:8.1f} {row['around']:8.1f}")


def summary(found: list[tuple[float, float]]) -> dict[str, float]:
    """Return best, median and 90th percentile of the process, and the median around it, in milliseconds."""
    process = [seconds * 1000 for seconds, _ in found]
    return {
        "best": min(process),
        "median": statistics.median(process),
        "p90": statistics.quantiles(process, n=10)[-1] if len(process) > 1 else process[0],
        "around": statistics.median([seconds * 1000 for _, seconds in found]),
    }


if __name__ == "__main__":
    main()

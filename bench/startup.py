"""How long a person waits for `keelway --help` and `keelway status`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEELWAY = str(Path(sys.executable).parent / "keelway")


def timed(argv: list[str], rounds: int, cwd: str, env: dict[str, str]) -> float:
    """Return the median seconds of a command."""
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False, timeout=60)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def main() -> None:
    """Time both commands beside an empty interpreter, in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "KEELWAY_HOME": f"{folder}/home"}
        report = {
            "python -c pass": timed([sys.executable, "-c", "pass"], options.rounds, folder, env),
            "keelway --help": timed([KEELWAY, "--help"], options.rounds, folder, env),
            "keelway status": timed([KEELWAY, "status"], options.rounds, folder, env),
        }
    if options.json:
        print(json.dumps(report))
        return
    print("start-up, median seconds of a whole process")
    for name, seconds in report.items():
        print(f"  {name:32} {seconds:.3f}")


if __name__ == "__main__":
    main()

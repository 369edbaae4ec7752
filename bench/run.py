"""Run every benchmark in one go; ratios in one run count, single figures on a busy machine do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = (
    ("task.py", []),
    ("front.py", ["--seconds", "5"]),
    ("startup.py", []),
    ("verdict.py", ["--traces", "100"]),
)


def main() -> int:
    """Run the benchmarks one after the other; return 1 when one of them failed."""
    worst = 0
    for name, arguments in BENCHES:
        done = subprocess.run([sys.executable, str(HERE / name), *arguments, *sys.argv[1:]], check=False)
        worst = max(worst, done.returncode)
        print()
    return min(worst, 1)


if __name__ == "__main__":
    sys.exit(main())

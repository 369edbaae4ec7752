"""Run every benchmark in one go; ratios in one run count, single figures on a busy machine do not.

``--peers`` measures other engines beside ours, which it installs apart; everything else is passed on to each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PEERS = "--peers"
BENCHES = (
    ("task.py", []),
    ("front.py", ["--seconds", "5"]),
    ("gateway.py", []),
    ("startup.py", []),
    ("sandbox.py", []),
    ("verdict.py", ["--traces", "20"]),
    ("durable.py", []),
    ("rollback.py", []),
)


def main() -> int:
    """Run the benchmarks one after the other; return 1 when one of them failed."""
    worst = 0
    passed_on = [word for word in sys.argv[1:] if word != PEERS]
    for name, arguments in BENCHES:
        with_peers = [PEERS] if name == "durable.py" and PEERS in sys.argv else []
        argv = [sys.executable, str(HERE / name), *arguments, *with_peers, *passed_on]
        worst = max(worst, subprocess.run(argv, check=False).returncode)
        print()
    return min(worst, 1)


if __name__ == "__main__":
    sys.exit(main())

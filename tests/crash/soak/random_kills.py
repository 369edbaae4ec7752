"""Kill control planes at random instants until all of their tasks have ended: ``random_kills.py TEMPLATE FOLDER SEED TASKS KILLS STORE``.

The seed decides the tasks and the instants. What came of it is in FOLDER/soak.json.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.crash.control import begun
from tests.crash.soak.cast import drawn
from tests.crash.soak.tend import tend

LIFE_SECONDS = (0.3, 4.0)
"""How long a process lives that is killed."""


def soak(folder: Path, seed: int, count: int, kills_max: int) -> dict[str, object]:
    """Kill at random instants, then let the last process live to the end."""
    dice, kinds = random.Random(seed), drawn(seed, count)
    killed, began, code = 0, time.monotonic(), -signal.SIGKILL
    while code == -signal.SIGKILL:
        child = begun(folder, tend, kinds, seed)
        end = time.monotonic() + dice.uniform(*LIFE_SECONDS) if killed < kills_max else float("inf")
        while not (over := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                over = os.waitpid(child, 0)
                break
            time.sleep(0.01)
        code = os.waitstatus_to_exitcode(over[1])
        killed += code == -signal.SIGKILL
    return {"seed": seed, "tasks": count, "kills": killed, "code": code, "seconds": time.monotonic() - began}


def main(words: list[str]) -> None:
    """Soak one folder."""
    template, folder, (seed, count, kills), store = words[0], Path(words[1]), map(int, words[2:5]), words[5]
    shutil.copytree(template, folder, dirs_exist_ok=True)
    if store != "-":
        (folder / "store").write_text(store)
    (folder / "soak.json").write_text(json.dumps(soak(folder, seed, count, kills)))


if __name__ == "__main__":
    main(sys.argv[1:])

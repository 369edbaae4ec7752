"""Make the states from which lives begin, and live many lives in a few processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import psycopg
from tests.crash.points.catalogue import MILESTONES, START
from tests.postgres import Cluster

CONTROL, ROOT = Path(__file__).parents[1] / "control.py", Path(__file__).parents[3]
PROCESSES = 3
"""Lives at a time: half of a life is waiting."""

LIVES_PER_PROCESS = 5
"""To import everything costs as much as a third of a life."""

CLONE_SECONDS_MAX = 10.0
_numbers = count(1)

Life = tuple[str, str, str]
"""An act, the milestone where it begins, and its points separated by spaces."""


@dataclass
class Ground:
    """Keep folders, and the databases that belong to them when they are on PostgreSQL."""

    root: Path
    cluster: Cluster | None = None
    states: dict[tuple[str, str], Path] = field(default_factory=dict)
    """Prepared folders by act and milestone."""
    _databases: dict[Path, str] = field(default_factory=dict)

    def prepare(self, acts: set[str]) -> None:
        """Bring the first release up once, and live each act once through its milestones."""
        first = self.root / "first"
        first.mkdir(parents=True)
        control("prepare", str(first), self.address(first, None))
        self.states = {(act, START): first for act in ("b", "c")}
        for act in acts:
            before = first
            for run, point in MILESTONES[act].items():
                kept = self.root / f"{act}-{run}"
                control(*self.words(before, kept, act, f"{point} ."))
                ends = json.loads((kept / "ends.json").read_text())[0]
                assert ends == [-9], (act, run, ends, (kept / "stderr").read_text()[-2_000:])
                before = self.states[act, run] = kept

    def words(self, template: Path, folder: Path, act: str, points: str) -> list[str]:
        """Return what ``control.py`` has to know of a life; its database is cloned now."""
        joined = " ".join(points.split() + ["."] * ("!" in points))  # who is only hurt lives to the end
        return [str(template), str(folder), act, joined, self.address(folder, template)]

    def live(self, lives: list[Life]) -> dict[Life, Path]:
        """Live all lives and return the folder of each."""
        made = {life: self.root / f"life{next(_numbers)}" for life in lives}

        words = [
            self.words(self.states[act, begin], folder, act, points)
            for (act, begin, points), folder in made.items()
        ]
        shares = [
            words[start : start + LIVES_PER_PROCESS] for start in range(0, len(words), LIVES_PER_PROCESS)
        ]
        with ThreadPoolExecutor(PROCESSES) as pool:
            list(pool.map(lambda share: control(*chain.from_iterable(share)), shares))
        return made

    def address(self, folder: Path, template: Path | None) -> str:
        """Return the address of a fresh database for a folder, cloned from that of a template, or ``-``."""
        if self.cluster is None:
            return "-"
        name = self._databases[folder] = f"crash_{os.getpid()}_{next(_numbers)}"
        source = f" template {self._databases[template]}" if template else ""
        deadline = time.monotonic() + CLONE_SECONDS_MAX
        while True:
            try:
                self.cluster.sql(f"create database {name}{source}")
            except psycopg.errors.ObjectInUse:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # the sessions of who was killed are just ending
            else:
                return self.cluster.url(name)


def control(*words: str) -> None:
    """Run ``control.py`` to its end."""
    run_program(CONTROL, *words)


def run_program(program: Path, *words: str) -> None:
    """Run one of these programs to its end."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, str(program), *words],
        timeout=3_000,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr


def end_of(folder: Path) -> dict[str, Any]:
    """Read how a life ended."""
    said = folder / "stderr"
    assert (folder / "end.json").exists(), said.read_text()[-3_000:] if said.exists() else "it said nothing"
    end: dict[str, Any] = json.loads((folder / "end.json").read_text())
    return end

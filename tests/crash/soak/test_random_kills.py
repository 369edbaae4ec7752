"""Mixed tasks side by side, their control plane killed at random instants: none is lost, doubled or stuck."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.crash.points.ground import Ground, run_program

PROGRAM = Path(__file__).parent / "random_kills.py"
TASKS, KILLS_EACH, PROCESSES = 5, 25, 3
KILLS = int(os.environ.get("KEELWAY_SOAK_KILLS", "200"))
"""Kills of all soaks together; each soak kills one control plane ``KILLS_EACH`` times at most."""


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_nothing_is_lost_doubled_or_stuck(tmp_path, request, record_property):
    """Take SQLite and PostgreSQL in turn, until enough processes were killed."""
    cluster = request.getfixturevalue("postgres_cluster")
    grounds = [Ground(tmp_path / "sqlite"), Ground(tmp_path / "postgresql", cluster)]
    for ground in grounds:
        ground.prepare(set())
    killed, seed, wrong = 0, int(os.environ.get("KEELWAY_SOAK_SEED", "0")), {}
    with ThreadPoolExecutor(PROCESSES) as pool:
        while killed < KILLS:
            seeds = range(seed + 1, seed + 1 + min(PROCESSES, -(-(KILLS - killed) // KILLS_EACH)))
            for one, said in pool.map(lambda seed: soaked(grounds[seed % 2], seed), seeds):
                killed += int(one["kills"])
                store = "postgresql" if one["seed"] % 2 else "sqlite"
                record_property(
                    "disturbed at",
                    f"{store} | seed {one['seed']} | {one['kills']} | {one['seconds']:.0f} s | {said}",
                )
                print(one, said, flush=True)
                if one["code"] or said.get("wrong"):
                    wrong[one["seed"]] = (one, said)
            seed = seeds[-1]
    assert wrong == {}
    assert killed >= KILLS


def soaked(ground: Ground, seed: int) -> tuple[dict[str, object], dict[str, object]]:
    """Soak one control plane and return its figures and what it said of the end."""
    folder = ground.root / f"soak{seed}"
    template = ground.states["b", ""]
    run_program(
        PROGRAM,
        str(template),
        str(folder),
        str(seed),
        str(TASKS),
        str(KILLS_EACH),
        ground.address(folder, template),
    )
    one = json.loads((folder / "soak.json").read_text())
    end = folder / "end.json"
    stderr = (folder / "stderr").read_text()[-2_000:]
    return one, json.loads(end.read_text()) if end.exists() else {"wrong": ["no end", stderr]}

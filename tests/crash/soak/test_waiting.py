"""Tasks that wait for a person cost next to nothing, and a kill loses none of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.crash.points.ground import Ground, run_program

PROGRAM = Path(__file__).parent / "waiting.py"
WAITING = int(os.environ.get("KEELWAY_SOAK_WAITING", "1000"))
MEGABYTES_MAX = 250


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_thousand_tasks_wait_and_survive_a_kill(store, tmp_path, request, record_property):
    cluster = request.getfixturevalue("postgres_cluster") if store == "postgresql" else None
    ground = Ground(tmp_path, cluster)
    ground.prepare(set())
    template, folder = ground.states["b", ""], tmp_path / "waiting"
    run_program(PROGRAM, str(template), str(folder), str(WAITING), ground.address(folder, template))
    assert json.loads((folder / "codes.json").read_text()) == [-9, 0], (folder / "stderr").read_text()[
        -2_000:
    ]
    first, again, after = map(json.loads, (folder / "figures").read_text().splitlines())
    record_property(
        "disturbed at", f"{store} | {WAITING} waiting | 1 | {again['ready_seconds']} s | {first} {again}"
    )
    assert first["waiting"] == again["waiting"] == again["running"] == WAITING
    assert after == {"answered": 5, "still_waiting": WAITING - 5}
    assert max(first["megabytes"], again["megabytes"]) < MEGABYTES_MAX

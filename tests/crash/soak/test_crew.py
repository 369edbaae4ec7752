"""Whole tasks on three workers and PostgreSQL: one worker is killed, and the others finish what it began."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.crash.points.ground import Ground, run_program

PROGRAM = Path(__file__).parent / "crew.py"
TASKS = 4
TAKE_OVER_SECONDS_MAX = 30.0


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tasks_of_a_killed_worker_go_on_within_half_a_minute(tmp_path, postgres_cluster, record_property):
    ground = Ground(tmp_path, postgres_cluster)
    ground.prepare(set())
    template, folder = ground.states["b", ""], tmp_path / "crew"
    run_program(PROGRAM, str(template), str(folder), "7", str(TASKS), ground.address(folder, template))
    said = json.loads((folder / "crew.json").read_text())
    end = json.loads((folder / "end.json").read_text())
    record_property(
        "disturbed at", f"postgresql | 3 workers | 1 | {said['seconds']:.0f} s | {said} {end['ends']}"
    )
    assert said["left_behind"] > 0, "the killed worker had nothing under way"
    assert said["taken_over_seconds"] < TAKE_OVER_SECONDS_MAX
    assert said["codes"] == [-9, 0, 0]
    assert end["wrong"] == []

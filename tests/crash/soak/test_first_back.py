"""A way back that was interrupted goes on before any other task does anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.crash.points.ground import Ground, run_program

PROGRAM = Path(__file__).parent / "first_back.py"
OTHERS = 20
POINTS = (
    "production-1/step.gate:production:after",
    "unwind-1/step.begin:after",
    "unwind-1/forge.revert:before",
)
"""Right after the verdict; when the run that undoes begins; in the middle of it."""


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
@pytest.mark.parametrize("point", POINTS)
def test_the_way_back_acts_first(point, store, tmp_path, request, record_property):
    cluster = request.getfixturevalue("postgres_cluster") if store == "postgresql" else None
    ground = Ground(tmp_path, cluster)
    ground.prepare(set())
    template, folder = ground.states["b", ""], tmp_path / "back"
    run_program(PROGRAM, str(template), str(folder), point, str(OTHERS), ground.address(folder, template))
    assert json.loads((folder / "codes.json").read_text()) == [-9, 0], (folder / "stderr").read_text()[
        -2_000:
    ]
    said = json.loads((folder / "order.json").read_text())
    record_property("disturbed at", f"{store} | c and {OTHERS} others | 1 | - | {point}: {said}")
    assert said["tasks"] == OTHERS + 1
    assert said["first_is_back"]
    assert said["end"] == "rolled_back"

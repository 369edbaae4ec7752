"""A thousand stories that wait for a person: what they cost, and that a kill loses none of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine.rig import until

CHILD = Path(__file__).parent / "park_child.py"
RESIDENT_MB_MAX, CORE_SHARE_MAX = 250, 0.15
MEASURE_SECONDS = 20
RUNS = 1000


def _live(home, url, count):
    words = [sys.executable, str(CHILD), str(home), url, str(count), str(MEASURE_SECONDS)]
    child = subprocess.Popen(words)
    told = home / f"parked-{count}.json"
    try:
        until(lambda: told.exists() or child.poll() is not None, 280)
        assert told.exists()
    finally:
        child.kill()
        child.wait(30)
    return json.loads(told.read_text())


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_thousand_wait_cheaply_and_survive_a_kill(kind, tmp_path, request):
    url = request.getfixturevalue("crew_url") if kind == "postgresql" else f"sqlite:///{tmp_path}/engine.db"
    parked = _live(tmp_path, url, RUNS)
    print(kind, {name: round(value, 3) for name, value in parked.items()})
    woken = _live(tmp_path, url, 0)
    seconds = {name: round(value, 1) for name, value in woken.items() if name != "results"}
    print(kind, "after the kill", seconds)
    assert woken["results"] == list(range(0, RUNS, 37))
    assert parked["resident_mb"] < RESIDENT_MB_MAX
    assert parked["core_share"] < CORE_SHARE_MAX

"""Kill the process of the durable engine at every kind of point; the next one ends as if nothing had been."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Queue

pytestmark = pytest.mark.long

CHILD = Path(__file__).parent / "crash_child.py"

STEPS = ["plan", "make", "test", "merge", "watch"]
POINTS = [
    "started",
    "after plan",
    "story parked",
    "answer sent",
    "answer received",
    "stage begun",
    "before make",
    "after make",
    "stage asleep",
    "after test",
    "stage ending",
    "stage ended",
    "watch enqueued",
    "watch delayed",
    "before merge",
    "after merge",
    "story ending",
    "watch begun",
    "after watch",
]


def _live(pairs: list[tuple[Path, str]]) -> None:
    words = [word for home, point in pairs for word in (str(home), point)]
    subprocess.run([sys.executable, str(CHILD), *words], timeout=110, check=True)


@pytest.fixture(scope="module")
def homes(request, tmp_path_factory):
    """What the two lives of every chosen point left behind; two points live at a time."""
    wanted = {item.callspec.params["point"] for item in request.session.items if item.path == request.path}
    template = tmp_path_factory.mktemp("template")
    engine = DbosEngine(f"sqlite:///{template}/engine.db", template)
    engine.launch({}, {}, (Queue("dev", 1),))
    engine.close()
    made = {point: tmp_path_factory.mktemp(point.replace(" ", "-")) for point in POINTS if point in wanted}
    for home in made.values():
        shutil.copy(template / "engine.db", home)
        (home / "armed").touch()
    pairs = [(home, point) for point, home in made.items()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_live, [pairs[::2], pairs[1::2]]))
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=pytest.mark.soak if number % 2 else ())
        for number, point in enumerate(POINTS)
    ],
)
def test_kill_at(point, homes):
    home = homes[point]
    said = (home / "stderr").read_text()
    assert json.loads((home / "ends.json").read_text()) == [-9, 0], said
    story = ["plan", "yes", [{"n": 1}, "make", "test"], "merge"]
    assert json.loads((home / "results.json").read_text()) == [story, "watch"]
    effects = (home / "effects").read_text().split()
    in_flight = [point.removeprefix("after ")] if point.startswith("after ") else []
    assert sorted(effects) == sorted(STEPS + in_flight)
    assert "Traceback" not in said

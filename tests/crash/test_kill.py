"""A real process on real git and the durable engine is killed at named points; the next one ends the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

CONTROL, ROOT = Path(__file__).parent / "control.py", Path(__file__).parents[2]
PROCESSES = 3
"""Lives at a time: half of a life is waiting."""

LIVES: tuple[tuple[str, str], ...] = (
    ("b", ""),
    ("c", ""),
    ("b", "forge.open_issue:before forge.open_issue:after agent.work:after:2"),
    (
        "b",
        "sandbox.collect:before sandbox.collect:after ledger.ask:after notifier.tell:before notifier.tell:after",
    ),
    ("b", "people.decide:before people.decide:after forge.open_pull:before forge.open_pull:after"),
    ("b", "forge.comment:after forge.merge:before forge.merge:after target.build:before target.build:after"),
    ("b", "backup.take:before backup.take:after ledger.save_deployment:before ledger.save_deployment:after"),
    ("b", "target.migrate:before target.migrate:after target.start:before target.start:after"),
    (
        "b",
        "target.switch:before target.switch:after target.swap_workers:after signal.ticks(staging):before:2",
    ),
    (
        "b",
        "forge.merge:before:2 forge.merge:after target.migrate(production):after target.switch(production):after",
    ),
    (
        "b",
        "signal.ticks(production):before:2 signal.ticks(production):after forge.tag:before forge.tag:after",
    ),
    ("b", "forge.close_issue:before forge.close_issue:after target.retire:before target.retire:after"),
    ("b", "ledger.record:before:40 ledger.record:after:40 ledger.move:before:2 ledger.move:after"),
    (
        "c",
        "signal.ticks(production):after:2 target.switch(production):before target.switch(production):after",
    ),
    ("c", "target.swap_workers(production):after:2 ledger.quarantine:before ledger.quarantine:after"),
    ("c", "forge.revert:before forge.revert:after forge.revert:after ledger.open_incident:before"),
    ("c", "ledger.open_incident:after notifier.tell:before notifier.tell:after"),
)
"""Each life is killed at its points in turn, counted anew in every process; the last process lives to the end."""

QUICK = (0, 1, 9)
"""Lives of every test run; the others are part of ``make soak``."""


def points_of(life: tuple[str, str]) -> list[str]:
    """List the points at which a life is killed."""
    return life[1].split()


def _run(*words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(CONTROL), *words],
        timeout=1_500,
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folders(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    """Live every life that was chosen, and the two that nobody kills; what each left is in its folder."""
    chosen = {("b", ""), ("c", "")}
    chosen |= {item.callspec.params["life"] for item in request.session.items if "life" in _params(item)}
    template = tmp_path_factory.mktemp("template")
    _run("prepare", str(template))
    made = {life: tmp_path_factory.mktemp(f"life{number}") for number, life in enumerate(sorted(chosen))}
    words = [[str(folder), life[0], ",".join(points_of(life))] for life, folder in made.items()]
    with ThreadPoolExecutor(PROCESSES) as pool:
        shares = [words[start::PROCESSES] for start in range(PROCESSES)]
        list(pool.map(lambda share: _run(str(template), *chain.from_iterable(share)), shares))
    return made


def _params(item: Any) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _end(folder: Path) -> dict[str, Any]:
    assert (folder / "end.json").exists(), (folder / "stderr").read_text()[-3_000:]
    end: dict[str, Any] = json.loads((folder / "end.json").read_text())
    return end


@pytest.mark.slow
@pytest.mark.timeout(1_600)
@pytest.mark.parametrize(
    "life",
    [
        pytest.param(life, marks=() if number in QUICK else pytest.mark.soak)
        for number, life in enumerate(LIVES)
    ],
    ids=lambda life: f"{life[0]}: {life[1] or 'nobody kills it'}",
)
def test_a_killed_life_ends_like_one_that_nobody_killed(life, folders, record_property):
    folder = folders[life]
    ends, seconds = json.loads((folder / "ends.json").read_text())
    said = (folder / "stderr").read_text()[-3_000:]
    assert ends == [-9] * len(points_of(life)) + [0], said
    record_property("killed at", f"{life[0]} | {len(points_of(life))} | {seconds:.1f} s | {life[1]}")
    expected, seen = _end(folders[life[0], ""]), _end(folder)
    different = {name: (expected[name], seen[name]) for name in expected if expected[name] != seen[name]}
    assert different == {}
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_acts_did_what_they_are_about(folders):
    good, bad = _end(folders["b", ""]), _end(folders["c", ""])
    assert good["task"][:3] == ["deployed", "", 2]
    assert [name for name, _ in good["tags"]] == ["v0.1.0"]
    assert good["environments"]["production"][2] == 2, "the schema is the migrated one"
    assert bad["task"][:2] == ["rolled_back", "numbers_bad"]
    assert len(bad["quarantine"]) == 2
    assert bad["environments"]["production"][0] == "r-<first>"
    for end in (good, bad):
        assert end["chain broken at"] is None
        assert end["workspaces"] == []
        assert all(end["leases"].values())


def test_enough_points_are_named():
    points = {(life[0], point) for life in LIVES for point in points_of(life)}
    assert len(points) >= 20

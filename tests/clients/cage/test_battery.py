"""The battery against real cages; and against none, where it has to get through."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from keelway.clients.cage import Settings, choose_cage
from keelway.clients.cage.start import program
from keelway.clients.shell import Command, run
from keelway.clients.trial import Subject, try_cage
from keelway.core.cage.attack import ATTACKS, Outcome, Trial, judge_trial

UID = 61_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def tried(name: str) -> Trial:
    cage = choose_cage(name, Settings(uid=UID))
    facts = cage.facts()
    if not facts.works:
        pytest.skip(f"{name} does not work here: {facts.missing}")
    said: list[str] = []
    seen = try_cage(Subject(cage, UID if os.geteuid() == 0 else 0), said.append)
    assert any("without a cage" in text for text in said)
    return judge_trial(cage.name, seen.fenced, seen.control, seen.trouble)


def left_behind() -> set[Path]:
    return {path for place in ("/tmp", "/dev/shm") for path in Path(place).glob("keelway-*")}


def names(trial: Trial, outcome: Outcome) -> set[str]:
    return {row.attack.name for row in trial.rows if row.outcome is outcome}


def test_without_a_cage_the_battery_gets_through_and_leaves_nothing_behind():
    before = left_behind()
    trial = tried("none")
    assert left_behind() <= before
    assert "keelway-trial-" not in Path("/proc/self/mountinfo").read_text()
    assert not trial.passed
    escaped = names(trial, Outcome.ESCAPED)
    assert {attack.name for attack in ATTACKS if attack.vital} - {"environment", "left_open"} <= escaped
    assert len(escaped) > len(ATTACKS) / 2


def test_landlock_lets_nothing_through_but_its_known_gaps():
    trial = tried("landlock")
    assert trial.passed, trial.sentence
    assert names(trial, Outcome.ESCAPED) == set()
    assert names(trial, Outcome.KNOWN_GAP) == {"alter_mode", "proc_list", "outlive"}
    assert trial.count(Outcome.BLOCKED) > len(ATTACKS) / 2


def test_the_battery_knows_every_attack_by_its_name(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    script = (
        f"import sys; sys.path.insert(0, {str(program('attack/battery')).split('/keelway/')[0]!r});"
        "from keelway.programs.cage.attack.battery import ATTACKS; import json; print(json.dumps([*ATTACKS]))"
    )
    done = run(Command(("/usr/bin/env", "python3", "-c", script), "/", {"PATH": os.environ["PATH"]}, 20.0))
    assert json.loads(done.stdout) == [attack.name for attack in ATTACKS]

"""The battery against real cages, on a host of root and on one of an ordinary user; and against none, where it
has to get through.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keelway.clients.cage.start import program
from keelway.clients.shell import Command, run
from keelway.core.cage.attack import ATTACKS, Attack, Judged, Outcome, Trial
from keelway.core.codec import from_json

from .attacking import attacked
from .conftest import HOSTS, PATH, SOMEBODY, foreign_python

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(300)]

Host = Callable[[str], Trial]


@pytest.fixture
def ground() -> Iterator[Path]:
    """Return a folder that every user may use, in which trials have their yards."""
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, ground: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Return what attacks a cage, once for each kind of host."""
    if request.param == "as ourselves":
        monkeypatch.setattr(tempfile, "tempdir", str(ground))
        return attacked
    python = foreign_python()
    if not python or not shutil.which("setpriv"):
        pytest.skip("no python3 that every user can run, or no setpriv: apt-get install python3 util-linux")
    library = request.getfixturevalue("foreign_library")
    shutil.copy(Path(__file__).with_name("attacking.py"), library)

    def elsewhere(name: str) -> Trial:
        become = (
            "setpriv",
            f"--reuid={SOMEBODY}",
            f"--regid={SOMEBODY}",
            "--clear-groups",
            "--inh-caps=-all",
        )
        done = subprocess.run(
            [*become, python, str(library / "attacking.py"), name],
            capture_output=True,
            env={
                "PATH": PATH,
                "PYTHONPATH": str(library),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(ground),
            },
            cwd="/",
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return from_json(Trial, json.loads(done.stdout))

    return elsewhere


def names(trial: Trial, outcome: Outcome) -> set[str]:
    return {row.attack.name for row in trial.rows if row.outcome is outcome}


def insist_it_works(trial: Trial) -> None:
    if not trial.rows:
        pytest.skip(f"{trial.cage} {trial.sentence}")


def test_without_a_cage_the_battery_gets_through_and_leaves_nothing_behind(host, ground):
    trial = host("none")
    assert list(ground.iterdir()) == []
    assert str(ground) not in Path("/proc/self/mountinfo").read_text()
    assert not trial.passed
    escaped = names(trial, Outcome.ESCAPED)
    assert {attack.name for attack in ATTACKS if attack.vital} - {"environment", "left_open"} <= escaped
    assert len(escaped) > len(ATTACKS) / 2


def test_bubblewrap_lets_nothing_through(host):
    trial = host("bubblewrap")
    insist_it_works(trial)
    assert trial.passed, trial.sentence
    assert names(trial, Outcome.ESCAPED) | names(trial, Outcome.KNOWN_GAP) == set()
    assert trial.count(Outcome.BLOCKED) > len(ATTACKS) / 2


def test_landlock_lets_nothing_through_but_its_known_gaps(host):
    trial = host("landlock")
    insist_it_works(trial)
    assert trial.passed, trial.sentence
    assert names(trial, Outcome.ESCAPED) == set()
    assert {"alter_mode", "proc_list"} <= names(trial, Outcome.KNOWN_GAP)
    assert names(trial, Outcome.KNOWN_GAP) <= {"alter_mode", "proc_list", "outlive", "tcp_allowed"}
    assert trial.count(Outcome.BLOCKED) > len(ATTACKS) / 2


def test_the_battery_knows_every_attack_by_its_name():
    script = (
        f"import sys; sys.path.insert(0, {str(program('attack/battery')).split('/keelway/')[0]!r});"
        "from keelway.programs.cage.attack.battery import ATTACKS; import json; print(json.dumps([*ATTACKS]))"
    )
    done = run(Command(("/usr/bin/env", "python3", "-c", script), "/", {"PATH": os.environ["PATH"]}, 20.0))
    assert json.loads(done.stdout) == [attack.name for attack in ATTACKS]


def test_a_trial_travels_as_json():
    trial = Trial("x", True, "fine", (Judged(Attack("a", "files", "b", vital=True), Outcome.BLOCKED, "c"),))
    plain = {"attack": {"name": "a", "group": "files", "title": "b", "vital": True}, "outcome": "blocked"}
    assert from_json(
        Trial, {"cage": "x", "passed": True, "sentence": "fine", "rows": [{**plain, "note": "c"}]}
    ) == (trial)

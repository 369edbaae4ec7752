"""Tasks that begin under one workflow schema go on under the next, in real processes that are killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT, ROOT = Path(__file__).parent / "two_numbers.py", Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


def run(folder, store, scene):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(SCRIPT), str(folder), store, scene]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder in which both environments run the first release."""
    folder = tmp_path_factory.mktemp("template")
    run(folder, "-", "prepare")
    return folder


@pytest.fixture
def play(request, template, tmp_path):
    def play(scene, kind="sqlite"):
        folder = tmp_path / "folder"
        if kind == "sqlite":
            shutil.copytree(template, folder)
        else:
            folder.mkdir()
        run(folder, "-" if kind == "sqlite" else request.getfixturevalue("postgres_url"), scene)
        return json.loads((folder / "told.json").read_text())

    return play


def moved(report, what):
    return [(each["story"], each["task"], each["from_schema"]) for each in report[what]]


def upgraded_while_parked(told, kind):
    assert told["refused to 2"] == ("already_running" if kind == "sqlite" else "old_workers")
    assert [run[1] for run in told["runs after refused to 2"]] == ["1"]
    foreseen, done, again = told["foreseen to 2"], told["upgrade to 2"], told["again to 2"]
    assert moved(foreseen, "adopted") == moved(done, "adopted") == [("deliver", "T-1", "1")]
    assert (foreseen["backup"], again["backup"]) == ("", "")
    assert Path(done["backup"]).is_file()
    (before,), (after,) = told["runs after foreseen to 2"], told["runs after upgrade to 2"]
    assert (before[1:3], after[1:3]) == (["1", "PENDING"], ["2", "ENQUEUED"])
    assert before[0] == after[0]
    assert (again["adopted"], again["untouched"]) == ([], 1)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_task_that_waits_for_a_person_goes_on_under_the_next_schema(play):
    told = play("parked")
    upgraded_while_parked(told, "sqlite")
    assert told["end under 2"] == ["developing", "", ""]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.soak
@BOTH
def test_a_parked_task_ends_under_the_next_schema_and_its_watch_under_the_one_after(play, kind):
    told = play("delayed", kind)
    upgraded_while_parked(told, kind)
    assert told["end under 2"] == ["deployed", "", ""]
    assert moved(told["upgrade to 3"], "adopted") == [("watch", "T-1", "2")]
    ((watch, number, status, until),) = told["runs after upgrade to 3"]
    assert (watch.endswith(":watch-1"), number, status) == (True, "3", "DELAYED")
    assert until
    assert told["end under 3"] == ["deployed", "", ""]
    assert sum("is live" in body for body in told["people"]) == 1


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.soak
@BOTH
def test_a_task_that_is_killed_in_development_goes_on_there(play, kind):
    told = play("developing", kind)
    assert moved(told["upgrade to 2"], "adopted") == [("deliver", "T-1", "1")]
    assert [run[1:3] for run in told["runs after upgrade to 2"]] == [["2", "ENQUEUED"]] * 2
    assert told["end under 2"] == ["deployed", "", ""]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.soak
@pytest.mark.parametrize(
    ("scene", "kind"),
    [
        ("outgrown_stage", "sqlite"),
        ("outgrown", "sqlite"),
        ("outgrown", "postgres"),
    ],
)
def test_a_task_whose_steps_do_not_fit_is_closed_and_says_why(play, scene, kind):
    told = play(scene, kind)
    done = told["upgrade to 2"]
    assert (done["adopted"], moved(done, "closed")) == ([], [("deliver", "T-1", "1")])
    ((run, number, status, _),) = told["runs after upgrade to 2"]
    assert (":end-" in run, number, status) == (True, "2", "ENQUEUED")
    status, code, error = told["end under 2"]
    assert (status, code) == ("failed", "schema_outgrown")
    assert "where the code now asks for 'something new'" in error
    assert any("keelway retry T-1" in body for body in told["people"])


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.soak
@pytest.mark.parametrize(
    ("scene", "kind", "end"),
    [
        ("interrupted", "sqlite", "deployed"),
        ("interrupted", "postgres", "deployed"),
        ("interrupted_close", "sqlite", "failed"),
    ],
)
def test_an_upgrade_that_is_killed_again_and_again_ends_like_one_that_is_not(play, scene, kind, end):
    told = play(scene, kind)
    assert told["kills"] >= 6
    assert told["end under 2"][0] == end


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.soak
@pytest.mark.parametrize(("scene", "kills"), [("every_point", 16), ("every_point_close", 8)])
def test_a_second_upgrade_finishes_what_the_first_began_wherever_it_was_killed(play, scene, kills):
    told = play(scene)
    assert told["kills"] >= kills
    *killed, whole = told["ends"]
    assert all(run[1:3] == ["2", "ENQUEUED"] for run in whole)
    assert killed == [whole] * len(killed)

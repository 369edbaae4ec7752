"""The demo, as a person starts it: its claims, its refusals, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from keelway.app.demo.proof import back_of
from keelway.app.demo.traffic import Sent
from keelway.app.demo.words import told
from keelway.app.view.task import Happened

pytestmark = pytest.mark.long

HARBOR = Path(__file__).parents[2] / "examples" / "harbor"
NOT_COPIED = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", ".coverage*", "*.db*", "*.jsonl")
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout of its own, so that a demo of the person who tests is left alone."""
    shutil.copytree(HARBOR, tmp_path / "examples" / "harbor", ignore=NOT_COPIED)
    yield tmp_path
    for process in left(tmp_path):
        process.kill()


def left(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder or were started with its name."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            found.append(process)
    return found


def command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "keelway.cli.main", "demo", *words]


def demo(
    checkout: Path, *words: str, seconds_max: float = 60, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words),
        cwd=checkout,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=seconds_max,
        check=False,
    )


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-6_000:]
    plain = json.loads(done.stdout)
    assert plain["ok"]
    return {row["act"]: row for row in plain["rows"]}


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_one_act_is_played_and_nothing_is_left(checkout: Path):
    played = rows(demo(checkout, "--exit", "--act", "c", "--json", seconds_max=380))
    assert list(played) == ["a", "c"]
    bad = played["c"]
    assert bad["errors_before_verdict"] > 0
    assert bad["failed"] >= bad["errors_before_verdict"]
    assert bad["healthy_seconds"] <= 3
    assert bad["rows_lost"] == 0
    assert "quarantined" in bad["happened"]
    assert left(checkout) == []
    assert [path.name for path in (checkout / ".keelway-demo").iterdir()] == ["demo.lock"]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_the_whole_story_holds_every_claim(checkout: Path):
    played = rows(demo(checkout, "--exit", "--json", seconds_max=880))
    assert list(played) == list("abcdef")
    assert [played[act]["failed"] for act in "bdf"] == [0, 0, 0]
    assert all(played[act]["served"] > 100 for act in "bcdf")
    assert [played[act]["rows_lost"] for act in "bcdf"] == [0, 0, 0, 0]
    assert left(checkout) == []


@pytest.mark.long
@pytest.mark.timeout(180)
def test_ctrl_c_ends_everything(checkout: Path):
    with (checkout / "out.txt").open("wb") as out:
        process = subprocess.Popen(command("--act", "a"), cwd=checkout, stdout=out, stderr=out)
        try:
            for _ in range(1_200):
                if (
                    "Ctrl-C ends everything" in (checkout / "out.txt").read_text()
                    or process.poll() is not None
                ):
                    break
                time.sleep(0.1)
            said = (checkout / "out.txt").read_text()
            assert "Status page (opens once): http://127.0.0.1:" in said
            assert ".keelway-demo/keelway status" in said
            shown = subprocess.run(
                [str(checkout / ".keelway-demo" / "keelway"), "status", "--json"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert json.loads(shown.stdout)["running"]
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
            process.wait()
    assert left(checkout) == []


def test_a_second_demo_is_refused(checkout: Path):
    folder = checkout / ".keelway-demo"
    folder.mkdir()
    with FileLock(folder / "demo.lock"):
        done = demo(checkout, "--exit")
    assert (done.returncode, "demo_running" in done.stderr) == (2, True), done.stderr
    assert [path.name for path in folder.iterdir()] == ["demo.lock"]


def test_an_unknown_act_is_refused(checkout: Path):
    done = demo(checkout, "--exit", "--act", "g")
    assert (done.returncode, "use one of: a, b, c, d, e, f" in done.stderr) == (2, True), done.stderr
    assert not (checkout / ".keelway-demo").exists()


def test_without_git_nothing_begins(checkout: Path):
    done = demo(checkout, "--exit", PATH="/nowhere")
    assert (done.returncode, "git_missing" in done.stderr) == (2, True), done.stderr
    assert not (checkout / ".keelway-demo").exists()


def sent(seconds: float, release: str, *, failed: bool = False) -> Sent:
    return Sent((AT + timedelta(seconds=seconds)).timestamp(), failed, answered=True, release=release)


def test_healthy_begins_with_the_first_good_answer_after_the_last_bad_one():
    answers = [
        sent(-2, "new"),
        sent(-1, "new", failed=True),
        sent(0.1, "new", failed=True),
        sent(0.2, "old"),
        sent(0.3, "new"),
        sent(0.4, "old"),
        sent(0.5, "old"),
    ]
    back = back_of(answers, AT, "old")
    assert (back.before, back.after) == (1, 1)
    assert back.healthy_seconds == pytest.approx(0.4)


def test_without_a_good_answer_nothing_is_healthy():
    assert back_of([sent(0.1, "new")], AT, "old").healthy_seconds is None


def test_a_rollback_that_nobody_noticed_took_no_time():
    assert back_of([sent(-1, "new", failed=True), sent(0.1, "old")], AT, "old").healthy_seconds == 0


def event(kind: str, **data: Any) -> Happened:
    return Happened(1, AT, kind, "text", loud=True, task="T-1", stage="staging", data=data)


def test_events_are_told_with_their_numbers():
    failed = {
        "code": "check_failed",
        "ruling": "fail",
        "message": "FAILED tests/test_a.py::test_b - x\n2 failed, 70 passed",
    }
    gate = event("gate.judged", gate="quality", ruling="fail", findings=[failed])
    assert told(gate, 1) == "quality gate shut: 2 tests failed: test_b."
    assert told(event("effect.done", effect="switch"), 1) == "staging: traffic switched"
    assert told(event("effect.done", effect="open issue"), 1) == ""
    assert told(event("agent.finished", stop="completed"), 2) == "agent attempt 2 ended: completed"

"""Nothing of a run survives it: not a daemon, not a killed driver's agent, not another run's marker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.agent.conftest import TASK, Stand, living, until

from keelway.ports.agent import AgentLimits, Effort, Stop

pytestmark = pytest.mark.long

DAEMON = {"do": "spawn_daemon", "path": "beat.txt", "seconds": 120}
HANG = {"do": "hang", "seconds": 120}
DRIVER = """
import sys
from keelway.adapters.agent.replay import ReplayAgent
from keelway.ports.agent import Assignment
script, runs, workspace, prompt = sys.argv[1:]
print(ReplayAgent(script, runs).work(Assignment("T-7", "dev", 1, workspace, prompt)).stop.value)
"""


def test_a_daemon_ends_with_a_completed_run(stand: Stand) -> None:
    effort = stand.play(DAEMON, {"do": "say", "text": "bye", "delay_seconds": 0.2})
    assert (effort.stop, effort.detail) == (Stop.COMPLETED, "")
    assert (stand.workspace / "beat.txt").exists()  # maybe empty: it can be killed in the middle of writing
    assert_quiet(stand)


def test_a_daemon_ends_with_a_crash_and_with_a_limit(stand: Stand) -> None:
    assert stand.play(DAEMON, {"do": "crash"}).stop is Stop.CRASHED
    assert_quiet(stand)
    limits = AgentLimits(wall_seconds=2.5, grace_seconds=0.3)
    deaf = {"do": "hang", "seconds": 120, "deaf": True}
    assert stand.agent(DAEMON, deaf).work(stand.order(limits)).stop is Stop.LIMIT_WALL
    assert_quiet(stand)


def test_two_runs_at_once_do_not_touch_each_other(stand: Stand) -> None:
    agent = stand.scripted(
        {
            "plays": [
                {"match": "first", "steps": [DAEMON, HANG]},
                {"match": "second", "steps": [{"do": "edit", "path": "b.txt", "text": "b"}]},
            ]
        }
    )
    efforts: dict[str, Effort] = {}

    def drive(task: str, word: str) -> None:
        efforts[task] = agent.work(stand.order(task=task, prompt=word))

    hanging = threading.Thread(target=drive, args=("T-1", "first"))
    hanging.start()
    until((stand.workspace / "beat.txt").exists)
    drive("T-2", "second")
    assert efforts["T-2"].stop is Stop.COMPLETED
    before = stand.text("beat.txt")
    until(lambda: stand.text("beat.txt") != before)
    started = time.monotonic()
    assert agent.cancel("T-1") is True
    hanging.join(20)
    assert efforts["T-1"].stop is Stop.CANCELLED
    assert time.monotonic() - started < 10
    assert_quiet(stand)


def test_a_killed_driver_leaves_no_trace_after_the_repeat(stand: Stand) -> None:
    driver = start_driver(stand, {"times": 1, "steps": [DAEMON, HANG]}, {"steps": [{"do": "no_change"}]})
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=20)
    assert living(str(stand.workspace)), "the daemon outlives its driver; else this proves nothing"
    effort = stand.scripted(json.loads((stand.tmp_path / "script.json").read_text())).work(stand.order())
    assert effort.stop is Stop.COMPLETED
    assert_quiet(stand)


def test_reap_ends_what_dead_drivers_left_and_nothing_else(stand: Stand) -> None:
    driver = start_driver(stand, {"steps": [DAEMON, HANG]})
    agent = stand.agent()
    assert agent.reap() == 0, "its driver lives"
    assert living(str(stand.workspace))
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=20)
    assert agent.reap() == 1
    assert_quiet(stand)
    assert (agent.reap(), agent.cancel(TASK)) == (0, False)


def test_cancel_reaches_a_run_that_another_process_drives(stand: Stand) -> None:
    driver = start_driver(stand, {"steps": [DAEMON, HANG]})
    assert stand.agent().cancel(TASK) is True
    assert driver.communicate(timeout=20)[0].strip() == "cancelled"
    assert_quiet(stand)


def test_a_record_that_makes_no_sense_stops_nothing(stand: Stand) -> None:
    room = stand.runs / "T-7-dev-1"
    room.mkdir(parents=True)
    for text in ("", "[]", '{"pid": 1}', '{"task": 1, "pid": "x"'):
        (room / "pid.json").write_text(text)
        assert stand.agent().reap() == 0
        assert stand.agent().cancel("T-7") is False
    assert stand.play({"do": "no_change"}).stop is Stop.COMPLETED


def start_driver(stand: Stand, *plays: dict[str, Any]) -> subprocess.Popen[str]:
    stand.scripted({"plays": list(plays)})
    argv = [sys.executable, "-c", DRIVER, str(stand.tmp_path / "script.json"), str(stand.runs)]
    prompt = stand.order().prompt
    driver = subprocess.Popen([*argv, str(stand.workspace), prompt], stdout=subprocess.PIPE, text=True)
    until((stand.workspace / "beat.txt").exists)
    until(lambda: stand.text("beat.txt").strip() not in {"", "0"})
    return driver


def assert_quiet(stand: Stand) -> None:
    assert living(str(stand.workspace)) == []
    assert living(str(stand.tmp_path / "script.json")) == []
    assert not list(Path(stand.runs).glob("*/pid.json"))
    assert not list(Path(stand.runs).glob("*/home"))

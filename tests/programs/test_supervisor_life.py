"""Start, repeat, stop, crash and forget real processes through the real supervisor."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from test_supervisor_rig import PYTHON, Rig, ended, runs, until

SLEEP = ("/bin/sleep", "60")
STUBBORN = "import signal,time;signal.signal(15,signal.SIG_IGN);print('up',flush=True);time.sleep(60)"
DAEMON = """
import os, signal, time
signal.signal(15, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print('grandchild', os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
signal.signal(15, signal.SIG_DFL)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("s")) as one:
        yield one.boot()


@pytest.fixture
def rig(shared: Rig, tmp_path: Path) -> Iterator[Rig]:
    shared.work = tmp_path
    yield shared
    shared.clear()


def test_a_process_is_started_shown_stopped_and_forgotten(rig: Rig) -> None:
    status, made = rig.put("web-1", *SLEEP, labels={"environment": "staging", "release": "v1"})
    assert (status, made["state"], made["adopted"]) == (201, "running", False)
    assert runs(made["pid"])
    shown = rig.get("web-1")
    assert shown["labels"]["release"] == "v1"
    assert shown["rss_bytes"] > 0
    assert shown["fds"] >= 3
    assert abs(shown["create_time"] - time.time()) < 60
    assert rig.call("GET", "/healthz")[1]["processes"] == 1
    assert [one["id"] for one in rig.call("GET", "/processes")[1]["processes"]] == ["web-1"]

    assert rig.call("POST", "/processes/web-1/stop", {"deadline_seconds": 5}) == (
        200,
        {"state": "stopped", "killed": False},
    )
    assert ended(made["pid"])
    assert rig.get("web-1")["pid"] is None
    assert rig.call("POST", "/processes/web-1/stop")[1] == {"state": "stopped", "killed": False}

    assert rig.call("DELETE", "/processes/web-1")[0] == 200
    assert rig.call("GET", "/processes/web-1")[1]["error"] == "unknown_process"
    assert rig.state()["processes"] == {}


def test_several_processes_live_side_by_side(rig: Rig) -> None:
    pids = [rig.put(f"p{number}", *SLEEP)[1]["pid"] for number in range(4)]
    rig.call("DELETE", "/processes/p1")
    assert [runs(pid) for pid in pids] == [True, False, True, True]


def test_the_same_description_again_changes_nothing_and_another_is_refused(rig: Rig) -> None:
    labels = {"environment": "again"}
    first = rig.put("a", *SLEEP, labels=labels)[1]
    status, again = rig.put("a", *SLEEP, epoch=2, labels=labels)
    assert (status, again["pid"], again["restarts"], again["epoch"]) == (200, first["pid"], 0, 2)
    status, other = rig.put("a", "/bin/sleep", "61", epoch=2, labels=labels)
    assert (status, other["error"], other["digest_kept"]) == (409, "other_spec", first["digest"])
    assert other["digest_asked"] != first["digest"]
    assert rig.get("a")["pid"] == first["pid"]


def test_repeating_a_finished_one_shot_does_not_run_it_twice(rig: Rig) -> None:
    rig.put("job", *PYTHON, "print('ran')", restart="never")
    assert rig.reach("job", "stopped")["exit_code"] == 0
    assert rig.put("job", *PYTHON, "print('ran')", restart="never")[0] == 200
    assert rig.log() == "ran\n"


def test_an_older_epoch_is_fenced_off_in_its_environment_only(rig: Rig) -> None:
    rig.put("a", *SLEEP, epoch=7, labels={"environment": "prod"})
    status, said = rig.put("b", *SLEEP, epoch=6, labels={"environment": "prod"})
    assert (status, said["error"], said["epoch_seen"]) == (409, "stale_epoch", 7)
    assert rig.put("a", *SLEEP, epoch=6, labels={"environment": "prod"})[0] == 409
    assert rig.put("c", *SLEEP, epoch=1, labels={"environment": "staging"})[0] == 201
    rig.kill()
    assert rig.boot().put("b", *SLEEP, epoch=6, labels={"environment": "prod"})[0] == 409


def test_a_process_that_ignores_the_request_is_killed_at_the_deadline(rig: Rig) -> None:
    pid = rig.put("a", *PYTHON, STUBBORN)[1]["pid"]
    until(lambda: "up" in rig.log())
    started = time.monotonic()
    assert rig.call("POST", "/processes/a/stop", {"deadline_seconds": 0.4})[1] == {
        "state": "stopped",
        "killed": True,
    }
    assert time.monotonic() - started >= 0.4
    assert ended(pid)
    assert rig.get("a")["exit_code"] == -9


def test_a_second_stop_brings_the_deadline_nearer(rig: Rig) -> None:
    rig.put("a", *PYTHON, STUBBORN)
    until(lambda: "up" in rig.log())
    answers: list[object] = []
    slow = threading.Thread(
        target=lambda: answers.append(rig.call("POST", "/processes/a/stop", {"deadline_seconds": 600}))
    )
    slow.start()
    rig.reach("a", "stopping")
    assert rig.call("POST", "/processes/a/stop", {"deadline_seconds": 0})[1]["killed"] is True
    slow.join(10)
    assert answers == [(200, {"state": "stopped", "killed": True})]


def test_a_grandchild_that_left_the_session_does_not_survive(rig: Rig) -> None:
    rig.put("a", *PYTHON, DAEMON)
    until(lambda: "grandchild" in rig.log())
    grandchild = int(rig.log().split()[1])
    assert runs(grandchild)
    assert rig.call("POST", "/processes/a/stop", {"deadline_seconds": 0.5})[1]["killed"] is True
    assert ended(grandchild)


def test_what_a_crashed_process_left_behind_is_cleared_before_the_restart(rig: Rig) -> None:
    code = DAEMON.replace("os.wait()", "os.wait(); os._exit(3)")
    rig.put("a", *PYTHON, code, restarts_max=1, stop_seconds=0.1)
    failed = rig.reach("a", "failed")
    assert failed["restarts"] == 1
    left = [int(line.split()[1]) for line in rig.log().splitlines()]
    assert len(left) == 2
    assert all(ended(pid) for pid in left)


def test_a_crash_loop_ends_as_failed_with_the_last_lines(rig: Rig) -> None:
    code = "print('x' * 5000); print('no database: ' + 'refused'); raise SystemExit(4)"
    rig.put("a", *PYTHON, code, restarts_max=2)
    failed = rig.reach("a", "failed")
    assert (failed["restarts"], failed["exit_code"], failed["pid"]) == (2, 4, None)
    assert "exit code 4; 2 restarts within 60 s are used up" in failed["last_error"]
    assert failed["last_error"].endswith("no database: refused")
    assert len(failed["last_error"].encode()) <= 2048
    assert rig.call("POST", "/processes/a/stop")[1]["state"] == "stopped"


def test_a_killed_process_is_started_again(rig: Rig) -> None:
    first = rig.put("a", *SLEEP)[1]["pid"]
    os.kill(first, 9)
    until(lambda: rig.get("a")["restarts"] == 1 and rig.get("a")["state"] == "running")
    assert rig.get("a")["pid"] != first


def test_a_process_in_backoff_can_be_stopped(rig: Rig) -> None:
    rig.put("a", *PYTHON, "raise SystemExit(1)", restarts_max=100)
    until(lambda: rig.get("a")["restarts"] >= 2)
    assert rig.call("POST", "/processes/a/stop", {"deadline_seconds": 5})[1]["state"] == "stopped"
    count = rig.get("a")["restarts"]
    time.sleep(0.3)
    assert rig.get("a")["restarts"] == count


def test_the_environment_is_built_from_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.term()
    monkeypatch.setenv("LEAKED", "yes")
    rig.boot()
    rig.put("a", "/usr/bin/env", restart="never", env={"PORT": "8001"})
    rig.reach("a", "stopped")
    assert sorted(line.partition("=")[0] for line in rig.log().splitlines()) == ["KEELWAY_PROCESS", "PORT"]


def test_a_process_has_no_descriptors_and_no_input_from_us(rig: Rig) -> None:
    code = "import os,sys;print(sorted(map(int,os.listdir('/proc/self/fd')))[:3], sys.stdin.read()=='', os.getsid(0)==os.getpid())"
    rig.put("a", *PYTHON, code, restart="never")
    rig.reach("a", "stopped")
    assert rig.log() == "[0, 1, 2] True True\n"
    rig.put("b", "/bin/ls", "/proc/self/fd", restart="never", log_path=str(rig.work / "b.log"))
    rig.reach("b", "stopped")
    assert (rig.work / "b.log").read_text().split() == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


def test_a_process_ignores_no_signal_because_of_us(rig: Rig) -> None:
    rig.put("a", "/bin/grep", "SigIgn", "/proc/self/status", restart="never")
    rig.reach("a", "stopped")
    standard = (1 << 31) - 1  # glibc's posix_spawn leaves its own signals, 32 and 33, ignored
    assert int(rig.log().split()[1], 16) & standard == 0


def test_two_deletes_at_once_agree(rig: Rig) -> None:
    rig.put("a", *PYTHON, STUBBORN)
    until(lambda: "up" in rig.log())
    answers: list[int] = []
    order = {"deadline_seconds": 0.3}
    both = [
        threading.Thread(target=lambda: answers.append(rig.call("DELETE", "/processes/a", order)[0]))
        for _ in "ab"
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers in ([200, 200], [200, 404], [404, 200])


def test_a_log_that_grows_is_cut_while_the_process_writes(rig: Rig) -> None:
    code = "import time\nfor _ in range(11): print('x' * 2**20, flush=True)\ntime.sleep(60)"
    rig.put("a", *PYTHON, code)
    until((rig.work / "app.log.1").exists)
    until(lambda: (rig.work / "app.log").stat().st_size < 2**20)
    assert rig.get("a")["state"] == "running"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"argv": ["/nowhere/program"]}, "/nowhere/program: No such file"),
        ({"cwd": "/nowhere"}, "/nowhere: No such file"),
        ({"log_path": "/proc/version/x"}, "log /proc/version/x"),
    ],
)
def test_what_cannot_start_is_said_at_once_and_not_kept(
    rig: Rig, change: dict[str, object], named: str
) -> None:
    status, said = rig.call("PUT", "/processes/a", {**rig.spec(*SLEEP), **change})
    assert (status, said["error"]) == (422, "cannot_start")
    assert named in said["message"]
    assert rig.state()["processes"] == {}
    assert rig.put("a", *SLEEP)[0] == 201


def test_bad_requests_name_the_field_and_never_repeat_a_value(rig: Rig) -> None:
    status, said = rig.put("a", *SLEEP, env={"TOKEN": 5}, surprise="hunter2")
    assert (status, said["error"]) == (400, "bad_spec")
    assert "env.TOKEN" in said["message"]
    assert "surprise" in said["message"]
    assert "hunter2" not in str(said)
    assert rig.call("PUT", "/processes/.hidden", {})[1]["error"] == "bad_id"
    rig.put("a", *SLEEP)
    assert rig.call("POST", "/processes/a/stop", {"deadline_seconds": -1})[1]["error"] == "bad_order"
    assert rig.call("POST", "/nothing")[0] == 404
    assert rig.call("PUT", "/processes/b", "x" * 600_000)[0] == 413

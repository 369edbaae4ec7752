"""Kill, replace and starve the supervisor; what it keeps must run on and be found again."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from test_supervisor_rig import PYTHON, Rig, bystander, ended, runs, until

SLEEP = ("/bin/sleep", "60")
WEB = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'ok')
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Answer).serve_forever()
"""


pytestmark = pytest.mark.long


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as one:
        yield one.boot()


def ask(port: int) -> bool:
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        wire.request("GET", "/")
        return wire.getresponse().read() == b"ok"
    except OSError:
        return False
    finally:
        wire.close()


def rewrite(rig: Rig, **row: object) -> None:
    """Change the row of process ``a`` as a crash at another moment would have left it."""
    state = rig.state()
    state["processes"]["a"].update(row)
    (rig.home / "state.json").write_text(json.dumps(state))


def test_a_killed_supervisor_costs_no_request_and_its_processes_are_adopted(rig: Rig) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    web = rig.put("web", *PYTHON, WEB, str(port))[1]["pid"]
    other = rig.put("b", *SLEEP)[1]["pid"]
    until(lambda: ask(port))
    answers: list[bool] = []
    enough = threading.Event()

    def visit() -> None:
        while not enough.wait(0.005):
            answers.append(ask(port))

    visitor = threading.Thread(target=visit)
    visitor.start()
    for end in (rig.kill, rig.term):
        end()
        rig.boot()
    enough.set()
    visitor.join()
    assert len(answers) > 20
    assert all(answers)
    for name, pid in (("web", web), ("b", other)):
        shown = rig.get(name)
        assert (shown["pid"], shown["state"], shown["restarts"], shown["adopted"]) == (
            pid,
            "running",
            0,
            True,
        )
    os.kill(other, 9)
    until(lambda: rig.get("b")["restarts"] == 1 and rig.get("b")["state"] == "running")
    assert rig.get("b")["adopted"] is False
    assert rig.call("DELETE", "/processes/web")[0] == 200
    assert ended(web)


def test_sigterm_leaves_processes_alone_and_ends_cleanly(rig: Rig) -> None:
    pid = rig.put("a", *SLEEP)[1]["pid"]
    assert rig.term() == 0
    assert runs(pid)
    assert not (rig.home / "supervisor.sock").exists()
    assert rig.state()["processes"]["a"]["phase"] == "running"


def test_a_number_used_again_is_neither_adopted_nor_signalled(rig: Rig) -> None:
    first = rig.put("a", *SLEEP)[1]["pid"]
    rig.kill()
    os.kill(first, 9)
    stranger = bystander()
    try:
        boot, _, ticks = rig.state()["processes"]["a"]["born"].rpartition(":")
        rewrite(rig, pid=stranger.pid, born=f"{boot}:{int(ticks) - 1}")
        rig.boot()
        assert rig.get("a")["pid"] != stranger.pid
        until(lambda: rig.get("a")["state"] == "running")
        shown = rig.get("a")
        assert shown["pid"] not in {stranger.pid, first}
        assert shown["restarts"] == 1
        assert rig.call("DELETE", "/processes/a", {"deadline_seconds": 0})[0] == 200
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("phase", ["starting", "stopping"])
def test_a_crash_between_intent_and_number_leaves_no_orphan(rig: Rig, phase: str) -> None:
    pid = rig.put("a", *SLEEP)[1]["pid"]
    rig.kill()
    rewrite(rig, phase=phase, pid=None, born=None, create_time=None, started_at=None)
    rig.boot()
    if phase == "starting":
        shown = rig.get("a")
        assert (shown["pid"], shown["adopted"], shown["restarts"]) == (pid, True, 0)
    else:
        rig.reach("a", "stopped")
        assert ended(pid)


@pytest.mark.parametrize(("restart", "state", "restarts"), [("always", "running", 1), ("never", "failed", 0)])
def test_what_ended_unseen_follows_its_policy(rig: Rig, restart: str, state: str, restarts: int) -> None:
    pid = rig.put("a", *SLEEP, restart=restart)[1]["pid"]
    rig.kill()
    os.kill(pid, 9)
    shown = rig.boot().reach("a", state)
    assert shown["restarts"] == restarts
    assert "while no supervisor watched" in shown["last_error"]


def test_what_was_stopped_stays_stopped(rig: Rig) -> None:
    rig.put("a", *SLEEP)
    rig.call("POST", "/processes/a/stop")
    rig.kill()
    assert rig.boot().get("a")["state"] == "stopped"


def test_a_second_supervisor_is_refused_in_one_line(rig: Rig) -> None:
    assert rig.process is not None
    argv = [sys.executable, "-m", "keelway.programs.supervisor", "--home", str(rig.home)]
    second = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 75
    assert len(second.stderr.splitlines()) == 1
    assert f"another supervisor (pid {rig.process.pid})" in second.stderr
    assert rig.serves()


def test_a_broken_state_file_is_kept_aside_and_its_processes_stay_reachable(rig: Rig) -> None:
    pid = rig.put("a", *SLEEP)[1]["pid"]
    rig.kill()
    broken = (rig.home / "state.json").read_text()[:-9]
    (rig.home / "state.json").write_text(broken)
    health = rig.boot().call("GET", "/healthz")[1]
    (aside,) = rig.home.glob("state.json.corrupt-*")
    assert aside.read_text() == broken
    assert aside.name in health["state_error"]
    assert health["unclaimed"] == [{"id": "a", "pid": pid}]
    status, said = rig.put("a", *SLEEP)
    assert (status, said["error"], said["pids"]) == (409, "unclaimed_process", [pid])
    assert rig.call("DELETE", "/processes/a")[1]["forgotten"] is True
    assert ended(pid)
    assert rig.put("a", *SLEEP)[0] == 201


def test_a_state_file_of_a_later_version_is_not_touched(rig: Rig) -> None:
    rig.kill()
    later = json.dumps({"version": 2, "anything": []})
    (rig.home / "state.json").write_text(later)
    argv = [sys.executable, "-m", "keelway.programs.supervisor", "--home", str(rig.home)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, "version 2" in done.stderr) == (78, True)
    assert (rig.home / "state.json").read_text() == later
    (rig.home / "state.json").unlink()


def test_a_full_disk_starts_nothing_and_still_lets_us_stop(rig: Rig) -> None:
    assert rig.process is not None
    kept = rig.put("kept", *SLEEP)[1]["pid"]
    _, hard = resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (64, hard))
    before = (rig.home / "state.json").read_bytes()
    status, said = rig.put("a", "/usr/bin/touch", str(rig.work / "ran"))
    assert (status, said["error"]) == (507, "state_not_written")
    assert "File too large" in said["message"]
    assert rig.call("GET", "/processes/a")[0] == 404
    assert not (rig.work / "ran").exists()
    assert (rig.home / "state.json").read_bytes() == before
    assert rig.call("POST", "/processes/kept/stop")[1]["state"] == "stopped"
    assert ended(kept)
    assert "cannot be written" in rig.call("GET", "/healthz")[1]["unsaved"]
    resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    until(lambda: rig.call("GET", "/healthz")[1]["unsaved"] is None)
    assert rig.state()["processes"]["kept"]["phase"] == "stopped"
    assert rig.put("a", *SLEEP)[0] == 201


def test_shutdown_ends_everything_or_nothing(rig: Rig) -> None:
    pids = [rig.put(name, *SLEEP)[1]["pid"] for name in "ab"]
    assert rig.call("POST", "/shutdown")[1]["stopped"] is False
    assert rig.leave() == 0
    assert all(runs(pid) for pid in pids)
    rig.boot()
    assert rig.call("POST", "/shutdown", {"stop_processes": True})[1] == {
        "state": "leaving",
        "stopped": True,
        "killed": [],
    }
    assert rig.leave() == 0
    assert all(ended(pid) for pid in pids)


def test_the_end_of_the_starter_and_its_group_does_not_reach_the_supervisor(tmp_path: Path) -> None:
    home = tmp_path / "h"
    code = "import subprocess,sys,time;subprocess.Popen([sys.executable,'-m','keelway.programs.supervisor','--home',sys.argv[1]]);time.sleep(60)"
    with (
        Rig(tmp_path) as rig,
        subprocess.Popen([sys.executable, "-c", code, str(home)], start_new_session=True) as control,
    ):
        until((home / "supervisor.sock").exists)
        until(lambda: rig.call("GET", "/healthz")[0] == 200)
        os.killpg(control.pid, 9)
        control.wait()
        time.sleep(0.1)
        assert rig.call("GET", "/healthz")[0] == 200
        pid = rig.call("GET", "/healthz")[1]["pid"]
        assert rig.call("POST", "/shutdown")[0] == 200
        until(lambda: ended(pid))


def test_only_its_user_may_reach_the_home(rig: Rig) -> None:
    for name, mode in (
        ("supervisor.sock", 0o600),
        ("state.json", 0o600),
        ("supervisor.log", 0o600),
        ("", 0o700),
    ):
        assert (rig.home / name).stat().st_mode & 0o777 == mode
    open_home = rig.work / "open"
    open_home.mkdir()
    open_home.chmod(0o777)
    argv = [sys.executable, "-m", "keelway.programs.supervisor", "--home", str(open_home)]
    assert subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 78

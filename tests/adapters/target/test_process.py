"""The process target on real processes: no request lost, nothing leaked, everything adopted."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.adapters.target.load import load
from tests.adapters.target.process_rig import (
    PYTHON,
    ProcessRig,
    deliver_to_both,
    environment_of,
    process_rig,
)

from keelway.adapters.target.process import ProcessTarget
from keelway.adapters.vault.file import FileVault
from keelway.clients.control import Front, Supervisor
from keelway.clients.places import Places
from keelway.clients.shell import start_detached
from keelway.core.errors import TheirFault

pytestmark = pytest.mark.long

SECRET = "pa55word-nobody-may-see"
CHILD = """
import sys
from pathlib import Path
from tests.adapters.target.process_rig import ProcessRig
from keelway.core.codec import from_json
from keelway.core.model.project import Project
from keelway.testing.fakes.vault import FakeVault
import json
root, release = Path(sys.argv[1]), sys.argv[2]
rig = ProcessRig(root, from_json(Project, json.loads((root / "project.json").read_text())), FakeVault())
rig.target.start("production", release, epoch=2)
(root / "started").write_text("x")
sys.stdin.read() if False else __import__("time").sleep(60)
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ProcessRig]:
    with process_rig(tmp_path) as made:
        yield made


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def port_of(rig: ProcessRig) -> int:
    return rig.project.environment("production").port


def beat(rig: ProcessRig) -> str:
    path = rig.home / "data/production/beat"
    path.unlink(missing_ok=True)
    until(path.exists)
    until(path.read_text)
    return path.read_text()


def pid_of(rig: ProcessRig, daemon: str) -> int:
    site = rig.target._site
    front = Front(site.places.front_socket("production"))
    said = site.supervisor.health() if daemon == "supervisor" else front.state()
    assert said is not None
    return int(said["pid"])


def web_pid(rig: ProcessRig, release: str) -> int:
    said = rig.target._site.supervisor.find(f"production.{release}.web")
    assert said is not None
    return int(said["pid"])


def test_five_switches_under_load_lose_no_request(rig: ProcessRig) -> None:
    old = rig.live()
    with load(port_of(rig)) as users:
        for _ in range(5):
            new = rig.live()
            rig.target.retire("production", old, epoch=1)
            old = new
    assert users.wrong == []
    assert len(users.good) == 6
    assert all(count > 0 for count in users.good.values())


def test_a_slow_answer_outlives_its_release(rig: ProcessRig) -> None:
    old = rig.live()
    with load(port_of(rig), "/slow", users=2) as users:
        until(lambda: rig.target.state("production").releases[0].inflight == 2)
        new = rig.live()
        rig.target.retire("production", old, epoch=1)
    assert users.wrong == []
    assert users.good[old] >= 2  # more where the machine takes longer to bring the new one up
    assert users.good[new] >= 1


def test_only_one_worker_beats_after_a_swap(rig: ProcessRig) -> None:
    old = rig.live()
    assert beat(rig) == old
    new = rig.live()
    assert {beat(rig) for _ in range(3)} == {new}
    rig.target.swap_workers("production", "", epoch=1)
    (rig.home / "data/production/beat").unlink()
    time.sleep(0.3)
    assert not (rig.home / "data/production/beat").exists()


def test_a_killed_control_process_is_continued(rig: ProcessRig) -> None:
    import json

    from keelway.core.codec import to_json

    old = rig.live()
    new = rig.built()
    (rig.root / "project.json").write_text(json.dumps(to_json(rig.project)))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    pid = start_detached(
        (PYTHON, "-c", CHILD, str(rig.root), new), str(rig.root), env, str(rig.root / "child.log")
    )
    until((rig.root / "started").exists, 30)
    os.kill(pid, signal.SIGKILL)
    web = web_pid(rig, new)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert rig.answering() == old
    rig.target.start("production", new, epoch=2)
    rig.target.switch("production", {new: 100}, epoch=2)
    assert web_pid(rig, new) == web
    assert rig.answering() == new


def test_killed_daemons_are_said_and_brought_back(rig: ProcessRig) -> None:
    release = rig.live()
    web = web_pid(rig, release)
    for daemon in ("supervisor", "front"):
        os.kill(pid_of(rig, daemon), signal.SIGKILL)
    until(lambda: not rig.target.state("production").healthy)
    state = rig.target.state("production")
    assert "supervisor does not answer" in state.detail
    assert "front does not answer" in state.detail
    started = rig.target.ensure()
    assert {"supervisor", "front of production"} <= set(started)
    assert rig.target.ensure() == ()
    until(lambda: rig.target.state("production").healthy)
    assert web_pid(rig, release) == web
    assert rig.answering() == release
    assert rig.target.state("production").releases[0].restarts == 0


def test_everything_ends_although_the_supervisor_has_died(rig: ProcessRig) -> None:
    release = rig.live()
    web = psutil.Process(web_pid(rig, release))
    os.kill(pid_of(rig, "supervisor"), signal.SIGKILL)
    until(lambda: "supervisor does not answer" in rig.target.state("production").detail)
    rig.target.stop_all(5.0)
    assert not web.is_running() or web.status() == psutil.STATUS_ZOMBIE


@pytest.mark.long
def test_who_is_slow_on_a_busy_machine_is_not_taken_for_dead(rig: ProcessRig) -> None:
    rig.target.ensure()
    sockets = Places(rig.home.resolve())
    front = Front(sockets.front_socket("production"))
    supervisor = Supervisor(sockets.supervisor() / "supervisor.sock")
    pids = [int(front.state()["pid"]), int((supervisor.health() or {})["pid"])]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wake = threading.Timer(4.0, lambda: [os.kill(pid, signal.SIGCONT) for pid in pids])
    wake.start()
    try:
        assert rig.target.ensure() == ()
    finally:
        wake.join()
    assert [int(front.state()["pid"]), int((supervisor.health() or {})["pid"])] == pids


def test_everybody_may_ensure_at_once(rig: ProcessRig) -> None:
    failures: list[BaseException] = []

    def ensure() -> None:
        try:
            rig.target.ensure()
        except Exception as error:  # noqa: BLE001 - a thread hands on whatever went wrong
            failures.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    daemons = [
        one
        for one in psutil.process_iter(["cmdline"])
        if str(rig.home) in " ".join(one.info["cmdline"] or ())
    ]
    assert len(daemons) == 3


def test_what_was_stopped_can_be_revived(rig: ProcessRig) -> None:
    release = rig.live()
    web, worker = web_pid(rig, release), beat(rig)
    rig.target.stop_all(2.0)
    assert rig.answering() == ""
    assert not psutil.pid_exists(web)
    rig.target.stop_all(2.0)
    rig.target.ensure()
    assert not rig.target.state("production").healthy
    assert rig.target.revive("production") == (release,)
    assert rig.target.revive("production") == ()
    assert rig.answering() == release
    assert beat(rig) == worker == release


def test_two_environments_at_once(rig: ProcessRig) -> None:
    release = deliver_to_both(rig, 60)
    assert rig.answering("staging") == rig.answering("production") == release
    about = environment_of(rig, release)
    assert about["ABOUT"] == f"production/{release}"
    assert about["DB"] == str(rig.home / "data/production/app.sqlite")


def test_secrets_reach_the_process_and_nothing_else(rig: ProcessRig) -> None:
    (rig.home / "secrets.env").write_text(f"APP_TOKEN={SECRET}\n")
    (rig.home / "secrets.env").chmod(0o600)
    environments = tuple(replace(spec, secrets={"TOKEN": "APP_TOKEN"}) for spec in rig.project.environments)
    rig.project, rig.vault = replace(rig.project, environments=environments), FileVault(str(rig.home))
    release = rig.live()
    seen = environment_of(rig, release)
    assert seen["TOKEN"] == SECRET
    assert set(seen) <= {
        *("PATH", "LANG", "HOME", "PORT", "TOKEN", "DB", "DATA", "ABOUT", "LC_CTYPE"),
        *("KEELWAY_RELEASE", "KEELWAY_ENVIRONMENT", "KEELWAY_PROCESS"),
    }
    leaks = [
        path
        for path in rig.home.rglob("*")
        if path.is_file() and not path.is_symlink() and SECRET.encode() in path.read_bytes()
    ]
    printed = rig.home / "logs/production" / release / "web.log"
    assert set(leaks) == {rig.home / "secrets.env", printed}
    bad = rig.built("crashes")
    with pytest.raises(TheirFault) as caught:
        rig.target.start("production", bad, epoch=1)
    assert "it crashes" in caught.value.message
    assert SECRET not in str(caught.value)


def test_a_long_home_keeps_its_sockets_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with process_rig(deep) as rig:
        release = rig.live()
        assert rig.answering() == release
        folder = Path((rig.home / "sockets.path").read_text().strip())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert rig.target.state("production").healthy
    shutil.rmtree(folder)


def test_a_taken_port_is_said(rig: ProcessRig) -> None:
    import socket

    with socket.create_server(("127.0.0.1", port_of(rig))), pytest.raises(TheirFault) as caught:
        rig.target.ensure()
    assert caught.value.code == "daemon_not_started"
    assert str(port_of(rig)) in caught.value.message


def test_capabilities_are_what_the_strategies_need(rig: ProcessRig) -> None:
    target: ProcessTarget = rig.target
    said = target.capabilities(rig.environment)
    assert (said.side_by_side, said.weights, said.migrations, said.snapshots) == (True, True, True, True)

"""A clone is moved in place: here, and over a real ssh server, with everything that can go wrong in between."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.adapters.target.git_pull_rig import GitPullRig, git_pull_rig
from tests.conformance.git_rig import git
from tests.sshd import Sshd, sshd

from keelway.core.errors import StaleEpoch, TheirFault
from keelway.core.release.version import release_name
from keelway.core.target.spec import StepSpec

pytestmark = pytest.mark.long


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[GitPullRig]:
    with git_pull_rig(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("ssh") / "d") as running:
        yield running


@pytest.fixture
def far(tmp_path: Path, server: Sshd) -> Iterator[GitPullRig]:
    with git_pull_rig(tmp_path, **settings_of(server)) as made:
        yield made


def settings_of(server: Sshd) -> dict[str, object]:
    return {
        "host": server.address,
        "port": server.port,
        "key": str(server.key),
        "known_hosts": str(server.known_hosts),
    }


def failing(code: str, act: object) -> str:
    assert callable(act)
    with pytest.raises(TheirFault) as caught:
        act()
    assert caught.value.code == code, caught.value
    return caught.value.message


def test_a_clone_that_serves_already_is_the_way_back_of_the_first_deployment(rig: GitPullRig) -> None:
    sha = rig.commit()
    git(rig.clone, "pull", "-q", str(rig.origin), "main")
    first = release_name(sha)
    state = rig.target.state("production")
    assert (state.active, state.healthy, state.releases[0].sha) == (first, True, sha)
    second = rig.live()
    assert rig.answering() == second
    rig.target.switch("production", {first: 100}, epoch=2)
    assert rig.answering() == first


def test_steps_run_in_order_with_the_release_in_their_environment(rig: GitPullRig) -> None:
    release = rig.live()
    sha = git(rig.clone, "rev-parse", "HEAD")
    assert rig.notes.read_text() == f"{release} {sha}\n"
    rig.target.switch("production", {release: 100}, epoch=1)
    assert rig.notes.read_text().count("\n") == 1, "what is live already is left alone"


def test_a_failing_step_names_itself_and_the_old_release_comes_back(rig: GitPullRig) -> None:
    old, bad = rig.live(), rig.built("fails")
    message = failing("step_failed", lambda: rig.target.switch("production", {bad: 100}, epoch=1))
    assert "'packages'" in message
    assert "ended with 3" in message
    assert "no such package" in message
    state = rig.target.state("production")
    assert (state.healthy, "was cut off" in state.detail) == (False, True)
    rig.target.switch("production", {old: 100}, epoch=1)
    assert (rig.answering(), rig.target.state("production").healthy) == (old, True)


def test_a_hanging_step_is_ended_with_all_that_it_started(rig: GitPullRig) -> None:
    _hangs(rig)


@pytest.mark.deploys
def test_a_hanging_step_of_another_machine_is_ended_with_all_that_it_started(far: GitPullRig) -> None:
    _hangs(far)


def _hangs(rig: GitPullRig) -> None:
    rig.alter(
        step=(StepSpec("packages", rig.project.environments[0].target.git_pull.step[0].run, "before", 1.0),)
    )
    before = _sleepers()
    bad = rig.built("hangs")
    message = failing("step_failed", lambda: rig.target.switch("production", {bad: 100}, epoch=1))
    assert "took longer than 1 s" in message
    assert "waits" in message
    end = time.monotonic() + 5
    while _sleepers() - before and time.monotonic() < end:
        time.sleep(0.05)
    assert _sleepers() - before == set()


def _sleepers() -> set[int]:
    found = set()
    for process in psutil.process_iter():
        try:
            if process.cmdline() == ["sleep", "300"] and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def test_files_that_somebody_altered_by_hand_stop_a_deployment(rig: GitPullRig) -> None:
    old = rig.live()
    (rig.clone / "schema").write_text("by hand")
    state = rig.target.state("production")
    assert (state.active, state.healthy, "schema" in state.detail) == (old, False, True)
    message = failing("tree_altered", rig.built)
    assert "schema" in message
    rig.target.switch("production", {old: 100}, epoch=1)
    assert (rig.clone / "schema").read_text() == "0", "the way back goes over it"
    rig.alter(overwrite=True)
    (rig.clone / "schema").write_text("by hand")
    assert rig.answering() == old
    assert rig.live() == rig.answering()


def test_a_clone_that_somebody_moved_is_seen(rig: GitPullRig) -> None:
    old, new = rig.live(), rig.live()
    git(rig.clone, "checkout", "-q", "HEAD~1")
    state = rig.target.state("production")
    assert (state.active, state.healthy) == (old, False)
    assert "by hand" in state.detail
    rig.target.switch("production", {new: 100}, epoch=1)
    assert rig.target.state("production").healthy


def test_a_commit_is_fetched_from_the_remote_of_the_clone(rig: GitPullRig) -> None:
    git(rig.clone, "remote", "add", "origin", str(rig.origin))
    rig.alter(remote="origin")
    old = rig.live()
    assert rig.answering() == old
    sha = rig.commit()
    git(rig.origin, "checkout", "-q", "--orphan", "other")
    git(rig.origin, "branch", "-q", "-D", "main")
    git(rig.origin, "commit", "-q", "-m", "unrelated")
    git(rig.origin, "gc", "-q", "--prune=now")
    git(rig.origin, "reflog", "expire", "--expire=now", "--all")
    git(rig.origin, "gc", "-q", "--prune=now")
    failing("build_failed", lambda: rig.target.build("production", sha, release_name(sha)))


def test_only_what_is_missing_is_sent(rig: GitPullRig) -> None:
    rig.live()
    rig.live()
    count = git(rig.clone, "count-objects", "-v").splitlines()
    assert git(rig.clone, "for-each-ref", "refs/keelway/sent") == ""
    assert git(rig.origin, "for-each-ref", "refs/keelway") == ""
    assert count


def test_secrets_do_not_get_into_faults(rig: GitPullRig) -> None:
    rig.vault.values["PACKAGES"] = "no such package"
    bad = rig.built("fails")
    message = failing("step_failed", lambda: rig.target.switch("production", {bad: 100}, epoch=1))
    assert "no such package" not in message
    assert "[PACKAGES]" in message


@pytest.mark.parametrize("place", ["folder", "clone", "inside"])
def test_a_place_that_is_no_clone_is_told(rig: GitPullRig, place: str) -> None:
    (rig.root / "empty").mkdir()
    (rig.clone / "inner").mkdir()
    folders = {"folder": "nowhere", "clone": "empty", "inside": "production/inner"}
    rig.alter(folder=str(rig.root / folders[place]))
    code = "no_folder" if place == "folder" else "no_clone"
    failing(code, rig.built)
    state = rig.target.state("production")
    assert (state.active, state.healthy, bool(state.detail)) == ("", False, True)


def test_a_holder_that_was_overtaken_stops_at_its_next_step(rig: GitPullRig) -> None:
    old = rig.live()
    slow = StepSpec("slow", ("sh", "-c", "touch ../began; sleep 5"), "before")
    after = StepSpec("never", ("touch", "../never"))
    rig.alter(step=(slow, after))
    new, ends = rig.built(), []

    def overtaken() -> None:
        try:
            rig.target.switch("production", {new: 100}, epoch=1)
        except StaleEpoch as end:
            ends.append(end)

    thread = threading.Thread(target=overtaken)
    thread.start()
    while not (rig.root / "began").exists():
        time.sleep(0.02)
    rig.alter(step=())
    rig.target.switch("production", {old: 100}, epoch=2)
    thread.join(20)
    assert (len(ends), rig.answering(), (rig.root / "never").exists()) == (1, old, False)


def test_a_deployment_that_was_cut_off_goes_on(rig: GitPullRig) -> None:
    old, new = rig.live(), rig.built()
    rig.alter(step=(StepSpec("fails", ("false",)),))
    failing("step_failed", lambda: rig.target.switch("production", {new: 100}, epoch=1))
    (rig.clone / ".git" / "index.lock").write_text("")
    assert old
    rig.alter(step=())
    rig.target.switch("production", {new: 100}, epoch=1)
    assert rig.answering() == new


@pytest.mark.deploys
@pytest.mark.timeout(900)
def test_twenty_deployments_over_ssh_and_the_way_back(far: GitPullRig) -> None:
    releases = []
    for number in range(20):
        releases.append(far.live(epoch=number + 1))
        assert far.answering() == releases[-1]
    began = time.monotonic()
    far.target.switch("production", {releases[-2]: 100}, epoch=30)
    seconds = time.monotonic() - began
    assert far.answering() == releases[-2]
    assert far.target.state("production").epoch == 30
    assert seconds < 20.0
    print(f"the way back over ssh took {seconds:.1f} s")


@pytest.mark.deploys
def test_a_host_that_is_not_known_or_not_there_is_never_trusted(far: GitPullRig, tmp_path: Path) -> None:
    far.live()
    (tmp_path / "nobody").write_text("")
    known = far.project.environment("production").target.git_pull.known_hosts
    far.alter(known_hosts=str(tmp_path / "nobody"))
    failing("host_unreachable", far.built)
    state = far.target.state("production")
    assert (state.active, state.healthy) == ("", False)
    assert "cannot be reached" in state.detail
    far.alter(known_hosts=known, port=1)
    failing("host_unreachable", far.built)


@pytest.mark.deploys
def test_what_a_step_is_told_is_never_a_command(far: GitPullRig) -> None:
    odd = """it's "$(touch stolen)" `touch stolen`; touch stolen & \\ * ~ $HOME"""
    far.alter(step=(StepSpec("odd", ("sh", "-c", 'printf %s "$1|$ODD" >odd', "-", odd)),), env={"ODD": odd})
    far.live()
    assert (far.clone / "odd").read_text() == f"{odd}|{odd}"
    assert not (far.clone / "stolen").exists()
    assert subprocess.run(["test", "-e", "stolen"], check=False).returncode == 1

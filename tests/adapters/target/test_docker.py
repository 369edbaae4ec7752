"""The docker target on a real engine: no request lost, everything pinned, adopted, fenced and cleaned up."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.adapters.target.docker_rig import INSIDE, DockerRig, docker_rig, real_engine
from tests.adapters.target.load import load
from tests.adapters.target.process_rig import PYTHON, deliver_to_both
from tests.adapters.target.test_process import beat, port_of, until
from tests.clients.cage.engine import Engine

from keelway.clients.shell import start_detached
from keelway.core.codec import to_json
from keelway.core.errors import TheirFault
from keelway.core.model.project import MigrationCommands
from keelway.core.release.version import release_name

pytestmark = [pytest.mark.deploys, pytest.mark.timeout(900)]

CHILD = """
import json, sys, time
from pathlib import Path
from tests.adapters.target.docker_rig import DockerRig
from keelway.core.codec import from_json
from keelway.core.model.project import Project
from keelway.testing.fakes.vault import FakeVault
root, verb, release = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
rig = DockerRig(root, from_json(Project, json.loads((root / "project.json").read_text())), FakeVault())
(root / "begun").write_text("x")
if verb == "start":
    rig.target.start("production", release, epoch=2)
else:
    rig.target.migrate("production", release, None, epoch=2)
(root / "done").write_text("x")
time.sleep(60)
"""
SLOW_MIGRATION = """
import os, sys, time
with open(os.environ["DATA"] + "/moves", "a") as file:
    file.write("begun\\n"); file.flush(); time.sleep(4); file.write("done\\n")
os.execvp("python3", ["python3", "migrate.py", "up"])
"""


@pytest.fixture(scope="module")
def podman() -> Iterator[Engine]:
    with real_engine() as started:
        yield started


@pytest.fixture
def rig(tmp_path: Path, podman: Engine) -> Iterator[DockerRig]:
    with docker_rig(tmp_path, podman) as made:
        yield made


def child(rig: DockerRig, verb: str, release: str) -> int:
    """Let another control process act; return its process id once it has begun."""
    (rig.root / "project.json").write_text(json.dumps(to_json(rig.project)))
    for name in ("begun", "done"):
        (rig.root / name).unlink(missing_ok=True)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    argv = (PYTHON, "-c", CHILD, str(rig.root), verb, release)
    pid = start_detached(argv, str(rig.root), env, str(rig.root / "child.log"))
    until((rig.root / "begun").exists, 30)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def state_of(rig: DockerRig, release: str) -> str:
    found = rig.target.state("production").releases
    return next((one.state for one in found if one.release == release), "")


def test_three_switches_under_load_lose_no_request(rig: DockerRig) -> None:
    old = rig.live()
    with load(port_of(rig)) as users:
        for _ in range(3):
            new = rig.live()
            rig.target.retire("production", old, epoch=1)
            old = new
    assert users.wrong == []
    assert len(users.good) == 4
    assert all(count > 0 for count in users.good.values())


def test_a_slow_answer_outlives_its_release(rig: DockerRig) -> None:
    old = rig.live()
    with load(port_of(rig), "/slow", users=2) as users:
        until(lambda: rig.target._site.traffic.state("production").of(old).inflight == 2)
        new = rig.live()
        rig.target.retire("production", old, epoch=1)
    assert users.wrong == []
    assert users.good[old] >= 2
    assert users.good[new] >= 1


def test_only_one_worker_beats_after_a_swap(rig: DockerRig) -> None:
    old = rig.live()
    assert beat(rig) == old
    new = rig.live()
    assert {beat(rig) for _ in range(3)} == {new}


def test_what_staging_tested_is_what_production_runs(rig: DockerRig) -> None:
    sha = rig.commit()
    release = release_name(sha)
    for environment in ("staging", "production"):
        rig.target.build(environment, sha, release)
    site = rig.target._site
    tested, shipped = (site.records.insist(name, release) for name in ("staging", "production"))
    assert tested.image == shipped.image
    rig.target.start("production", release, epoch=1)
    assert shipped.image in rig.said("inspect", rig.container(release), "--format", "{{.Image}}")
    assert rig.target.prune("staging", ()) == (release,)
    assert state_of(rig, release) == "running"
    rig.set_docker(build_args={"WHICH": "{release}"})
    sha = rig.commit()
    rig.target.build("staging", sha, release_name(sha))
    assert site.records.insist("staging", release_name(sha)).recipe != tested.recipe


def test_a_killed_control_process_is_continued(rig: DockerRig) -> None:
    old = rig.live()
    new = rig.built()
    pid = child(rig, "start", new)
    until((rig.root / "done").exists, 60)
    kill(pid)
    first = rig.container(new)
    assert rig.answering() == old
    rig.target.start("production", new, epoch=2)
    rig.target.switch("production", {new: 100}, epoch=2)
    assert rig.container(new) == first
    assert rig.answering() == new


def test_a_container_that_was_made_and_not_started_is_made_again(rig: DockerRig) -> None:
    old, new = rig.live(), rig.built()
    name = rig.target._site.name("production", new, "web")
    labels = rig.target._site.labels("production", new, "web", 1)
    words = [word for pair in labels.items() for word in ("--label", "=".join(pair))]
    rig.said("create", "--name", name, *words, "localhost/keelway-test:1", "sleep", "100")
    assert state_of(rig, new) == "built"
    assert rig.target.start("production", new, epoch=1).state == "running"
    rig.target.switch("production", {new: 100}, epoch=1)
    assert rig.answering() == new
    assert old != new


def test_a_migration_that_a_killed_process_began_is_waited_for(rig: DockerRig) -> None:
    (rig.origin / "slow.py").write_text(SLOW_MIGRATION)
    release = rig.built(schema=1)
    commands = replace(rig.project.migrate, up=(INSIDE, "slow.py"))
    rig.project = replace(rig.project, migrate=commands)
    moves = rig.home / "data/production/moves"
    pid = child(rig, "migrate", release)
    until(moves.exists, 90)
    kill(pid)
    moved = rig.target.migrate("production", release, None, epoch=2)
    assert moved.after == 1
    words = moves.read_text().split()
    assert words[:2] == ["begun", "done"]
    assert words in (["begun", "done"], ["begun", "done", "begun", "done"])


def test_a_web_process_that_dies_comes_back_and_is_counted(rig: DockerRig) -> None:
    release = rig.live()
    pid = int(rig.said("inspect", rig.container(release), "--format", "{{.State.Pid}}"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: rig.answering() == release, 30)
    state = rig.target.state("production")
    assert state.releases[0].restarts >= 1
    assert state.releases[0].state == "running"


def test_a_crash_loop_is_no_start(rig: DockerRig) -> None:
    old, bad = rig.live(), rig.built("crashes")
    with pytest.raises(TheirFault, match="it crashes") as caught:
        rig.target.start("production", bad, epoch=1)
    assert caught.value.code == "unhealthy"
    assert state_of(rig, bad) == "stopped"
    assert rig.answering() == old


def test_what_was_stopped_can_be_revived(rig: DockerRig) -> None:
    release = rig.live()
    rig.target.stop_all(2.0)
    assert rig.answering() == ""
    assert rig.said("ps", "--quiet") == ""
    rig.target.ensure()
    assert not rig.target.state("production").healthy
    assert rig.target.revive("production") == (release,)
    assert rig.target.revive("production") == ()
    assert rig.answering() == release
    assert beat(rig) == release


def test_two_environments_at_once(rig: DockerRig) -> None:
    release = deliver_to_both(rig, 120)
    assert rig.answering("staging") == rig.answering("production") == release


def test_an_engine_that_is_gone_is_said_and_no_exception(rig: DockerRig) -> None:
    release = rig.live()
    rig.set_docker(engine="unix:///nowhere/engine.sock")
    state = rig.target.state("production")
    assert (state.active, state.healthy) == (release, False)
    assert "/nowhere/engine.sock does not answer" in state.detail
    with pytest.raises(TheirFault) as caught:
        rig.target.start("production", release, epoch=1)
    assert caught.value.code == "engine_unreachable"
    assert rig.answering() == release
    rig.set_docker(engine=rig.podman.address)


def test_a_container_that_somebody_exchanged_is_seen(rig: DockerRig) -> None:
    release = rig.live()
    site = rig.target._site
    found = site.engine("production").find(site.name("production", release, "web"))
    assert found is not None
    rig.said("rm", "--force", "--time", "0", found.id)
    words = [word for pair in found.labels.items() for word in ("--label", "=".join(pair))]
    rig.said("run", "--detach", "--name", found.name, *words, "localhost/keelway-test:1", "sleep", "100")
    state = rig.target.state("production")
    assert not state.healthy
    assert "runs another image than the one that was built" in state.detail


def test_an_image_that_is_gone_is_no_way_back_and_is_built_again(rig: DockerRig) -> None:
    release = rig.live()
    other = rig.built()
    image = rig.target._site.records.insist("production", other).image
    rig.said("rmi", "--force", image)
    assert state_of(rig, other) == ""
    with pytest.raises(TheirFault) as caught:
        rig.target.start("production", other, epoch=1)
    assert caught.value.code == "image_gone", caught.value.message
    sha = rig.target._site.records.insist("production", other).sha
    rig.target.build("production", sha, other)
    assert rig.target.start("production", other, epoch=1).state == "running"
    assert rig.answering() == release


def test_prune_leaves_nothing_of_what_it_removes(rig: DockerRig) -> None:
    old, new = rig.live(), rig.live()
    rig.target.retire("production", old, epoch=1)
    half = rig.home / "releases/production/r-000000000000"
    half.mkdir()
    before = len(rig.said("images", "--quiet", "--no-trunc").split())
    assert rig.target.prune("production", ()) == (old,)
    assert rig.target.prune("production", ()) == ()
    assert len(rig.said("images", "--quiet", "--no-trunc").split()) < before
    assert old not in rig.said("ps", "--all", "--format", "{{.Names}}")
    assert not half.exists()
    assert sorted(path.name for path in (rig.home / "releases/production").iterdir()) == [new]
    assert rig.answering() == new


def test_a_build_is_bounded_in_time(rig: DockerRig) -> None:
    (rig.origin / "setup.py").write_text("import time; time.sleep(120)")
    sha = rig.commit()
    rig.project = replace(rig.project, setup_seconds_max=3.0)
    began = time.monotonic()
    with pytest.raises(TheirFault) as caught:
        rig.target.build("production", sha, release_name(sha))
    assert time.monotonic() - began < 30
    assert caught.value.code == "build_failed"
    assert rig.target.state("production").releases == ()


def test_a_migration_that_never_ends_is_ended(rig: DockerRig) -> None:
    release = rig.built()
    up = (INSIDE, "-c", "import time; time.sleep(120)")
    commands = replace(rig.project.migrate, up=up, seconds_max=2.0)
    rig.project = replace(rig.project, migrate=commands)
    began = time.monotonic()
    with pytest.raises(TheirFault, match="timed out") as caught:
        rig.target.migrate("production", release, None, epoch=1)
    assert time.monotonic() - began < 60
    assert caught.value.code == "migration_failed"
    assert rig.said("ps", "--all", "--quiet") == ""


def test_a_migration_is_bounded_and_its_output_kept(rig: DockerRig) -> None:
    release = rig.built()
    up = (INSIDE, "-c", "print('x' * 3_000_000); import sys; sys.exit('no such table')")
    rig.project = replace(rig.project, migrate=MigrationCommands(up, (), rig.project.migrate.status))
    with pytest.raises(TheirFault, match="no such table") as caught:
        rig.target.migrate("production", release, None, epoch=1)
    assert caught.value.code == "migration_failed"
    assert len(caught.value.message) < 5_000
    assert rig.said("ps", "--all", "--quiet") == ""

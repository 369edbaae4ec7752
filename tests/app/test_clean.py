"""What ended tasks and dead processes left is cleared away, once; what belongs to an open task stays."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.walks.tiny import config, git, make_repository

from keelway.app.bootstrap import App, build
from keelway.app.config import load_config
from keelway.app.home import Home
from keelway.app.upkeep.clean import Cleaned, Cleaner
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Actor, Request
from keelway.ports.ledger import TaskRow

pytestmark = pytest.mark.long

LATER = datetime.now(UTC) + timedelta(hours=1)


@dataclass
class Runs:
    """Answer how runs stand."""

    standing: dict[str, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    def status(self, run: str) -> str:
        return self.standing.get(run, "absent")

    def failure(self, run: str) -> str:
        return "a step does not fit"

    def start(self, story: str, run: str, payload: Any) -> None:
        self.started.append(run)
        self.standing[run] = "queued"


@dataclass
class Site:
    """Hold an application with tasks of which something is left."""

    app: App
    runs: Runs

    def task(self, text: str, status: Status = Status.RESEARCH) -> TaskRow:
        request = Request(text=text, requested_by=Actor("owner", "cli"), requested_at=datetime.now(UTC))
        row, _ = self.app.ledger.create(request, "greeter", text)
        branch = f"feature/{row.task.number}-x"
        base = self.app.doors.forge.head("develop")
        room = self.app.doors.sandbox.open(row.task.name, base, branch)
        (Path(room.path) / "new.py").write_text("1\n")
        self.app.doors.sandbox.collect(room, base, "m", branch)
        row = self.app.ledger.amend(row.task.id, branch=branch)
        return self.app.ledger.move(row.task.id, status) if status is not row.status else row

    def clean(self, now: datetime = LATER) -> Cleaned:
        runtime: Any = self.runs
        return Cleaner(self.app, runtime, now=lambda: now).clean()

    @property
    def branches(self) -> set[str]:
        said = git(
            self.app.home.repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/feature"
        )
        return set(said.split())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    repository = make_repository(tmp_path)
    (repository / "keelway.toml").write_text(config([1, 2]))
    return Site(build(load_config(repository / "keelway.toml"), Home(tmp_path / "h")), Runs())


def test_what_an_ended_task_left_goes_and_what_an_open_one_has_stays(site: Site) -> None:
    over, still = site.task("over", Status.FAILED), site.task("still")
    ledger, sandbox = site.app.ledger, site.app.doors.sandbox
    sandbox.open(f"{over.task.name}-plan", site.app.doors.forge.head("develop"), "plan")
    ledger.lease("production", over.task.id)
    ledger.lease("staging", still.task.id)
    ledger.lease("lane:greeter", "an-order")
    site.runs.standing = {still.task.id: "running", "an-order": "done"}
    dead = subprocess.Popen(["true"])
    dead.wait()
    (site.app.home.checkouts / f"ci-{dead.pid}-00000000" / "tree").mkdir(parents=True)

    done = site.clean()
    assert done == Cleaned(workspaces=2, branches=1, leases=2, checkouts=1)
    assert sandbox.rooms() == (still.task.name,)
    assert site.branches == {still.branch}
    assert [(lease.environment, lease.holder) for lease in ledger.leases()] == [("staging", still.task.id)]
    assert list(site.app.home.checkouts.glob("ci-*")) == []
    assert git(site.app.home.repository, "rev-parse", f"refs/keelway/tasks/{over.task.name}")

    assert site.clean() == Cleaned()
    told = [link.event for link in ledger.events() if link.event.data.get("record") == "clean-up"]
    assert [event.kind for event in told] == [EventKind.CONTROL_CHANGED]
    assert told[0].data["removed"] == {"workspaces": 2, "branches": 1, "leases": 2, "checkouts": 1}


@pytest.mark.parametrize("why", ["just ended", "run goes on", "unknown"])
def test_what_may_still_be_in_use_stays(site: Site, why: str) -> None:
    over = site.task("over", Status.FAILED)
    site.app.ledger.lease("production", over.task.id)
    now = LATER
    if why == "just ended":
        now = datetime.now(UTC)
    elif why == "run goes on":
        site.runs.standing = {over.task.id: "running"}
    else:
        site.app.ledger.release(site.app.ledger.leases()[0])
        site.app.ledger.lease("production", "nobody-knows")
        site.clean()
        assert [lease.holder for lease in site.app.ledger.leases()] == ["nobody-knows"]
        return
    assert site.clean(now) == Cleaned()
    assert site.app.doors.sandbox.rooms() == (over.task.name,)


def test_one_thing_that_cannot_go_does_not_keep_the_others(site: Site) -> None:
    rows = [site.task(f"over {number}", Status.FAILED) for number in range(2)]
    folder = site.app.home.workspaces / rows[0].task.name
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    folder.symlink_to("/etc")
    done = site.clean()
    assert done.branches == 2
    assert rows[1].task.name not in site.app.doors.sandbox.rooms()
    assert Path("/etc/passwd").exists()


def test_a_task_whose_story_broke_is_closed_once_and_others_go_on(site: Site) -> None:
    broke, goes_on, fresh = (site.task(text) for text in ("broke", "goes on", "fresh"))
    site.runs.standing = {broke.task.id: "failed", goes_on.task.id: "running"}
    assert site.clean(datetime.now(UTC)).stories == 0, "what moved a moment ago may still be closing itself"
    assert site.clean().stories == 1
    assert [run.partition(":")[0] for run in site.runs.started] == [broke.task.id]
    assert site.clean().stories == 0
    site.app.ledger.move(fresh.task.id, Status.FAILED)
    site.runs.standing[fresh.task.id] = "done"
    site.clean()
    assert len(site.runs.started) == 1


def test_a_note_that_was_half_written_goes_with_its_task(site: Site) -> None:
    over, still = site.task("over", Status.FAILED), site.task("still")
    for row in (over, still):
        (site.app.home.workspaces / f".{row.task.name}.json.k1ll3d").write_text("{")
    site.clean()
    assert [path.name for path in site.app.home.workspaces.glob(".*")] == [f".{still.task.name}.json.k1ll3d"]
    site.app.doors.sandbox.close(still.task.name)
    assert list(site.app.home.workspaces.iterdir()) == []

"""A control plane on real git, a real book and the durable engine: ``control.py FOLDER ACT POINTS [...]``.

POINTS are names like ``forge.merge:after:2``, joined by commas: one process dies at each, in turn,
and one more lives to the end and describes it in FOLDER/end.json. ``prepare FOLDER`` makes a
folder in which both environments run the first release. Every life is a forked process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import make_origin
from tests.crash.doors import Door, Kept, Killer, Shelf, people_see
from tests.crash.end import describe
from tests.crash.life import ACTS, ReadingTarget
from tests.workflows.world import BASE_FILES, PROJECT

from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Request
from keelway.core.policy import Policy, ReviewPolicy, WatchPolicy
from keelway.engine.durable import DbosEngine
from keelway.ports.agent import Assignment, Effort, Stop
from keelway.routines.context import Doors
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.testing.fakes.agent import FakeAgent
from keelway.testing.fakes.backup import FakeBackup
from keelway.testing.fakes.channel import FakeNotifier
from keelway.testing.fakes.ci import FakeCi
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.signal import FakeSignal
from keelway.testing.fakes.vault import FakeVault

LIFE_SECONDS_MAX = 180.0
_SHORT: dict[str, Any] = {
    "window_seconds": 0.5,
    "tick_seconds": 0.1,
    "stabilise_seconds": 0.0,
    "history_seconds": 2.0,
    "on_inconclusive": "pass",
}
POLICY = Policy(
    review=ReviewPolicy(auto_merge_risk="low"),
    watch=WatchPolicy(watch_seconds=0.3, interval_seconds=0.3),
    staging=replace(Policy().staging, **_SHORT),
    production=replace(Policy().production, **_SHORT),
)


class Plane:
    """Wire one control plane on a folder."""

    def __init__(self, folder: Path, act: str, point: str) -> None:
        self.folder, self.home = folder, Home(folder / "home")
        self.home.prepare()
        self.killer = Killer(folder, point)
        self.database = open_database(self.home.database_url)
        upgrade(self.database)
        self.ledger = SqlLedger(self.database, self.home.root)
        self.pulls = SqlPullBook(self.database, self.home.root)
        self.forge = LocalForge(
            str(self.home.repository), str(folder / "origin"), PROJECT.branches, self.pulls
        )
        self.target = ReadingTarget(PROJECT, lambda: datetime.now(UTC))
        self.target.forge = Shelf(self.forge)  # type: ignore[assignment]
        for place in self.target.places.values():
            place.schema = 1
        backup = FakeBackup({STAGING: {"ships": 3}, PRODUCTION: {"ships": 100}})
        self.kept = {
            "target": Kept(folder / "target", self.target, ("places",)),
            "backup": Kept(folder / "backup", backup, ("data", "taken", "restored")),
            "notifier": Kept(folder / "notifier", FakeNotifier(), ("messages", "_keys")),
        }
        self.engine = DbosEngine(self.home.database_url, self.home.root, poll_seconds=0.05)
        app = App(_config(folder), self.home, self._doors(act), self.ledger, self.pulls, FakeVault())
        app = replace(app, ledger=self._door("ledger", self.ledger))
        self.app, self.commands = app, Commands(app, self.engine)
        app.launch(self.engine)

    def _doors(self, act: str) -> Doors:
        plays = {key: play if callable(play) else _writes(play) for key, play in ACTS[act].items()}
        sandbox = PrivateClone(
            str(self.home.repository), str(self.home.workspaces), protected=PROJECT.branches.protected
        )
        return Doors(
            agent=self._door("agent", FakeAgent(plays, dict)),
            sandbox=self._door("sandbox", sandbox, self._people_see),
            forge=self._door("forge", self.forge, self._people_see),
            ci=self._door("ci", FakeCi(self.target.forge, PROJECT)),
            target=self._door("target", self.kept["target"], self._runs),
            backup=self._door("backup", self.kept["backup"], self.kept["backup"].everything),
            probe=self._door("probe", FakeProbe(self.target.health)),
            signal=self._door("signal", FakeSignal(self.target.traffic)),
            notifier=self._door("notifier", self.kept["notifier"], self.kept["notifier"].everything),
            ledger=self._door("ledger", self.ledger),
        )

    def _door(self, name: str, inner: Any, state: Any = None) -> Any:
        return Door(name, inner, self.killer, state)

    def _people_see(self) -> Any:
        return people_see(self.home.repository, self.database)

    def _runs(self) -> Any:
        return {
            name: (place.built, sorted(place.running), place.weights, place.workers, place.schema)
            for name, place in self.target.places.items()
        }

    def wait(self, *runs: str) -> None:
        """Wait until runs have ended; the owner says yes to every question meanwhile."""
        deadline = time.monotonic() + LIFE_SECONDS_MAX
        while any(self.engine.status(run) != "done" for run in runs):
            for question in self.ledger.questions():
                self.killer.reach("people.decide", "people.decide", "before")
                self.commands.approve(question.task, OWNER)
                self.killer.reach("people.decide", "people.decide", "after")
            if time.monotonic() > deadline or any(self.engine.status(run) == "failed" for run in runs):
                said = {run: (self.engine.status(run), self.engine.failure(run)) for run in runs}
                raise TimeoutError(f"{said} {self.ledger.tasks()}")
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of threads and files."""
        self.engine.close()
        self.database.dispose()


def _writes(files: dict[str, str]) -> Any:
    def play(assignment: Assignment) -> Effort:
        for name, text in files.items():
            path = Path(assignment.workspace) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Effort(Stop.COMPLETED, "Done.")

    return play


def _config(folder: Path) -> Config:
    file = ConfigFile(ProjectSection(PROJECT.name), EnvironmentSection(8001), EnvironmentSection(8002))
    return Config(replace(file, policy=POLICY), folder / "origin" / "keelway.toml", PROJECT, POLICY)


def prepare(folder: Path) -> None:
    """Make an origin and bring it to both environments."""
    make_origin(folder / "origin", BASE_FILES)
    plane = Plane(folder, "b", "")
    for environment in (STAGING, PRODUCTION):
        run = plane.commands.deploy(environment, "", OWNER).run
        plane.wait(run)
        assert plane.engine.result(run)["ok"], plane.engine.result(run)
    for kept in plane.kept.values():
        kept.keep()
    plane.close()
    (folder / "effects").unlink()


def live(folder: Path, act: str, point: str) -> None:
    """Live one act from where it stands to its end, or to the appointed point."""
    plane = Plane(folder, act, point)
    tasks = plane.ledger.tasks()
    if not tasks:
        plane.commands.submit(Request("Add the number two", OWNER, datetime.now(UTC)))
        tasks = plane.ledger.tasks()
    plane.commands.resubmit_unstarted()
    task = tasks[0].task.id
    plane.wait(task, *([f"{task}:watch-1"] if act == "b" else []))
    end = describe(plane.ledger, plane.forge, plane.target, plane.kept, folder)
    plane.close()
    (folder / "end.json").write_text(json.dumps(end, indent=1, sort_keys=True))


def forked(folder: Path, work: Any, *words: Any) -> int:
    """Do something in a process of its own and say how it ended: 0, 1 or minus the signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    try:
        work(folder, *words)
    except BaseException:  # noqa: BLE001 - the parent reads how it ended
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(words: list[str]) -> None:
    """Prepare a folder, or live in copies of it."""
    if words[0] == "prepare":
        folder = Path(words[1])
        if forked(folder, prepare):
            sys.exit((folder / "stderr").read_text())
        return
    template = Path(words[0])
    for name, act, points in zip(words[1::3], words[2::3], words[3::3], strict=True):
        folder = Path(name)
        shutil.copytree(template, folder, dirs_exist_ok=True)
        began = time.monotonic()
        ends = [forked(folder, live, act, point) for point in [*filter(None, points.split(",")), ""]]
        (folder / "ends.json").write_text(json.dumps([ends, time.monotonic() - began]))


if __name__ == "__main__":
    main(sys.argv[1:])

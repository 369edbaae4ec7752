"""A control plane on real git, a real book and the durable engine; the other doors are fakes whose state survives it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.crash.doors import Door, Kept, Killer, Shelf, people_see
from tests.crash.life import ReadingTarget
from tests.workflows.world import PROJECT

from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection
from keelway.core.errors import RequestRefused
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
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
from keelway.testing.fakes.hook import FakeHooks
from keelway.testing.fakes.index import FakeIndex
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.scanner import FakeScanners
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
    intake=replace(Policy().intake, tasks_per_hour_max=10_000),
    review=ReviewPolicy(auto_merge_risk="low"),
    watch=WatchPolicy(watch_seconds=0.3, interval_seconds=0.3),
    staging=replace(Policy().staging, **_SHORT),
    production=replace(Policy().production, **_SHORT),
)
BEAT_SECONDS, LEASE_SECONDS = 0.5, 3.0

Plays = Mapping[tuple[str, int], Any]


@dataclass(frozen=True)
class Setting:
    """Say where a control plane works and how."""

    folder: Path
    plays: Plays
    point: str = ""
    worker: str = ""
    """Name of this worker when several share the work, each in a home of its own."""
    policy: Policy = POLICY
    poll_seconds: float | None = None
    """How often the queues are asked; nothing is as often as everywhere."""
    counted: bool = True
    """Whether every effect is looked for in the whole of what people see, which grows with the square of the tasks."""

    @property
    def home(self) -> Home:
        """Return the home; a file beside it names the store when that is PostgreSQL."""
        named = self.folder / "store"
        return Home(self.folder / "home", named.read_text() if named.exists() else "")


class Plane:
    """Wire one control plane on a folder."""

    def __init__(self, setting: Setting) -> None:
        folder, self.home, self.counted = setting.folder, setting.home, setting.counted
        self.home.prepare()
        self.killer = Killer(folder, setting.point)
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
        self.engine = self._engine(setting)
        app = App(
            _config(folder, setting.policy),
            self.home,
            self._doors(setting.plays),
            self.ledger,
            self.pulls,
            FakeVault(),
        )
        app = replace(app, ledger=self._door("ledger", self.ledger))
        self.app, self.commands = app, Commands(app, self.engine)
        app.launch(self.engine)

    def _engine(self, setting: Setting) -> DbosEngine:
        url = self.home.database_url
        if not setting.worker:
            return DbosEngine(url, self.home.root, poll_seconds=setting.poll_seconds)
        from keelway.engine.crew import Crew, this_worker
        from keelway.store.roster import open_roster

        crew = Crew(this_worker(("all",)), open_roster(url), BEAT_SECONDS, LEASE_SECONDS)
        return DbosEngine(url, setting.folder / setting.worker, crew, poll_seconds=setting.poll_seconds)

    def _doors(self, plays: Plays) -> Doors:
        played: Plays = plays
        if isinstance(plays, dict):
            played = {key: play if callable(play) else writes(play) for key, play in plays.items()}
        sandbox = PrivateClone(
            str(self.home.repository), str(self.home.workspaces), protected=PROJECT.branches.protected
        )
        target = self.kept["target"]
        return Doors(
            agent=self._door("agent", FakeAgent(played, dict)),
            sandbox=self._door("sandbox", sandbox, self._people_see),
            forge=self._door("forge", self.forge, self._people_see),
            ci=self._door("ci", FakeCi(self.target.forge, PROJECT)),
            target=self._door("target", target, self._runs),
            backup=self._door("backup", self.kept["backup"], self.kept["backup"].everything),
            probe=self._door("probe", FakeProbe(target.health)),
            signal=self._door("signal", FakeSignal(target.traffic)),
            notifier=self._door("notifier", self.kept["notifier"], self.kept["notifier"].everything),
            ledger=self._door("ledger", self.ledger),
            index=FakeIndex(),
            scanner=FakeScanners(),
            hook=FakeHooks(),
        )

    def _door(self, name: str, inner: Any, state: Any = None) -> Any:
        return Door(name, inner, self.killer, state if self.counted else None)

    def _people_see(self) -> Any:
        return people_see(self.home.repository, self.database)

    def _runs(self) -> Any:
        return {
            name: (place.built, sorted(place.running), place.weights, place.workers, place.schema)
            for name, place in self.kept["target"].everything()["places"].items()
        }

    def wait(self, *runs: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until runs have ended; the owner says yes to every question meanwhile."""
        deadline = time.monotonic() + LIFE_SECONDS_MAX
        while any(self.engine.status(run) not in {"done", "cancelled"} for run in runs):
            self.answer()
            meanwhile()
            if time.monotonic() > deadline or any(self.engine.status(run) == "failed" for run in runs):
                said = {run: (self.engine.status(run), self.engine.failure(run)) for run in runs}
                raise TimeoutError(f"{said} {self.ledger.tasks()}")
            time.sleep(0.02)

    def answer(self) -> None:
        """Let the owner say yes to every open question."""
        for question in self.ledger.questions():
            self.killer.reach("people.decide", "people.decide", "before")
            with suppress(RequestRefused):  # another worker's owner was faster
                self.commands.approve(question.task, OWNER)
            self.killer.reach("people.decide", "people.decide", "after")

    def close(self) -> None:
        """Let go of threads and files."""
        self.engine.close()
        self.database.dispose()


def writes(files: dict[str, str]) -> Any:
    """Play the agent that writes files."""

    def play(assignment: Assignment) -> Effort:
        for name, text in files.items():
            path = Path(assignment.workspace) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Effort(Stop.COMPLETED, "Done.")

    return play


def _config(folder: Path, policy: Policy) -> Config:
    file = ConfigFile(ProjectSection(PROJECT.name), EnvironmentSection(8001), EnvironmentSection(8002))
    return Config(replace(file, policy=policy), folder / "origin" / "keelway.toml", PROJECT, policy)

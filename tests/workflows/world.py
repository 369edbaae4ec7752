"""A whole Keelway in memory and virtual time: real stories, real ledger, fakes at the doors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.book import fresh_store

from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import (
    PRODUCTION,
    STAGING,
    CheckCommand,
    EnvironmentSpec,
    ProcessCommand,
    Project,
)
from keelway.core.model.task import OWNER, Actor, Request
from keelway.core.policy import Policy, ReviewPolicy, WatchPolicy
from keelway.engine.journal import CrashAt, Journal
from keelway.engine.memory import MemoryEngine
from keelway.ports.agent import Assignment, Effort, Stop
from keelway.ports.ledger import TaskRow
from keelway.routines.context import Doors
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.testing.clock import VirtualClock
from keelway.testing.fakes.agent import FakeAgent
from keelway.testing.fakes.backup import FakeBackup
from keelway.testing.fakes.channel import FakeNotifier
from keelway.testing.fakes.ci import FakeCi
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.hook import FakeHooks
from keelway.testing.fakes.in_place import FakeInPlaceTarget
from keelway.testing.fakes.index import FakeIndex
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.sandbox import FakeSandbox
from keelway.testing.fakes.scanner import FakeScanners
from keelway.testing.fakes.signal import FakeSignal
from keelway.testing.fakes.target import FakeTarget
from keelway.testing.fakes.vault import FakeVault

BASE_FILES = {
    "app.py": "one = 1\n",
    "tests/test_app.py": 'from pathlib import Path\n\n\ndef test_one():\n    assert "one" in Path("app.py").read_text()\n',
}
PLAN = {
    "title": "Answer with two",
    "approach": "Add a second number.",
    "kind": "feat",
    "create": ["two.py", "tests/test_two.py"],
    "probes": [{"path": "/two", "status": 200}],
    "test_plan": ["two is there"],
    "usage": "GET /two",
    "lines_estimate": 10,
}
GOOD_EDITS = {
    "two.py": "two = 2\n",
    "tests/test_two.py": 'from pathlib import Path\n\n\ndef test_two():\n    assert "two" in Path("two.py").read_text()\n',
}
BRIEF = Policy(
    watch=WatchPolicy(watch_seconds=1800.0),
    staging=replace(Policy().staging, window_seconds=120.0, tick_seconds=30.0),
    production=replace(Policy().production, window_seconds=300.0, tick_seconds=30.0),
)
"""Looks seldom and watches for half an hour only, so that most lives are short."""
TRUSTING = replace(BRIEF, review=ReviewPolicy(auto_merge_risk="medium"))
"""Merges alone."""

PROJECT = Project(
    "fake",
    checks=(CheckCommand("lint", ("lint",)), CheckCommand("tests", ("tests", "{junit}"), kind="tests")),
    test_paths=("tests/*",),
    source_paths=("*.py",),
    processes=(ProcessCommand("web", ("web",)), ProcessCommand("worker", ("worker",))),
    environments=(EnvironmentSpec(STAGING, 8001), EnvironmentSpec(PRODUCTION, 8002)),
)


def plan_of(**changed: Any) -> Callable[[Assignment], Effort]:
    """Play the planner that answers with a plan."""
    return lambda _: Effort(Stop.COMPLETED, json.dumps({**PLAN, **changed}))


@dataclass
class World:
    """Hold everything of one test; ``restart`` is a process that died and came back."""

    home: Path
    policy: Policy = TRUSTING
    project: Project = PROJECT
    plays: dict[tuple[str, int], Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=lambda: BASE_FILES)
    journal: Journal = field(default_factory=Journal)
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.plays = {("plan", 1): plan_of(), ("dev", 1): GOOD_EDITS, **self.plays}
        self.forge = FakeForge(self.files, self.project.branches)
        self.sandbox = FakeSandbox(self.forge)
        self.agent = FakeAgent(self.plays, self.sandbox.files)
        kind = (
            FakeInPlaceTarget
            if any(spec.target.in_place for spec in self.project.environments)
            else FakeTarget
        )
        self.target = kind(self.project, self.clock.now)
        self.backup = FakeBackup({STAGING: {"ships": 3}, PRODUCTION: {"ships": 100}})
        self.signal = FakeSignal(self.target.traffic)
        self.notifier = FakeNotifier()
        self.index = FakeIndex(self.clock)
        self.scanner = FakeScanners()
        self.hooks = FakeHooks()
        database = fresh_store(self.home / "keelway.sqlite")
        self.database = database
        self.ledger = SqlLedger(database, self.home, clock=self.clock.now)
        doors = Doors(
            agent=self.agent,
            sandbox=self.sandbox,
            forge=self.forge,
            ci=FakeCi(self.forge, self.project),
            target=self.target,
            backup=self.backup,
            probe=FakeProbe(self.target.health),
            signal=self.signal,
            notifier=self.notifier,
            ledger=self.ledger,
            index=self.index,
            scanner=self.scanner,
            hook=self.hooks,
        )
        file = ConfigFile(
            ProjectSection(self.project.name), EnvironmentSection(8001), EnvironmentSection(8002)
        )
        config = Config(
            replace(file, policy=self.policy), self.home / "keelway.toml", self.project, self.policy
        )
        self.app = App(
            config, Home(self.home), doors, self.ledger, SqlPullBook(database, self.home), FakeVault()
        )
        self.engine = self.restart()

    def restart(self, crash: CrashAt | None = None) -> MemoryEngine:
        """Begin a new engine on the same journal and the same world."""
        self.engine = MemoryEngine(self.journal, clock=self.clock, crash=crash)
        self.commands = Commands(self.app, self.engine, now=self.clock.now)
        self.app.launch(self.engine)
        return self.engine

    def close(self) -> None:
        """Let go of threads and files."""
        self.engine.close()
        self.database.dispose()

    def baseline(self) -> str:
        """Bring the present production branch to both environments, as ``keelway up`` does."""
        for environment in (STAGING, PRODUCTION):
            self.commands.deploy(environment, "", OWNER)
            self.engine.run_until_idle()
        active = self.target.places[PRODUCTION].active
        assert active
        return active

    def ask(self, text: str = "Add the number two", **fields: Any) -> TaskRow:
        """Submit a request and let everything happen until nothing moves any more."""
        row = self.submit(text, **fields)
        self.run()
        return self.ledger.find(row.task.id)

    def submit(self, text: str = "Add the number two", **fields: Any) -> TaskRow:
        """Submit a request and nothing else."""
        by = fields.pop("by", OWNER)
        return self.commands.submit(Request(text, by, self.clock.now(), **fields))

    def run(self) -> None:
        """Let everything happen."""
        self.engine.run_until_idle()

    def told(self) -> str:
        """Return everything that people were told."""
        return "\n".join(f"{message.subject}\n{message.body}" for message in self.notifier.messages)

    def tree(self, branch: str) -> dict[str, str]:
        """Return the files of a branch."""
        return dict(self.forge.history[self.forge.head(branch)].files)


ANN = Actor("ann", "chat")
DONE = Status.DEPLOYED

"""The recorded plays of the demo, against Keelway's real gates, real git and Harbor's own checks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.conformance.git_rig import git

from keelway.adapters.agent.replay import ReplayAgent
from keelway.adapters.ci.local import LocalCi
from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.app.config import load_config
from keelway.app.home import Home
from keelway.app.scan.choose import make_bench
from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import Plan, parse_plan
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Request, Source
from keelway.core.model.verdict import Ruling
from keelway.core.policy import WatchPolicy
from keelway.core.rule.risk import assess_plan
from keelway.engine.journal import Journal
from keelway.engine.memory import MemoryEngine
from keelway.ports.ledger import TaskRow
from keelway.routines.context import Doors
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.testing.clock import VirtualClock
from keelway.testing.fakes.backup import FakeBackup
from keelway.testing.fakes.channel import FakeNotifier
from keelway.testing.fakes.hook import FakeHooks
from keelway.testing.fakes.index import FakeIndex
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.signal import FakeSignal
from keelway.testing.fakes.target import FakeTarget
from keelway.testing.fakes.vault import FakeVault

HARBOR = Path(__file__).parents[2] / "examples" / "harbor"
STORY = HARBOR / "plays" / "story.json"
NOT_COPIED = shutil.ignore_patterns(
    ".venv", "__pycache__", ".*_cache", ".coverage*", "plays", "*.db*", "*.jsonl"
)
ASKED = {
    "b": "Let ships book a pilot: POST /pilots books one, GET /pilots lists the bookings",
    "c": "Sign every answer of the harbour office in the channel with the name of the house",
    "d": "Fix ZeroDivisionError: float division by zero on POST /arrivals",
    "e": "Let small ships use longer berths, a little waste of quay is no harm",
    "f": "Let people find ships by name: GET /ships?name=Auro",
}


@dataclass
class Yard:
    """Harbor in a real repository, real agent, forge and checks; what runs is simulated in virtual time."""

    root: Path

    def __post_init__(self) -> None:
        origin = shutil.copytree(HARBOR, self.root / "harbor", ignore=NOT_COPIED)
        git(origin, "init", "-q", "-b", "main")
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "Harbor")
        config = load_config(origin / "keelway.toml")
        policy = replace(config.policy, watch=WatchPolicy(watch_seconds=1.0, interval_seconds=1.0))
        project, home = config.project, Home(self.root / "home")
        home.prepare()
        self.clock, bare = VirtualClock(), str(home.repository)
        self.database = open_database(home.database_url)
        upgrade(self.database)
        self.ledger = SqlLedger(self.database, home.root, clock=self.clock.now)
        pulls = SqlPullBook(self.database, home.root)
        target = FakeTarget(project, self.clock.now)
        self.forge = LocalForge(bare, str(origin), project.branches, pulls)
        doors = Doors(
            agent=ReplayAgent(str(STORY), str(home.agents)),
            sandbox=PrivateClone(bare, str(home.workspaces), protected=project.branches.protected),
            forge=self.forge,
            ci=LocalCi(project, bare, str(home.checkouts)),
            target=target,
            backup=FakeBackup({STAGING: {}, PRODUCTION: {}}),
            probe=FakeProbe(target.health),
            signal=FakeSignal(target.traffic),
            notifier=FakeNotifier(),
            ledger=self.ledger,
            index=FakeIndex(),
            scanner=make_bench(config, home, FakeVault()),
            hook=FakeHooks(),
        )
        app = App(replace(config, policy=policy), home, doors, self.ledger, pulls, FakeVault())
        self.engine = MemoryEngine(Journal(), clock=self.clock)
        self.commands = Commands(app, self.engine, now=self.clock.now)
        app.launch(self.engine)
        for environment in (STAGING, PRODUCTION):
            self.commands.deploy(environment, "", OWNER)
            self.engine.run_until_idle()

    def play(self, act: str) -> TaskRow:
        """Ask what an act asks, say yes where a person is asked, and let everything happen."""
        source = Source.DETECTOR if act == "d" else Source.CLI
        row = self.commands.submit(Request(ASKED[act], OWNER, self.clock.now(), source))
        self.engine.run_until_idle(until=self.clock.now())
        for _ in range(3):
            self.engine.run_until_idle(until=self.clock.now())
            if self.ledger.questions(task=row.task.id):
                self.commands.approve(row.task.name, OWNER)
        self.engine.run_until_idle()
        return self.ledger.find(row.task.id)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.engine.close()
    made.database.dispose()


def plans() -> list[Plan]:
    plays = json.loads(STORY.read_text())["plays"]
    return [parse_plan(play["steps"][0]["text"]) for play in plays if play["role"] == "plan"]


@pytest.mark.parametrize("plan", plans(), ids=lambda plan: plan.title)
def test_every_plan_goes_on_without_a_person(plan: Plan):
    policy = load_config(HARBOR / "keelway.toml").policy
    files = tuple(str(path.relative_to(HARBOR)) for path in HARBOR.rglob("*") if ".venv" not in path.parts)
    risk = assess_plan(plan, policy)
    verdict = judge_plan(PlanFacts(plan=plan, risk=risk, approval=None, known_files=files), policy)
    assert verdict.ruling is Ruling.PASS, verdict.reasons


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("act", "iterations"), [("b", 2), ("c", 1), ("d", 1), ("f", 1)])
def test_an_honest_play_gets_through_every_gate(yard: Yard, act: str, iterations: int):
    row = yard.play(act)
    assert (row.status, row.iterations) == (Status.DEPLOYED, iterations), row.error


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_the_play_that_weakens_a_test_is_refused_twice_and_merges_nothing(yard: Yard):
    before = {branch: yard.forge.head(branch) for branch in ("develop", "main")}
    row = yard.play("e")
    assert (row.status, row.code, row.iterations) == (Status.FAILED, "same_failure_again", 2)
    assert "test_the_least_wasteful_berth_comes_first" in row.error
    assert {branch: yard.forge.head(branch) for branch in ("develop", "main")} == before

"""One task learns from another: real git, real checks, the real scripted agent and the real store, in virtual time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.walks.tiny import BYE, BYE_TEST, PLAN, config, free_ports, git, make_repository

from keelway.adapters.agent.replay import ReplayAgent
from keelway.adapters.ci.local import LocalCi
from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.app.config import load_config
from keelway.app.home import Home
from keelway.app.scan.choose import make_bench
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Request
from keelway.core.policy import WatchPolicy
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

LOOK = """\
import pathlib, sys
bad = [n for n, row in enumerate(pathlib.Path("greeter.py").read_text().splitlines(), 1) if "MARK" in row]
print(*(f"greeter.py:{n}: error: M001 a mark is left" for n in bad), sep="\\n")
sys.exit(bool(bad))
"""
OTHERWISE = {**PLAN, "title": "Part as friends", "approach": "Let the table of answers have one more row."}


def edits(mark: str) -> list[dict[str, str]]:
    """Return the steps of a play that does the work, with a mark that the check refuses, or without one."""
    text = BYE.replace('"""A greeter."""', f'"""A greeter."""{mark}')
    return [
        {"do": "edit", "path": "greeter.py", "text": text},
        {"do": "edit", "path": "tests/test_bye.py", "text": BYE_TEST},
    ]


def play(word: str, attempt: int, mark: str) -> dict[str, object]:
    return {"match": word, "role": "dev", "attempt": attempt, "steps": edits(mark)}


PLAYS = {
    "plays": [
        {"match": "first", "role": "plan", "steps": [{"do": "say", "text": json.dumps(PLAN)}]},
        {"match": "second", "role": "plan", "steps": [{"do": "say", "text": json.dumps(OTHERWISE)}]},
        play("first", 1, "\n\n# MARK one"),
        play("first", 2, "\n\n# MARK two"),
        play("second", 1, "\n\n# MARK three"),
        play("second", 2, "\n\n# MARK two"),
        play("second", 3, ""),
    ]
}


@dataclass
class Yard:
    """Hold a greeter in a real repository; what runs is simulated."""

    root: Path

    def __post_init__(self) -> None:
        origin = make_repository(self.root)
        script = self.root / "plays.json"
        script.write_text(json.dumps(PLAYS))
        marks = f'[[check]]\nname = "marks"\nrun = ["{sys.executable}", "marks.py"]\n\n[[process]]'
        (origin / "keelway.toml").write_text(config(free_ports(2)).replace("[[process]]", marks))
        (origin / "marks.py").write_text(LOOK)
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "Look for marks")
        found = load_config(origin / "keelway.toml")
        policy = replace(found.policy, watch=WatchPolicy(watch_seconds=1.0, interval_seconds=1.0))
        project, home = found.project, Home(self.root / "home")
        home.prepare()
        self.clock, bare = VirtualClock(), str(home.repository)
        self.database = open_database(home.database_url)
        upgrade(self.database)
        self.ledger = SqlLedger(self.database, home.root, clock=self.clock.now)
        pulls = SqlPullBook(self.database, home.root)
        target = FakeTarget(project, self.clock.now)
        doors = Doors(
            agent=ReplayAgent(str(script), str(home.agents)),
            sandbox=PrivateClone(bare, str(home.workspaces), protected=project.branches.protected),
            forge=LocalForge(bare, str(origin), project.branches, pulls),
            ci=LocalCi(project, bare, str(home.checkouts)),
            target=target,
            backup=FakeBackup({STAGING: {}, PRODUCTION: {}}),
            probe=FakeProbe(target.health),
            signal=FakeSignal(target.traffic),
            notifier=FakeNotifier(),
            ledger=self.ledger,
            index=FakeIndex(),
            scanner=make_bench(found, home, FakeVault()),
            hook=FakeHooks(),
        )
        app = App(replace(found, policy=policy), home, doors, self.ledger, pulls, FakeVault())
        self.engine = MemoryEngine(Journal(), clock=self.clock)
        self.commands = Commands(app, self.engine, now=self.clock.now)
        app.launch(self.engine)
        for environment in (STAGING, PRODUCTION):
            self.commands.deploy(environment, "", OWNER)
            self.engine.run_until_idle()

    def ask(self, text: str) -> TaskRow:
        """Ask and let everything happen."""
        row = self.commands.submit(Request(text, OWNER, self.clock.now()))
        self.engine.run_until_idle()
        return self.ledger.find(row.task.id)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.engine.close()
    made.database.dispose()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_what_one_task_tried_in_vain_the_next_one_does_not_try_again(yard: Yard):
    first = yard.ask("Add a page that says goodbye, first")
    assert (first.status, first.code) == (Status.FAILED, "same_failure_again")
    second = yard.ask("Add a page for parting, second")
    assert (second.status, second.iterations) == (Status.DEPLOYED, 3), second.error
    events = [link.event for link in yard.ledger.events(task=second.task.id, limit=5_000)]
    judged = [event.data["findings"] for event in events if event.kind is EventKind.GATE_JUDGED]
    (refused,) = [found for found in judged if found[0]["code"] == "failed_before"]
    assert "This is what T-1 tried" in refused[0]["message"]
    checked = [event.data["effect"] for event in events if event.kind is EventKind.EFFECT_DONE]
    assert {"checks:1", "checks:3"} <= set(checked)
    assert "checks:2" not in checked
    told = {
        number for event in events if event.kind is EventKind.LESSON_TOLD for number in event.data["lessons"]
    }
    assert {lesson.number for lesson in yard.ledger.lessons(task="T-1")} & told
    cured = [lesson for lesson in yard.ledger.lessons(task="T-2") if lesson.kind == "fix"]
    assert [lesson.outcome.value for lesson in cured] == ["worked"]
    assert "M001 a mark is left" in cured[0].text

"""Lives of a task in memory that can be split: one twin goes on, the other was killed at that instant."""

from __future__ import annotations

import atexit
import copy
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from tests.crash import counting
from tests.workflows.world import GOOD_EDITS, World, plan_of

from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER
from keelway.core.policy import BudgetPolicy, DevBudget, Policy, ReviewPolicy, WatchPolicy
from keelway.ports.agent import Effort, Stop, Usage
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.probe import FakeProbe
from keelway.testing.fakes.target import Behaviour, FakeTarget

MIGRATION = "migrations/0002_two.sql"
BAD_FILE, BAD_ERROR_RATE = "bad.txt", 0.12
REQUESTS_PER_TICK = 2_000
ANSWERS_AT = (timedelta(hours=1), timedelta(hours=2))
"""When the owner looks at open questions, counted from the request."""

SHORT = Policy(
    review=ReviewPolicy(auto_merge_risk="low"),
    watch=WatchPolicy(watch_seconds=600.0, interval_seconds=600.0),
    staging=replace(Policy().staging, window_seconds=20.0, tick_seconds=20.0, stabilise_seconds=0.0),
    production=replace(Policy().production, window_seconds=40.0, tick_seconds=20.0, stabilise_seconds=0.0),
)
"""Two or three looks at each release: one look more is six steps more, and all alike."""

USED = {"m": {("dev", 1): Usage(1_000, 100, 1.5), ("dev", 2): Usage(500, 50, 0.25)}}
"""What the agent says that it used."""
POLICIES = {
    "m": replace(SHORT, budget=BudgetPolicy(dev=DevBudget(cost_usd_max=1.0))),
    "r": replace(SHORT, review=replace(SHORT.review, reviewer="required")),
}
"""Policies of acts that have one of their own."""


_REMARK = {"path": "two.py", "line": 1, "severity": "major", "text": "Two is a sum."}
_BLOCK = {"verdict": "block", "summary": "Not two.", "comments": [_REMARK]}
_FEATURE = {**GOOD_EDITS, MIGRATION: "alter table numbers add column two integer;\n"}
ACTS: dict[str, dict[tuple[str, int], Any]] = {
    "b": {
        ("plan", 1): plan_of(create=[*_FEATURE], migrations=[MIGRATION]),
        ("dev", 1): {**_FEATURE, "two.py": "two = 2  # fails lint\n"},
        ("dev", 2): _FEATURE,
    },
    "c": {
        ("plan", 1): plan_of(create=[*GOOD_EDITS, BAD_FILE]),
        ("dev", 1): {**GOOD_EDITS, BAD_FILE: "fails under traffic\n"},
    },
    "m": {
        ("dev", 1): {**GOOD_EDITS, "two.py": "two = 2  # fails lint\n"},
        ("dev", 2): GOOD_EDITS,
    },
    "r": {
        ("dev", 2): {**GOOD_EDITS, "two.py": "two = 1 + 1\n"},
        ("review", 1): Effort(Stop.COMPLETED, json.dumps(_BLOCK)),
        ("review", 2): Effort(Stop.COMPLETED, json.dumps({**_BLOCK, "verdict": "comment"})),
    },
}
"""What the agent answers: b fails its checks once and migrates, c fails under traffic, m fails once and is dear,
r is blocked by its reviewer once."""


class ReadingTarget(FakeTarget):
    """Let a release behave as the files of its commit say."""

    forge: FakeForge

    def behaviour(self, environment: str, release: str) -> Behaviour:
        """Return the schema that the commit knows and the errors that it makes in production."""
        files = self.forge.history[self.places[environment].built[release]].files
        bad = BAD_FILE in files and environment == PRODUCTION
        return Behaviour(schema=2 if MIGRATION in files else 1, error_rate=BAD_ERROR_RATE if bad else 0.0)

    def traffic(self, environment: str, release: str, at: datetime) -> tuple[int, int] | None:
        """Return enough requests for a verdict within two looks."""
        counted = super().traffic(environment, release, at)
        share = REQUESTS_PER_TICK / 100
        return counted and (round(counted[0] * share), round(counted[1] * share))


class Life(World):
    """Live one act; ``effects`` counts what the doors altered, per verb and key."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.database.dispose()
        _hasten(self.database)
        self.effects: Counter[str] = Counter()
        self.trip = counting.Trip()
        self.target = ReadingTarget(self.project, self.clock.now)
        self.target.forge = self.forge
        for place in self.target.places.values():
            place.schema = 1
        self.signal.traffic = self.target.traffic
        people, places = counting.forge_state(self.forge), counting.target_state(self.target)
        fakes = {
            "forge": (self.forge, people),
            "sandbox": (self.sandbox, people),
            "target": (self.target, places),
            "backup": (self.backup, counting.backup_state(self.backup)),
            "notifier": (self.notifier, counting.notifier_state(self.notifier)),
            "agent": (self.agent, lambda: None),
        }
        counted: dict[str, Any] = {
            name: counting.Counted(name, fake, state, self.effects, self.trip)
            for name, (fake, state) in fakes.items()
        }
        doors = replace(self.app.doors, probe=FakeProbe(self.target.health), **counted)
        self.app = replace(self.app, doors=doors)
        self.restart()
        self.baseline()
        self.asked_at = self.clock.now()
        self.task = self.submit().task.id

    def end(self) -> None:
        """Let everything happen; the owner says yes to what is open at fixed instants."""
        instants = [self.asked_at + wait for wait in ANSWERS_AT]
        for instant in [instant for instant in instants if instant > self.clock.now()]:
            self.engine.run_until_idle(instant)
            for question in self.ledger.questions():
                self.commands.approve(question.task, OWNER)
        self.engine.run_until_idle()

    def twin(self, home: Path) -> Life:
        """Return this life as a kill at this very instant leaves it, in a home that twins use in turn."""
        database = _database(home)
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        clock = copy.deepcopy(self.clock)
        ledger = SqlLedger(database, home, clock=clock.now)
        kept = {
            self.home: home,
            self.database: database,
            self.clock: clock,
            self.ledger: ledger,
            self.app.pulls: SqlPullBook(database, home),
        }
        memo: dict[int, Any] = {id(old): new for old, new in kept.items()}
        memo |= {id(same): same for same in (self.policy, self.project, self.app.config, self.plays)}
        memo |= {id(gone): None for gone in (self.engine, self.commands)}
        return copy.deepcopy(self, memo)


@contextmanager
def lived(act: str, home: Path) -> Iterator[Life]:
    """Begin an act in a fresh home; the task is submitted and nothing has happened to it yet."""
    shutil.copytree(_template(), home, dirs_exist_ok=True)
    life = Life(home, policy=POLICIES.get(act, SHORT), plays=ACTS[act])
    life.agent.usage = USED.get(act, {})
    try:
        yield life
    finally:
        life.close()


@cache
def _template() -> Path:
    """Make the tables once for all lives of a process."""
    home = Path(tempfile.mkdtemp(prefix="keelway-life-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    database = open_database(_url(home))
    upgrade(database)
    database.dispose()
    return home


@cache
def _database(home: Path) -> Engine:
    """Open the database of a home once: an engine remembers how its statements are compiled."""
    return _hasten(open_database(_url(home)))


def _url(home: Path) -> str:
    return f"sqlite:///{home / 'keelway.sqlite'}"


def _hasten(database: Engine) -> Engine:
    """Spare a database the waits for the disk and for other processes; nobody pulls a plug here."""

    def prepare(connection: Any, _record: Any) -> None:
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    event.listen(database, "connect", prepare)
    return database

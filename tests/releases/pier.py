"""The pier under delivery: its repository, a wired Keelway on real processes, and its users."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import git
from tests.releases.clock import WallClock
from tests.releases.kinds.kind import HEAD, Kind
from tests.releases.load import Users
from tests.releases.settings import settings
from tests.releases.story import RELEASE, release_story

from keelway.adapters.target.process import ProcessTarget
from keelway.app.bootstrap import App, build
from keelway.app.commands import Commands
from keelway.app.config import load_config
from keelway.app.home import Home
from keelway.app.target.choose import make_traffic
from keelway.clients.control import free_port
from keelway.core.codec import to_json
from keelway.core.model.event import Event, EventKind
from keelway.core.model.handover import Admitted, ApprovedPlan, Merged, Staged, TestedPatch
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Request, intent_key
from keelway.core.release.version import release_name
from keelway.engine.journal import Journal
from keelway.engine.memory import MemoryEngine
from keelway.ports.forge import PullDraft

APPLICATION = Path(__file__).parent / "app"
NOT_COPIED = shutil.ignore_patterns("__pycache__")
HEALTHY_SECONDS = 8.0
ORDER_SECONDS_MAX = 90.0
FROZEN_SECONDS = 15.0
"""What is still under way so long after everything was frozen goes on when people say so."""


def make_ground(root: Path, kind: Kind | None = None) -> None:
    """Write the repository and its configuration."""
    origin = root / "pier"
    shutil.copytree(APPLICATION, origin, ignore=NOT_COPIED)
    (origin / "keelway.toml").write_text(settings(_ports(), kind))
    (root / "plays.json").write_text('{"plays": []}')
    (root / "home").mkdir(exist_ok=True)
    secrets = root / "home" / "secrets.env"
    secrets.write_text("hook=not told to anybody\n")
    secrets.chmod(0o600)
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Open the pier")


def _ports() -> tuple[int, int]:
    first = free_port()
    return first, free_port(frozenset({first}))


@dataclass
class Pier:
    """Hold a wired Keelway; ``engine`` is in memory and in real time unless another one is given."""

    root: Path
    make_engine: Callable[[App], Any] = lambda _: MemoryEngine(Journal(), clock=WallClock())
    around: Callable[[App], App] = lambda app: app
    """Alters the wiring, to put somebody between Keelway and the world."""
    users: Users = field(init=False)

    def __post_init__(self) -> None:
        config = load_config(self.root / "pier" / "keelway.toml")
        url = self.root / "store"
        self.home = Home(self.root / "home", url.read_text() if url.exists() else "")
        app = build(config, self.home)
        target = ProcessTarget(
            config.project,
            str(self.home.repository),
            str(self.home.root),
            app.vault,
            sys.executable,
            make_traffic(config, self.home, config.project),
            healthy_seconds=HEALTHY_SECONDS,
        )
        app = self.around(replace(app, doors=replace(app.doors, target=target)))
        self.app, self.project, self.target = app, config.project, target
        self.engine = self.make_engine(app)
        self.commands = Commands(app, self.engine)
        app.launch(_Also(self.engine, config.policy))
        self.users = Users(config.project.environment(PRODUCTION).port)
        self._kinds: dict[str, Kind] = {}

    @property
    def data(self) -> Path:
        return self.home.root / "data" / PRODUCTION

    def close(self) -> None:
        """End everything that was started, and give everything back."""
        self.users.stop()
        self.engine.close()
        with suppress(Exception):
            self.target.stop_all(2.0)
        self.app.close()

    def turn(self, seconds: float = 0.1) -> None:
        """Let what is due happen."""
        if isinstance(self.engine, MemoryEngine):
            self.engine.run_until_idle(until=self.engine.clock.now())
        time.sleep(seconds)

    def wait(self, run: str, seconds_max: float, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Wait for the end of a run and return its status; what is frozen for a while waits for people."""
        end = time.monotonic() + seconds_max
        while (status := self.engine.status(run)) not in {"done", "failed", "cancelled"}:
            if self.app.ledger.freeze().active:
                end = min(end, time.monotonic() + FROZEN_SECONDS)
            if time.monotonic() > end:
                return status
            meanwhile()
            self.turn()
        return status

    def deploy(
        self, environment: str, ref: str = "", meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Deploy a branch by hand and return what was said in the end."""
        ordered = self.commands.deploy(environment, ref, OWNER)
        self.wait(ordered.run, ORDER_SECONDS_MAX, meanwhile)
        done: dict[str, Any] = self.engine.result(ordered.run) or {
            "ok": False,
            "message": self.engine.status(ordered.run),
        }
        return done

    def open(self, *environments: str) -> None:
        """Bring the first release up, send users, and let them be counted for a while."""
        for environment in environments or (PRODUCTION,):
            done = self.deploy(environment)
            assert done["ok"], done
        self.users.start()

    def active(self, environment: str = PRODUCTION) -> str:
        """Return the release that takes the traffic."""
        return self.target.state(environment).active

    def commit(self, branch: str, files: dict[str, str], base: str) -> str:
        """Write files on top of a commit and push them to a branch of the forge."""
        room = self.root / "room"
        bare = str(self.home.repository)
        if not room.exists():
            git(self.root, "clone", "-q", bare, str(room))
        git(room, "fetch", "-q", "origin")
        git(room, "checkout", "-q", "-f", "-B", branch, base)
        for name, text in files.items():
            path = room / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(room, "add", "-A")
        git(room, "commit", "-q", "-m", f"Write {branch}")
        git(room, "push", "-q", "-f", bare, f"HEAD:refs/heads/{branch}")
        return git(room, "rev-parse", "HEAD")

    def spoilt(self, kind: Kind, feature: str) -> dict[str, str]:
        """Return the files of a bad release."""
        good = (APPLICATION / "fault.py").read_text().replace('"pier"', json.dumps(feature), 1)
        return {"fault.py": good + HEAD + kind.spoils, **kind.files}

    def land(self, kind: Kind, *, number: int = 1) -> Merged:
        """Bring a release as far as the integration branch, as the first four stages would."""
        ledger, forge, branches = self.app.ledger, self.app.doors.forge, self.project.branches
        now = WallClock().now()
        request = Request(f"{kind.name} {number}", OWNER, now)
        row, _ = ledger.create(request, self.project.name, intent_key(self.project.name, request))
        task, feature = row.task, f"{kind.name}-{number}"
        forge.refresh()
        base = forge.head(branches.integration)
        files = self.spoilt(kind, feature)
        branch = f"{branches.feature_prefix}{task.name}"
        head = self.commit(branch, files, base)
        plan = Plan(kind.what[:100], kind.what, modify=tuple(files), probes=(_promise(feature),))
        ledger.amend(task.id, plan=to_json(plan), plan_version=1)
        for status in (Status.PLANNING, Status.DEVELOPING, Status.TESTING, Status.PR_OPEN, Status.STAGING):
            ledger.move(task.id, status)
        draft = PullDraft(task.name, plan.title, plan.approach, branches.integration, branch, head)
        pull = forge.open_pull(draft, key=f"{task.id}/open")
        merge = forge.merge(
            pull.number, head_sha=head, base_sha=base, message=plan.title, squash=True, key=f"{task.id}/merge"
        )
        about = {"branch": branches.integration, "sha": merge.sha, "pull_request": pull.number}
        ledger.record(Event(EventKind.MERGED, now, task.id, "review", 1, data=about, key=f"{task.id}/merged"))
        assert ledger.lease(f"lane:{self.project.name}", task.id) is not None
        approved = ApprovedPlan(
            Admitted(task, now), plan, 1, "digest", base, self.app.config.policy.digest, "low", (), "policy"
        )
        patch = TestedPatch(approved, branch, base, head, merge.tree_sha, 1, (), "low", (), tuple(files), 10)
        return Merged(patch, pull.number, merge.sha, merge.tree_sha, now)

    def send(self, merged: Merged, *, staging: bool) -> str:
        """Start the way of a landed release through the environments."""
        run = merged.task.id  # answers of people are sent to the run that bears the name of the task
        payload: dict[str, Any] = {"merged": to_json(merged)}
        if not staging:
            for status in (Status.OBSERVING, Status.PROMOTING):
                self.app.ledger.move(merged.task.id, status)
            said = Staged(merged, release_name(merged.merge_sha), "", 0.0, "not rehearsed")
            payload = {"staged": to_json(said)}
        self.engine.start(RELEASE, run, payload)
        return run

    def lost(self) -> list[int]:
        """Return the ships that were promised to users and are not there."""
        path, promised = self.data / "pier.sqlite", dict(self.users.booked)
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            there = dict(db.execute("SELECT id, name FROM ships"))
        return [number for number, name in promised.items() if there.get(number) != name]


class _Also:
    """Launch an engine with one story more: the second half of a delivery."""

    def __init__(self, engine: Any, policy: Any) -> None:
        self._engine, self._policy = engine, policy

    def launch(self, stories: dict[str, Any], stages: Any, queues: Any) -> None:
        self._engine.launch({**stories, RELEASE: release_story(self._policy)}, stages, queues)


def _promise(feature: str) -> AcceptanceProbe:
    return AcceptanceProbe("/feature", body_contains=feature)


@contextmanager
def pier(root: Path, kind: Kind | None = None) -> Iterator[Pier]:
    """Open a pier in a folder, and end all of it."""
    make_ground(root, kind)
    made = Pier(root)
    try:
        made.open(*((STAGING, PRODUCTION) if kind is None or kind.staging else (PRODUCTION,)))
        yield made
    finally:
        made.close()

"""Two workers and a control plane on PostgreSQL: one worker dies while it develops, and the other goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.walks.tiny import BYE, BYE_TEST, PLAYS, config, free_ports, git, make_repository

from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import CLOSED, Status
from keelway.ports.ledger import TaskRow
from keelway.store.database import open_database
from keelway.store.ledger import SqlLedger

BIN = Path(sys.executable).parent
pytestmark = [pytest.mark.soak, pytest.mark.timeout(420)]

HUB_ROLES = ["plan", "review", "ops"]
WORKERS = f"""
[worker]
roles = {json.dumps(HUB_ROLES)}
beat_seconds = 0.5
lease_seconds = 3.0
"""
PLAYS_SLOW: dict[str, Any] = {
    "plays": [
        PLAYS["plays"][0],
        {
            "match": "bye",
            "role": "dev",
            "steps": [
                {"do": "edit", "path": "greeter.py", "text": BYE},
                {"do": "edit", "path": "tests/test_bye.py", "text": BYE_TEST, "delay_seconds": 4.0},
            ],
        },
    ]
}


class Yard:
    """Hold a repository, a store, a control plane and workers, each process with a home of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.repository = make_repository(folder)
        (folder / "plays.json").write_text(json.dumps(PLAYS_SLOW))
        (self.repository / "keelway.toml").write_text(config(free_ports(2)) + WORKERS)
        git(self.repository, "add", "keelway.toml")
        git(self.repository, "commit", "-q", "-m", "Configure Keelway")
        self.database = open_database(url)
        self.hands: dict[str, subprocess.Popen[bytes]] = {}

    def env(self, home: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KEELWAY")}
        return {**kept, "KEELWAY_HOME": str(self.folder / home), "KEELWAY_STORE_URL": self.url}

    def types(self, *words: str, home: str = "hub", seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "keelway"), *words],
            cwd=self.repository,
            env=self.env(home),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def reads(self, *words: str) -> Any:
        done = self.types(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def hires(self, name: str, *roles: str) -> None:
        words = [word for role in roles for word in ("--role", role)]
        with (self.folder / f"{name}.jsonl").open("w") as out, (self.folder / f"{name}.err").open("w") as err:
            self.hands[name] = subprocess.Popen(
                [str(BIN / "keelway"), "worker", *words, "--json"],
                cwd=self.repository,
                env=self.env(name),
                stdout=out,
                stderr=err,
            )

    def said(self, name: str, event: str) -> list[dict[str, Any]]:
        lines = (self.folder / f"{name}.jsonl").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.endswith("}")]
        return [line for line in told if line["event"] == event]

    def row(self) -> TaskRow:
        return self.ledger.find("T-1")

    def events(self, kind: EventKind) -> list[Event]:
        links = self.ledger.events(task=self.row().task.id)
        return [link.event for link in links if link.event.kind is kind]

    def went_live(self) -> None:
        assert self.row().status is Status.DEPLOYED
        assert self.types("audit", "--verify").returncode == 0
        assert len(self.events(EventKind.MERGED)) == 2  # integration once, production once
        commits = git(self.folder / "hub" / "repository.git", "log", "--format=%s", "develop").splitlines()
        assert len([line for line in commits if "goodbye" in line.lower()]) == 1

    def waits(self, reached: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := reached():
                return found
            time.sleep(0.05)
        told = {name: (self.folder / f"{name}.err").read_text()[-2_000:] for name in self.hands}
        raise AssertionError(f"not reached: {told}\n{self.types('status').stdout}")

    def who_develops(self) -> str:
        return next((name for name in self.hands if self.said(name, "began")), "")

    @cached_property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self.database, self.folder / "reader")

    def closes(self) -> None:
        self.database.dispose()
        for hand in self.hands.values():
            if hand.poll() is None:
                hand.terminate()
        for hand in self.hands.values():
            try:
                hand.wait(20)
            except subprocess.TimeoutExpired:
                hand.kill()
                hand.wait(10)
        self.types("down", "--yes", seconds=60)
        for process in psutil.process_iter():
            if str(self.folder) in " ".join(_said(process.cmdline)):
                _said(process.kill)


def _said(ask: Callable[[], Any]) -> Any:
    try:
        return ask() or []
    except psutil.Error:
        return []


@pytest.fixture
def yard(tmp_path: Path, postgres_url: str) -> Iterator[Yard]:
    made = Yard(tmp_path, postgres_url)
    yield made
    made.closes()


@pytest.mark.parametrize("until", ["developed", "live"])
def test_a_worker_that_is_killed_while_it_develops_loses_nothing(yard: Yard, until: str) -> None:
    up = yard.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    for name in ("one", "two"):
        yard.hires(name, "dev")
    for name in yard.hands:
        yard.waits(lambda name=name: yard.said(name, "joined"))
    workers = yard.reads("status")["workers"]
    assert sorted(tuple(worker["roles"]) for worker in workers) == [("dev",), ("dev",), tuple(HUB_ROLES)]
    assert yard.types("ask", "Please add a /bye endpoint").returncode == 0
    first = yard.waits(yard.who_develops)
    room = yard.folder / first / "workspaces" / "T-1" / "greeter.py"
    yard.waits(lambda: room.exists() and "/bye" in room.read_text())
    yard.hands[first].send_signal(signal.SIGKILL)
    other = next(name for name in yard.hands if name != first)
    yard.waits(lambda: yard.said(other, "ended"), 100)
    if until == "live":
        yard.waits(lambda: yard.row().status in CLOSED, 100)
        yard.went_live()
    done = Counter(
        (event.stage, event.attempt, event.data.get("effect")) for event in yard.events(EventKind.EFFECT_DONE)
    )
    assert done["development", 1, "collect:1"] == 1
    assert max(done.values()) == 1, done.most_common(3)
    assert yard.row().commit_sha
    yard.hands[other].send_signal(signal.SIGINT)
    assert yard.hands[other].wait(20) == 0
    assert yard.said(other, "left")


def test_a_worker_that_is_asked_twice_to_leave_hands_its_task_back_at_once(yard: Yard) -> None:
    up = yard.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    yard.hires("one", "dev")
    yard.waits(lambda: yard.said("one", "joined"))
    assert yard.types("ask", "Please add a /bye endpoint").returncode == 0
    room = yard.folder / "one" / "workspaces" / "T-1" / "greeter.py"
    yard.waits(lambda: room.exists() and "/bye" in room.read_text())
    yard.hands["one"].send_signal(signal.SIGTERM)
    yard.waits(lambda: yard.said("one", "draining"))
    yard.hands["one"].send_signal(signal.SIGTERM)
    assert yard.hands["one"].wait(30) == 0
    assert yard.said("one", "left")[0]["running"] == 1
    assert "T-1 went back to the others" in yard.said("one", "left")[0]["text"]
    yard.hires("two", "dev")
    yard.waits(lambda: yard.said("two", "ended"), 120)
    assert yard.row().status not in CLOSED
    assert yard.row().commit_sha


def test_an_emergency_stop_and_an_abort_reach_the_worker(yard: Yard) -> None:
    up = yard.types("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    yard.hires("one", "dev")
    yard.waits(lambda: yard.said("one", "joined"))
    assert yard.types("freeze", "fire").returncode == 0
    yard.waits((yard.folder / "one" / "FREEZE").exists, 20)
    assert yard.types("unfreeze", home="one").returncode == 0
    yard.waits(lambda: not (yard.folder / "hub" / "FREEZE").exists(), 20)
    assert yard.types("ask", "Please add a /bye endpoint").returncode == 0
    room = yard.folder / "one" / "workspaces" / "T-1" / "greeter.py"
    yard.waits(lambda: room.exists() and "/bye" in room.read_text())
    assert yard.types("abort", "T-1", "--yes").returncode == 0
    yard.waits(lambda: yard.row().status is Status.ABORTED, 60)
    yard.waits(lambda: yard.said("one", "ended"), 60)
    yard.waits(lambda: not room.exists(), 120)

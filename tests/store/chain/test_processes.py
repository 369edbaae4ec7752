"""Many processes on one file: one winner each, no lost number, and no kill leaves a torn book."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway.core.model.task import Actor, Request
from keelway.core.rule.approval import Binding
from keelway.ports.ledger import Question
from keelway.store.chain.audit import verify
from keelway.store.database import VERSION, schema_version

WORKER = Path(__file__).with_name("worker.py")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KILLS = 20


class Nest:
    def __init__(self, parent: subprocess.Popen[str], home: Path) -> None:
        self.parent, self.home = parent, home

    def start(self, verb: str, name: str) -> int:
        self.parent.stdin.write(f"{verb} {self.home} {name}\n")
        self.parent.stdin.flush()
        return int(self.parent.stdout.readline())

    def told(self, name: str) -> list[str]:
        path = self.home / f"{name}.out"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def wait(self, *pids: int) -> None:
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

    def kill(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.wait(*pids)


def until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited a minute for nothing"
        time.sleep(0.005)


@pytest.fixture
def nest(home: Path) -> Iterator[Nest]:
    home.mkdir(exist_ok=True)
    command = [sys.executable, str(WORKER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        yield Nest(parent, home)
        parent.stdin.close()
        parent.wait(30)


def test_exactly_one_process_wins(engine, home, ledger, nest):
    for n in range(8):
        binding = Binding(task=f"t{n}", action="plan")
        ledger.ask(Question(f"q{n}", f"t{n}", "planning", binding, "?", NOW, None))
    names = [f"w{n}" for n in range(4)]
    pids = [nest.start("compete", name) for name in names]
    (home / "go").touch()
    nest.wait(*pids)
    told = [json.loads(nest.told(name)[0]) for name in names]
    for prize in ("claims", "answers"):
        assert sorted(n for one in told for n in one[prize]) == list(range(8))
    assert sorted(lease for one in told for lease in one["leases"]) == [[n, 1] for n in range(8)]
    numbers = [number for one in told for number in one["numbers"]]
    assert len(set(numbers)) == 32
    assert sorted(row.task.number for row in ledger.tasks()) == list(range(1, 41))
    assert all(not question.open for question in ledger.questions(open_only=False))
    report = verify(engine, home)
    assert report.ok, report.sentence


def test_kill_at_any_moment_leaves_a_whole_chain(engine, home, ledger, nest):
    ledger.create(Request("x", Actor("owner"), NOW), "app", "k")
    (home / "go").touch()
    dice = random.Random(7)
    confirmed = 1
    for turn in range(KILLS // 2):
        names = [f"r{turn}-{n}" for n in range(2)]
        pids = [nest.start("append", name) for name in names]
        until(lambda names=names: any(nest.told(name) for name in names))
        time.sleep(dice.uniform(0.0, 0.03))
        nest.kill(*pids)
        confirmed = max([confirmed, *(int(line) for name in names for line in nest.told(name))])
        report = verify(engine, home)
        assert report.ok, report.sentence
        assert report.examined >= confirmed
    assert confirmed >= KILLS // 2
    keys = [link.event.key for link in ledger.events(limit=10_000) if link.event.key]
    assert len(set(keys)) == len(keys)


def test_processes_that_upgrade_at_once_make_one_schema(engine, home, nest):
    names = [f"w{n}" for n in range(4)]
    engine.dispose()
    for path in home.glob("keelway.sqlite*"):
        path.unlink()
    nest.wait(*[nest.start("upgrade", name) for name in names])
    assert [nest.told(name) for name in names] == [[str(VERSION)]] * 4
    assert schema_version(engine) == VERSION

"""Processes that work on the store of a home until they are done or killed.

The parent imports everything once and forks one child for each line ``VERB HOME NAME`` that it reads; it
prints the child's process id. A child writes what it did to ``HOME/NAME.out``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keelway.core.errors import RequestRefused
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor, Request
from keelway.core.rule.approval import Approval, Binding
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def append(ledger: SqlLedger, name: str) -> None:
    for n in range(100_000):
        sequence = ledger.record(Event(EventKind.WATCH_CHECKED, NOW, name, key=f"{name}/{n}"))
        ledger.amend("T-1", iterations=sequence)
        print(sequence, flush=True)


def compete(ledger: SqlLedger, name: str) -> None:
    won: dict[str, list[object]] = {"claims": [], "leases": [], "answers": [], "numbers": []}
    for n in range(8):
        _row, new = ledger.create(Request(f"do {n}", Actor("owner"), NOW), "app", f"k{n}")
        if new:
            won["claims"].append(n)
        lease = ledger.lease(f"e{n}", name)
        if lease is not None:
            won["leases"].append([n, lease.epoch])
        answer = Approval(
            f"{name}-{n}",
            _binding(n).digest,
            "yes",
            "",
            Actor(name),
            NOW,
            f"n-{name}-{n}",
            NOW + timedelta(1),
        )
        try:
            ledger.answer(f"q{n}", answer)
            won["answers"].append(n)
        except RequestRefused:
            pass
        mine, _ = ledger.create(Request("x", Actor("owner"), NOW), "app", f"{name}-{n}")
        won["numbers"].append(mine.task.number)
    print(json.dumps(won), flush=True)


def _binding(n: int) -> Binding:
    return Binding(task=f"t{n}", action="plan")


def work(verb: str, home: Path, name: str) -> None:
    engine = open_database(f"sqlite:///{home}/keelway.sqlite")
    version = upgrade(engine)
    if verb == "upgrade":
        print(version, flush=True)
        return
    ledger = SqlLedger(engine, home)
    deadline = time.monotonic() + 20
    while not (home / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    {"append": append, "compete": compete}[verb](ledger, name)


def child(verb: str, home: Path, name: str) -> None:
    descriptor = os.open(home / f"{name}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    try:
        work(verb, home, name)
    except BaseException:  # noqa: BLE001 - a child must never return into the loop of its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        verb, home, name = line.split()
        pid = os.fork()
        if pid == 0:
            child(verb, Path(home), name)
        print(pid, flush=True)


if __name__ == "__main__":
    main()

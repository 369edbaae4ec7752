"""What durability costs: ten steps that do nothing, on Keelway's engine and, with --peers, on others.

    python bench/durable.py [--peers] [--seconds 2] [--rounds 3] [--flight 8] [--parked 1000] [--json]

Every engine is a process of its own with a fresh database. In each round each one has a turn: tasks one after the
other, then ``flight`` of them at a time. Who has no turn is stopped, so that its polling costs nobody else. A step
is the time from the beginning of one step to the beginning of the next within a task. Ratios are taken within a
round. At the end, Keelway keeps a thousand tasks that wait for a person, is killed, and takes them up again.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cluster
import parked
import peers

ENGINES = Path(__file__).parent / "engines"
READY_SECONDS = 150.0
TURN_SECONDS_EXTRA = 180.0
REFERENCE = "keelway, stage"
SECONDS_MAX, ROUNDS_MAX, FLIGHT_MAX, PARKED_MAX = 30.0, 20, 64, 5_000


@dataclass
class Engine:
    """Drive one engine in its own process group."""

    name: str
    database: str
    python: str
    words: tuple[str, ...]
    rounds: list[dict[str, float]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def begin(self, url: str, home: Path) -> None:
        """Start it and wait until it has done its first task."""
        home.mkdir()
        script, *rest = self.words
        with (home / "engine.log").open("w") as log:
            self.process = subprocess.Popen(
                [self.python, str(ENGINES / script), url, str(home / "home"), *rest],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        if self._line(READY_SECONDS) != "ready":
            raise RuntimeError((home / "engine.log").read_text()[-2_000:])
        self.hold(signal.SIGSTOP)

    def hold(self, which: signal.Signals) -> None:
        """Stop or continue the whole group."""
        if self.process is not None:
            os.killpg(self.process.pid, which)

    def turn(self, seconds: float, flight: int) -> None:
        """Let it work for one round."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.hold(signal.SIGCONT)
        print(json.dumps({"seconds": seconds, "flight": flight}), file=self.process.stdin, flush=True)
        told = json.loads(self._line(2 * seconds + TURN_SECONDS_EXTRA))
        self.hold(signal.SIGSTOP)
        self.rounds.append(
            {
                "step_ms": 1_000 * statistics.median(told["step_seconds"]),
                "task_ms": 1_000 * statistics.median(told["task_seconds"]),
                "tasks_per_second": told["tasks_per_second"],
                "rss_mb": told["rss_mb"],
            }
        )

    def end(self) -> None:
        """End the whole group, whatever state it is in."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.hold(signal.SIGKILL)
        self.process.wait(20)

    def _line(self, seconds: float) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if not waiting.select(seconds):
                raise RuntimeError(f"{self.name} said nothing for {seconds:.0f} s")
        return self.process.stdout.readline().strip()


def engines(databases: list[str], others: bool, absent: dict[str, str]) -> Iterator[Engine]:
    """Name every engine that is measured, in the order of the turns."""
    ours, theirs = sys.executable, str(peers.PYTHON)
    for database in databases:
        yield Engine("database alone", database, ours, ("on_floor.py",))
        yield Engine("keelway, story", database, ours, ("on_keelway.py", "story"))
        yield Engine(REFERENCE, database, ours, ("on_keelway.py", "calling"))
        if others and "LangGraph" not in absent:
            yield Engine("LangGraph, sync", database, theirs, ("on_langgraph.py",))
        if others and "Prefect" not in absent:
            yield Engine("Prefect", database, theirs, ("on_prefect.py",))


@contextmanager
def running(
    chosen: list[Engine], folder: Path, make: Callable[[str], str] | None
) -> Iterator[dict[str, str]]:
    """Start the engines one after the other; give those that did not start, with the reason."""
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        for number, engine in enumerate(chosen):
            home = folder / f"engine-{number}"
            stack.callback(engine.end)
            if engine.database == "PostgreSQL" and make is not None:
                url = make(f"engine_{number}")
            else:
                url = f"sqlite:///{folder / f'engine-{number}.sqlite'}"
            try:
                engine.begin(url, home)
            except (RuntimeError, OSError) as problem:
                failed[f"{engine.name} on {engine.database}"] = str(problem)
                engine.end()
        yield failed


def summary(chosen: list[Engine]) -> list[dict[str, Any]]:
    """Return the medians of each engine, and its ratios to ours on the same database."""
    rows = []
    for engine in (one for one in chosen if one.rounds):
        row: dict[str, Any] = {"engine": engine.name, "database": engine.database}
        row |= {
            key: round(statistics.median(one[key] for one in engine.rounds), 2) for key in engine.rounds[0]
        }
        ours = next((o for o in chosen if (o.name, o.database) == (REFERENCE, engine.database)), None)
        for key in ("step_ms", "tasks_per_second") if ours is not None and ours.rounds else ():
            ratios = [mine[key] / other[key] for mine, other in zip(engine.rounds, ours.rounds, strict=False)]
            row[f"{key}_ratio"] = round(statistics.median(ratios), 2)
        rows.append(row)
    return rows


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run all rounds and the parked tasks; name what could not be measured."""
    without = cluster.missing()
    absent = peers.absent() if options.peers else {}
    if without:
        absent["PostgreSQL"] = without
    if not options.peers:
        absent |= dict.fromkeys(peers.PROBES, 'not asked for; next: make bench ARGS="--peers"')
    databases = ["SQLite"] if without else ["SQLite", "PostgreSQL"]
    chosen = list(engines(databases, options.peers, absent))
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kw-bench-")))
        make = None if without else stack.enter_context(cluster.cluster())
        with running(chosen, folder, make) as failed:
            up = [engine for engine in chosen if f"{engine.name} on {engine.database}" not in failed]
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
                for engine in up:
                    engine.turn(options.seconds, options.flight)
        kept = []
        for database in databases if options.parked else ():
            url = make("parked") if make and database == "PostgreSQL" else f"sqlite:///{folder / 'p.sqlite'}"
            try:
                kept.append({"database": database} | parked.measure(url, folder / database, options.parked))
            except RuntimeError as problem:
                failed[f"parked tasks on {database}"] = str(problem)
    setting = {"rounds": options.rounds, "seconds": options.seconds, "flight": options.flight}
    setting |= {"cpus": os.cpu_count(), "python": sys.version.split()[0]}
    return {
        "rows": summary(chosen),
        "parked": kept,
        "not_measured": absent | failed,
        "setting": setting,
        "took_seconds": round(time.monotonic() - began, 1),
    }


def show(result: dict[str, Any]) -> None:
    """Print the tables for people."""
    print("ten durable steps that do nothing; ratios to 'keelway, stage' on the same database")
    heads = ("ms/step", "ratio", "ms/task", "tasks/s", "ratio", "RSS MB")
    keys = ("step_ms", "step_ms_ratio", "task_ms", "tasks_per_second", "tasks_per_second_ratio", "rss_mb")
    print(f"  {'':18}{'':12}" + "".join(f"{head:>10}" for head in heads))
    for row in result["rows"]:
        cells = "".join(f"{row.get(key, ''):>10}" for key in keys)
        print(f"  {row['engine']:18}{row['database']:12}{cells}")
    for row in result["parked"]:
        print(f"\n{row['parked']} tasks that wait for a person, {row['database']}")
        for key, value in row.items():
            if key not in {"parked", "database"}:
                print(f"  {key.replace('_', ' '):44} {value}")
    for name, why in result["not_measured"].items():
        print(f"not measured: {name}: {why}")


def main() -> int:
    """Measure and print; 1 when an engine that was asked for and installed did not work."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="beside LangGraph and Prefect, installed apart")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each half of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flight", type=int, default=8, help="tasks at a time")
    parser.add_argument("--parked", type=int, default=1_000, help="tasks that wait; 0 leaves it out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bounds = ((options.seconds, SECONDS_MAX), (options.rounds, ROUNDS_MAX), (options.flight, FLIGHT_MAX))
    if any(not 0 < value <= most for value, most in bounds) or not 0 <= options.parked <= PARKED_MAX:
        parser.error(
            f"at most {SECONDS_MAX:.0f} s, {ROUNDS_MAX} rounds, {FLIGHT_MAX} at a time, {PARKED_MAX} parked"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # so that the engines end too
    result = measure(options)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return int(any(" on " in name for name in result["not_measured"]))


if __name__ == "__main__":
    sys.exit(main())

"""Disable each gate, rule and reason in turn and see whether a test fails: ``make redteam``.

The tests run once to learn which of them meets which rule and which reason. Then each mutant runs, in a fork of this
process, the quickest tests that meet it: those of the red team first, then those of the core. What was done is kept in
``.redteam/`` and not done again for the same sources, so that it may be broken off at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from tests.redteam.mutation.change import listen_to_codes, listen_to_rules, silence, switch_off
from tests.redteam.mutation.find import codes, is_written, rules, version, words_of

ROOT = Path(__file__).parents[3]
KEPT = ROOT / ".redteam"
SUITES = {"red team": "tests/redteam", "unit": "tests/core"}
NOT_ASKED = ("fuzz", "mutation", "judge")
"""Parts of the red team that take long on a mutant, or say nothing about a single rule."""
QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no", "-W", "ignore")
ASKED = ("-m", "not deploys and not soak and not agents and not redteam_long")
TESTS_MAX = 5
"""So many tests are tried on a mutant in each suite, the quickest first."""
MORE = {"red team": 15, "unit": 200}
"""So many when those noticed nothing."""
SECONDS_MAX = 180


@dataclass
class Known:
    """Remember which test meets what, and how long it takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    meets: dict[str, list[str]] = field(default_factory=dict)
    """Tests by ``rule:...`` and ``code:...``."""
    red: list[str] = field(default_factory=list)
    """Tests that fail without a mutant; they prove nothing."""


class Listener:
    """Note, for the test that runs, every rule that is asked and every reason that is given."""

    def __init__(self, known: Known) -> None:
        self._known, self._met = known, set[str]()
        listen_to_codes(lambda code: self._met.add(f"code:{code}"))
        listen_to_rules(rules(), lambda name: self._met.add(f"rule:{name}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._met.clear()
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._known.seconds[item.nodeid] = time.monotonic() - began
            for name in self._met:
                self._known.meets.setdefault(name, []).append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self._known.red:
            self._known.red.append(report.nodeid)


@dataclass(frozen=True)
class Result:
    """Say what became of one mutant."""

    mutant: str
    ends: dict[str, str]
    """``killed``, ``survived``, ``not met`` or ``broken``, by suite."""

    @property
    def killed(self) -> bool:
        """Tell whether some test noticed."""
        return "killed" in self.ends.values()


def learn() -> Known:
    """Run every test once and note what it meets; a run of the same sources is remembered."""
    path = KEPT / f"known-{version()}.json"
    if path.is_file():
        return Known(**json.loads(path.read_text()))
    known = Known()
    for name, folder in SUITES.items():
        print(f"learning from {folder} ({name})", flush=True)
        part = _in_fork(lambda folder=folder: _learn(folder))
        known.seconds |= part.seconds
        known.red += part.red
        for what, tests in part.meets.items():
            known.meets.setdefault(what, []).extend(tests)
    for test in known.red:
        print(f"left out, because it fails without a mutant: {test}", flush=True)
    path.write_text(json.dumps(asdict(known)))
    return known


def _learn(folder: str) -> Known:
    known = Known()
    ignore = [f"--ignore=tests/redteam/{name}" for name in NOT_ASKED]
    code = pytest.main(
        [*(word for word in QUIET if word != "-x"), *ASKED, *ignore, folder], plugins=[Listener(known)]
    )
    if code not in {0, 1}:
        raise ValueError(f"{folder} could not be run (pytest ended with {code}).")
    return known


def _in_fork(work: Callable[[], Known]) -> Known:
    """Do something in a process of its own and return what it found."""
    path = KEPT / f"part-{os.getpid()}.json"
    child = os.fork()
    if child == 0:
        try:
            path.write_text(json.dumps(asdict(work())))
        except BaseException as error:  # noqa: BLE001 - whatever it was, the child ends here
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit("The tests are not green without a mutant; see above.")
    found = Known(**json.loads(path.read_text()))
    path.unlink()
    return found


def mutants(known: Known) -> list[str]:
    """Return every mutant: gates, rules, then reasons as written or as they were met."""
    written = {code for code in codes() if "*" not in code}
    met = {name.removeprefix("code:") for name in known.meets if name.startswith("code:")}
    return [
        *(f"rule:{rule.id}" for rule in rules()),
        *(f"code:{code}" for code in sorted(written | _real(met))),
    ]


def _real(met: set[str]) -> set[str]:
    """Leave out what only tests make up: a reason counts when it, or its pattern, stands in the core."""
    patterns = [code.split("*") for code in codes() if "*" in code]
    return {
        code
        for code in met
        if ("_" in code and code.isidentifier() and is_written(code))
        or any(code.startswith(part[0]) and code.endswith(part[-1]) for part in patterns)
    }


def try_mutant(mutant: str, known: Known, suites: Sequence[str], ends: dict[str, str]) -> Result:
    """Run the quickest tests of each suite that meet a mutant, where that was not done before."""
    made = dict(ends)
    for name in suites:
        if name not in made:
            tests = _chosen(mutant, known, SUITES[name])
            made[name] = _run(mutant, tests[:TESTS_MAX]) if tests else "not met"
            if made[name] == "survived" and (more := tests[TESTS_MAX : MORE[name]]):
                made[name] = _run(mutant, more)
    return Result(mutant, made)


def _chosen(mutant: str, known: Known, folder: str) -> list[str]:
    """Return the tests to try: first those that also meet a reason which stands in the text of the rule, the quickest first."""
    met = known.meets.get(mutant, ())
    tests = [test for test in met if test.startswith(folder) and test not in known.red]
    said = {test for code in spoken_by(mutant) for test in known.meets.get(f"code:{code}", ())}
    return sorted(tests, key=lambda test: (test not in said, known.seconds[test]))


def spoken_by(mutant: str) -> set[str]:
    """Return the reasons that a rule can give: those in its own text, for a gate those of its whole file."""
    kind, _, name = mutant.partition(":")
    found = next((rule for rule in rules() if rule.id == name), None) if kind == "rule" else None
    return set() if found is None else words_of(found)


def _run(mutant: str, tests: list[str]) -> str:
    child = os.fork()
    if child == 0:
        os._exit(_child(mutant, tests))
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {0: "survived", 1: "killed"}.get(code, "broken")
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed"  # a test that never ends is one that noticed


def _child(mutant: str, tests: list[str]) -> int:
    """Be the mutant."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    kind, _, name = mutant.partition(":")
    if kind == "code":
        silence(name)
    elif kind == "rule":
        switch_off(next(rule for rule in rules() if rule.id == name))
    return int(pytest.main([*QUIET, *ASKED, *tests]))


def run(only: str = "", suites: Sequence[str] = tuple(SUITES)) -> list[Result]:
    """Try every mutant on the suites on which it was not tried before."""
    KEPT.mkdir(exist_ok=True)
    known = learn()
    path = KEPT / f"mutants-{version()}.jsonl"
    there = [Result(**json.loads(row)) for row in path.read_text().splitlines()] if path.is_file() else []
    results = {each.mutant: each for each in there}
    wanted = [mutant for mutant in mutants(known) if only in mutant]
    with path.open("a", buffering=1) as file:
        for number, mutant in enumerate(wanted, 1):
            known_ends = results[mutant].ends if mutant in results else {}
            before = {name: end for name, end in known_ends.items() if end != "survived"}  # tried again
            if set(suites) - before.keys():
                results[mutant] = try_mutant(mutant, known, suites, before)
                file.write(json.dumps(asdict(results[mutant])) + "\n")
            sign = "ok " if results[mutant].killed else "!! "
            print(f"{number:>4} of {len(wanted)} {sign}{mutant}: {results[mutant].ends}", flush=True)
    return [results[mutant] for mutant in wanted]


def main() -> int:
    """Run, report, and end with 1 when a mutant lived."""
    asked = argparse.ArgumentParser(description="Disable each gate, rule and reason in turn.")
    asked.add_argument("--only", default="", help="a part of the names of mutants")
    asked.add_argument(
        "--suite", choices=list(SUITES), action="append", help="only this one; may be repeated"
    )
    told = asked.parse_args()
    try:
        results = run(told.only, told.suite or tuple(SUITES))
    except KeyboardInterrupt:
        print("\n(broken off; what was done is kept in .redteam/)")
        return 130
    print("\n".join(table(results)))
    return 0 if all(each.killed for each in results) else 1


def table(results: list[Result]) -> Iterator[str]:
    """Yield the report as a table, with the survivors named."""
    yield "| what was switched off | how many | noticed by the red team | by unit tests only | by nobody |"
    yield "|---|---|---|---|---|"
    for kind, name in (("rule:gate.", "functions of gates"), ("rule:", "rules"), ("code:", "single reasons")):
        own = [each for each in results if each.mutant.startswith(kind)]
        if kind == "rule:":
            own = [each for each in own if not each.mutant.startswith("rule:gate.")]
        red = sum(each.ends.get("red team") == "killed" for each in own)
        alive = sum(not each.killed for each in own)
        yield f"| {name} | {len(own)} | {red} | {len(own) - red - alive} | {alive} |"
    alive = sorted(each.mutant for each in results if not each.killed)
    yield ""
    yield f"Survivors: {', '.join(f'`{name}`' for name in alive)}." if alive else "No survivor."


if __name__ == "__main__":
    sys.exit(main())
